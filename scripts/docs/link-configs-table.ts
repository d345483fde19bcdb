/** The tables of docs/link-configs.md, made from the table of link configs itself. */
import { readFileSync } from 'node:fs';
import type { ConfigRow } from '../../src/link/configs/config-row.ts';
import { CONFIG_PARTS, CONFIGS_WITHOUT_MEANING } from '../../src/link/configs/link-configs.ts';

export const LINK_CONFIGS_PAGE = new URL('../../docs/link-configs.md', import.meta.url);

const BEGIN = '<!-- link configs: written by scripts/link-configs-page.ts -->';
const END = '<!-- end of link configs -->';

const number = (n: number): string => n.toLocaleString('en-US').replaceAll(',', ' ');
const code = (text: string): string => (text === '' ? 'empty' : `\`${text}\``);

const fallback = (row: ConfigRow): string => {
  if (row.default === null) return '–';
  if (typeof row.default === 'number') return number(row.default);
  if (typeof row.default === 'object') return row.default.length === 0 ? '–' : 'see there';
  return code(String(row.default));
};

const FILTERS: Readonly<Record<string, string>> = {
  topicFilters: '[topic filters](filters.md#topics-and-groups)',
  groupFilters: '[group filters](filters.md#topics-and-groups)',
  aclFilters: '[ACL filters](filters.md#acls)',
};

const values = (row: ConfigRow): string => {
  switch (row.type) {
    case 'boolean':
      return '`true`, `false`';
    case 'int':
    case 'long':
      return `${number(row.min)} – ${number(row.max)}`;
    case 'enum':
      return row.values.map(code).join(', ');
    case 'string':
    case 'password':
    case 'list':
      return row.rule;
    default:
      return FILTERS[row.type] as string;
  }
};

const remarks = ({ dynamic, type }: ConfigRow): string =>
  `${dynamic ? '' : ' **Cannot be changed later.**'}${type === 'password' ? ' **Secret.**' : ''}`;

const line = ([option, row]: [string, ConfigRow]): string =>
  `| \`${row.key}\`<br>\`${option}\` | ${fallback(row)} | ${values(row)} | ${row.meaning}${remarks(row)} |`;

const part = ([title, rows]: (typeof CONFIG_PARTS)[number]): string =>
  [`### ${title}`, '', '| Config | Default | Values | Meaning |', '|---|---|---|---|', ...Object.entries(rows).map(line)].join('\n');

const elsewhere = (): string =>
  [
    '### Without a meaning here',
    '',
    '| Config | |',
    '|---|---|',
    ...Object.entries(CONFIGS_WITHOUT_MEANING).map(([key, advice]) => `| \`${key}\` | ${advice} |`),
  ].join('\n');

/** The page as it is, and as it should be. */
export const linkConfigsPage = (): { readonly is: string; readonly shouldBe: string } => {
  const is = readFileSync(LINK_CONFIGS_PAGE, 'utf8');
  const [before, rest] = is.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`docs/link-configs.md has lost its marks: ${BEGIN} and ${END}`);
  return { is, shouldBe: `${before}${BEGIN}\n${[...CONFIG_PARTS.map(part), elsewhere()].join('\n\n')}\n${END}${after}` };
};
