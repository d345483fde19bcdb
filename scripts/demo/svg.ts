/** Lines as a picture: an SVG of a terminal, readable on light and dark pages. */
import type { Line, Tone } from './spans.ts';
import { widthOf } from './spans.ts';

const CHAR_WIDTH = 8.43;
const LINE_HEIGHT = 19;
const PADDING = 18;

/** One palette per page background; both have a contrast of at least 4.5 to 1. */
const LIGHT: Readonly<Record<Tone, string>> = {
  plain: '#24292f',
  dim: '#6e7781',
  strong: '#0d1117',
  accent: '#0a6c85',
  good: '#1a7f37',
  warm: '#9a6700',
  bad: '#cf222e',
};
const DARK: Readonly<Record<Tone, string>> = {
  plain: '#d1d7e0',
  dim: '#8b949e',
  strong: '#f0f6fc',
  accent: '#56d4dd',
  good: '#56d364',
  warm: '#e3b341',
  bad: '#ff7b72',
};

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll(' ', '\u00a0');

const rules = (palette: Readonly<Record<Tone, string>>): string =>
  Object.entries(palette)
    .map(([tone, colour]) => `.${tone}{fill:${colour}}`)
    .join('');

/** `title` is read to those who do not see the picture. */
export const svg = (lines: readonly Line[], title: string): string => {
  const width = Math.ceil(Math.max(...lines.map(widthOf)) * CHAR_WIDTH + 2 * PADDING);
  const height = lines.length * LINE_HEIGHT + 2 * PADDING;
  const text = lines.map((line, row) => {
    let column = 0;
    const y = PADDING + row * LINE_HEIGHT + 14;
    return line
      .map(({ text: given, tone }) => {
        const drawn = given.trim();
        const x = (PADDING + (column + given.length - given.trimStart().length) * CHAR_WIDTH).toFixed(1);
        column += given.length;
        if (drawn === '') return '';
        // Fonts differ in their widths: every piece is stretched to the cells it has.
        return `<text x="${x}" y="${y}" class="${tone}" textLength="${(drawn.length * CHAR_WIDTH).toFixed(1)}">${escaped(drawn)}</text>`;
      })
      .join('');
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
<title>${title}</title>
<style>
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.strong{font-weight:600}
.page{fill:#f6f8fa;stroke:#d0d7de}${rules(LIGHT)}
@media (prefers-color-scheme:dark){.page{fill:#0d1117;stroke:#30363d}${rules(DARK)}}
</style>
<rect class="page" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>
${text.join('\n')}
</svg>
`;
};
