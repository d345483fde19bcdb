/** Draws throughput and CPU of link, ceiling and MirrorMaker 2 as an SVG that reads well on light and on dark pages. */
import type { ParticipantName } from './participants.ts';
import { medianOf, type WorkloadResult } from './results.ts';

const WIDTH = 840;
const LABEL_WIDTH = 150;
const PLOT_WIDTH = 540;
const BAR = 16;
const BAR_GAP = 4;
const GROUP_HEAD = 26;
const GROUP_GAP = 14;
const TITLE_HEIGHT = 34;

const SERIES: readonly { readonly participant: ParticipantName; readonly label: string; readonly className: string }[] = [
  { participant: 'link', label: 'kafka-link', className: 'link' },
  { participant: 'mirrorMaker', label: 'MirrorMaker 2', className: 'maker' },
  { participant: 'replay', label: 'ceiling', className: 'bound' },
  { participant: 'relay', label: 'byte relay', className: 'bound' },
];

// Colours of the text follow the page; those of the bars have contrast on both.
const STYLE = `
text { font: 13px ui-sans-serif, system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328; }
.title { font-weight: 600; font-size: 15px; }
.quiet { fill: #59636e; }
.value { font-variant-numeric: tabular-nums; }
.link { fill: #0a7d6c; } .maker { fill: #bc4c00; } .bound { fill: #8c959f; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; } .quiet { fill: #9198a1; }
  .link { fill: #2dba9f; } .maker { fill: #f0883e; } .bound { fill: #6e7681; }
}`;

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly figure: 'megabytesPerSecond' | 'cpuSecondsPerGigabyte';
  readonly participants: readonly ParticipantName[];
}

/** Time is bounded by the brokers, CPU by the bytes: each panel shows the bound that belongs to it. */
const PANELS: readonly Panel[] = [
  {
    title: 'Throughput: more is better',
    unit: 'MB/s',
    figure: 'megabytesPerSecond',
    participants: ['link', 'mirrorMaker', 'replay'],
  },
  {
    title: 'CPU of the copying process: less is better',
    unit: 'CPU-s per GB',
    figure: 'cpuSecondsPerGigabyte',
    participants: ['link', 'mirrorMaker', 'relay'],
  },
];

/** The whole picture. Bars are scaled within their group of one workload; each carries its figure. */
export const chart = (results: readonly WorkloadResult[], footer: string): string => {
  const parts: string[] = [];
  let y = 8;
  const text = (x: number, content: string, className = ''): void => {
    parts.push(`<text x="${x}" y="${y}"${className && ` class="${className}"`}>${escaped(content)}</text>`);
  };
  for (const { title, unit, figure, participants } of PANELS) {
    y += TITLE_HEIGHT - 12;
    text(0, title, 'title');
    y += 12;
    for (const result of results) {
      const bars = SERIES.filter(({ participant }) => participants.includes(participant)).flatMap((series) => {
        const value = medianOf(result, series.participant, figure);
        return value === null ? [] : [{ ...series, value }];
      });
      const most = Math.max(...bars.map(({ value }) => value));
      y += GROUP_HEAD - 8;
      text(0, result.title, 'quiet');
      y += 8;
      for (const { label, className, value } of bars) {
        const width = Math.max(2, (value / most) * PLOT_WIDTH);
        parts.push(`<rect x="${LABEL_WIDTH}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="3" class="${className}"/>`);
        y += BAR - 4;
        text(0, label);
        text(Math.round(LABEL_WIDTH + width + 8), `${value >= 20 ? value.toFixed(0) : value.toFixed(1)} ${unit}`, 'value');
        y += 4 + BAR_GAP;
      }
      y += GROUP_GAP - BAR_GAP;
    }
    y += 6;
  }
  y += 14;
  text(0, footer, 'quiet');
  const height = Math.ceil(y + 10);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Throughput and CPU of kafka-link and MirrorMaker 2">
<style>${STYLE}
</style>
${parts.join('\n')}
</svg>
`;
};
