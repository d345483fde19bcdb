/** What the demo shows, as lines: the live picture of a link, its one-line form for logs, and the comparison at the end. */
import type { LinkMetrics, MirrorTopicState, MirrorTopicStatus } from 'kafka-link';
import { shortDigest, type TopicComparison } from './compare.ts';
import { cell, count, type Line, size, span, type Tone, widthOf } from './spans.ts';
import type { DemoTopic } from './workload.ts';

/** What happened, for the lines below the picture. */
export interface Note {
  readonly atMs: number;
  readonly text: string;
  readonly tone: Tone;
}

/** Everything that is shown at one moment. */
export interface View {
  readonly elapsedMs: number;
  readonly source: string;
  readonly destination: string;
  /** Whether the clusters live; a dead one is shown as such. */
  readonly sourceAlive: boolean;
  readonly mirrors: readonly MirrorTopicStatus[];
  readonly metrics: LinkMetrics;
  /** Bytes per second, by topic. */
  readonly rates: ReadonlyMap<string, number>;
  readonly notes: readonly Note[];
}

const MAX_WIDTH = 104;
const FULL_WIDTH = 96;
const NOTES = 6;
const COMPARISON_WIDTH = 90;
const DIGEST_WIDTH = 14;

const stateTone: Partial<Record<MirrorTopicState, Tone>> = { ACTIVE: 'good', STOPPED: 'good', SOURCE_UNAVAILABLE: 'warm', FAILED: 'bad' };

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** A frame of box lines around sections of lines. */
const box = (width: number, title: Line, corner: Line, sections: readonly (readonly Line[])[]): Line[] => {
  const inner = width - 4;
  const rule = (left: string, right: string): Line => [span(`${left}${'─'.repeat(width - 2)}${right}`, 'dim')];
  const gap = Math.max(0, width - 8 - widthOf(title) - widthOf(corner));
  const top: Line = [span('╭─ ', 'dim'), ...title, span(` ${'─'.repeat(gap)} `, 'dim'), ...corner, span(' ─╮', 'dim')];
  const row = (line: Line): Line => [span('│ ', 'dim'), ...line, span(`${' '.repeat(Math.max(0, inner - widthOf(line)))} │`, 'dim')];
  const body = sections.flatMap((lines, i) => [...(i > 0 ? [rule('├', '┤')] : []), ...lines.map(row)]);
  return [top, ...body, rule('╰', '╯')];
};

/** How much of what the source has is at the destination. Full only when nothing is missing. */
const bar = (done: bigint, all: bigint, width: number, tone: Tone): Line => {
  const filled = all === 0n ? width : done >= all ? width : Math.min(width - 1, Math.floor((Number(done) / Number(all)) * width));
  return [span('━'.repeat(filled), tone), span('─'.repeat(width - filled), 'dim')];
};

const total = (mirror: MirrorTopicStatus, of: 'nextOffset' | 'sourceEnd'): bigint =>
  mirror.partitions.reduce((sum, partition) => sum + partition[of], 0n);

const topicRow = (mirror: MirrorTopicStatus, topic: DemoTopic | undefined, rate: number, barWidth: number, full: boolean): Line => {
  const tone = stateTone[mirror.state] ?? 'dim';
  return [
    span(cell(mirror.topic, 11), 'strong'),
    ...(full ? [span(cell(`${mirror.partitions.length} × ${topic?.compression ?? ''}`, 12), 'dim')] : []),
    span(cell(mirror.state, 20), tone),
    ...bar(total(mirror, 'nextOffset'), total(mirror, 'sourceEnd'), barWidth, mirror.state === 'ACTIVE' ? 'accent' : tone),
    span(cell(count(total(mirror, 'nextOffset')), 12, 'right')),
    span(cell(count(mirror.lag), 9, 'right'), mirror.lag > 0n ? 'plain' : 'dim'),
    span(cell(rate > 0 ? `${size(rate)}/s` : '–', 12, 'right'), rate > 0 ? 'plain' : 'dim'),
  ];
};

export const noteLine = ({ atMs, text, tone }: Note): Line => [span(cell(seconds(atMs), 9, 'right'), 'dim'), span(`  ${text}`, tone)];

