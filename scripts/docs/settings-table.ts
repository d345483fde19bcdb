/** The table of docs/settings.md, made from the settings themselves. */
import { readFileSync } from 'node:fs';
import { SETTINGS } from 'kafka-link';

export const SETTINGS_PAGE = new URL('../../docs/settings.md', import.meta.url);

const BEGIN = '<!-- settings: written by scripts/settings-page.ts -->';
const END = '<!-- end of settings -->';

const spell = (n: number): string => n.toLocaleString('en-US').replaceAll(',', ' ');

const row = ([name, { key, default: fallback, min, max, meaning }]: [string, (typeof SETTINGS)[keyof typeof SETTINGS]]): string =>
  `| \`${name}\`<br>\`${key}\` | ${spell(fallback)} | ${spell(min)} – ${spell(max)} | ${meaning} |`;

const table = (): string =>
  [
    '| Setting | Default | Range | Meaning |',
    '|---|---:|---|---|',
    ...(Object.entries(SETTINGS) as Parameters<typeof row>[0][]).map(row),
  ].join('\n');

/** The page as it is, and as it should be. */
export const settingsPage = (): { readonly is: string; readonly shouldBe: string } => {
  const is = readFileSync(SETTINGS_PAGE, 'utf8');
  const [before, rest] = is.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`docs/settings.md has lost its marks: ${BEGIN} and ${END}`);
  return { is, shouldBe: `${before}${BEGIN}\n${table()}\n${END}${after}` };
};