/** The live picture, for a terminal of so many columns. */
export const picture = (view: View, topics: readonly DemoTopic[], columns: number): Line[] => {
  const width = Math.min(MAX_WIDTH, Math.max(72, columns - 1));
  const full = width >= FULL_WIDTH;
  const barWidth = width - 4 - 11 - (full ? 12 : 0) - 20 - 12 - 9 - 12;
  const head: Line = [
    span(cell('topic', 11), 'dim'),
    ...(full ? [span(cell('partitions', 12), 'dim')] : []),
    span(cell('state', 20), 'dim'),
    span(cell('mirrored', barWidth), 'dim'),
    span(`${cell('offsets', 12, 'right')}${cell('lag', 9, 'right')}${cell('rate', 12, 'right')}`, 'dim'),
  ];
  const rate = [...view.rates.values()].reduce((sum, each) => sum + each, 0);
  const arrow: Line = view.sourceAlive ? [span('  ━━━▶  ', 'accent')] : [span('  ━ ╳    ', 'warm')];
  const clusters: Line = [
    span('source ', 'dim'),
    span(view.source, view.sourceAlive ? 'plain' : 'warm'),
    ...arrow,
    span('destination ', 'dim'),
    span(view.destination),
  ];
  const sums: Line = [
    span(size(view.metrics.bytes), 'strong'),
    span(' in ', 'dim'),
    span(count(view.metrics.batches), 'strong'),
    span(' batches', 'dim'),
    span('   lag ', 'dim'),
    span(count(view.metrics.lag), 'strong'),
    span('   rate ', 'dim'),
    span(`${size(rate)}/s`, 'strong'),
    span('   on the way ', 'dim'),
    span(size(view.metrics.bufferedBytes), 'strong'),
  ];
  const rows = view.mirrors.map((mirror) =>
    topicRow(
      mirror,
      topics.find(({ name }) => name === mirror.topic),
      view.rates.get(mirror.topic) ?? 0,
      barWidth,
      full,
    ),
  );
  const title: Line = [span('kafka-link', 'strong')];
  return [
    ...box(width, title, [span(seconds(view.elapsedMs), 'dim')], [[clusters], [head, ...rows], [sums]]),
    ...view.notes.slice(-NOTES).map(noteLine),
  ];
};

/** The same in one line, for logs. */
export const statusLine = ({ elapsedMs, mirrors, metrics, rates }: View): Line => {
  const states = Object.entries(metrics.mirrors).filter(([, n]) => n > 0);
  const rate = [...rates.values()].reduce((sum, each) => sum + each, 0);
  const offsets = mirrors.reduce((sum, mirror) => sum + total(mirror, 'nextOffset'), 0n);
  return [
    span(cell(seconds(elapsedMs), 9, 'right'), 'dim'),
    span(`  ${states.map(([state, n]) => `${n} ${state}`).join(', ')}`),
    span(`   ${count(offsets)} offsets, lag ${count(metrics.lag)}, ${size(metrics.bytes)}, ${size(rate)}/s`),
  ];
};

/** The comparison of both sides, topic by topic. A narrow window gets it without the digests. */
export const comparison = (topics: readonly TopicComparison[], clusters: readonly [string, string], columns: number): Line[] => {
  const full = columns > COMPARISON_WIDTH;
  const sum = (logs: TopicComparison['source'], of: 'batches' | 'bytes' | 'records'): number => logs.reduce((all, log) => all + log[of], 0);
  const ends = (logs: TopicComparison['source']): bigint => logs.reduce((all, log) => all + log.endOffset, 0n);
  const cells = (
    name: string,
    side: string,
    [offsets, batches, bytes, digest]: readonly [string, string, string, string],
    tone: Tone,
  ): Line => [
    span(cell(name, 11), tone === 'dim' ? 'dim' : 'strong'),
    span(cell(side, 13), 'dim'),
    span(`${cell(offsets, 11, 'right')}${cell(batches, 10, 'right')}${cell(bytes, 11, 'right')}   `, tone),
    ...(full ? [span(cell(digest, DIGEST_WIDTH), 'dim')] : []),
  ];
  const figures = (logs: TopicComparison['source']): readonly [string, string, string, string] => [
    count(ends(logs)),
    count(sum(logs, 'batches')),
    size(sum(logs, 'bytes')),
    shortDigest(logs),
  ];
  const rows = topics.flatMap(({ topic, source, mirror, identical }) => [
    cells(topic, 'source', figures(source), 'plain'),
    [
      ...cells('', 'destination', figures(mirror), 'plain'),
      span(cell(identical ? '= identical' : '≠ DIFFERENT', 13), identical ? 'good' : 'bad'),
    ],
  ]);
  const head = cells('topic', 'log', ['offsets', 'batches', 'bytes', 'sha-256'], 'dim');
  const width = full ? COMPARISON_WIDTH : COMPARISON_WIDTH - DIGEST_WIDTH;
  return box(width, [span('both logs, batch by batch', 'strong')], [span(clusters.join(' | '), 'dim')], [[head], rows]);
};
