/** What a benchmark says: ratios, round by round, and the raw figures they come from. */
import type { ParticipantName, Run } from './participants.ts';

/** A ratio over the rounds: each round compares runs that followed each other, so that noise of the machine meets both. */
export interface Ratio {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** What is asked, and which way is good. */
export interface Question {
  readonly key: string;
  readonly text: string;
  readonly ratio: string;
  readonly of: (round: Round) => number | null;
  /** Reached at or above (`least`) or at or below (`most`), on the workloads named. */
  readonly targets: Readonly<Record<string, { readonly least: number } | { readonly most: number }>>;
}

/** One run of each participant; MirrorMaker may run with several numbers of tasks, and its best figure counts. */
export type Round = Readonly<Record<ParticipantName, readonly Run[]>>;

/** All that was measured for one workload. */
export interface WorkloadResult {
  readonly workload: string;
  readonly title: string;
  readonly megabytes: number;
  readonly batchBytes: number;
  readonly ratios: Readonly<Record<string, Ratio>>;
  readonly rounds: readonly Round[];
}

const fastest = (runs: readonly Run[]): number => Math.max(...runs.map(({ megabytesPerSecond }) => megabytesPerSecond));
const cheapest = (runs: readonly Run[]): number => Math.min(...runs.map(({ cpuSecondsPerGigabyte }) => cpuSecondsPerGigabyte));

/** MirrorMaker with the largest of several numbers of tasks; none when it ran with one number alone. */
const widest = (runs: readonly Run[]): readonly Run[] => {
  const counts = runs.map(({ tasks }) => tasks ?? 0);
  return new Set(counts).size < 2 ? [] : runs.filter(({ tasks }) => tasks === Math.max(...counts));
};

const ratio = (runs: readonly Run[], others: readonly Run[], figure: (runs: readonly Run[]) => number): number | null =>
  runs.length === 0 || others.length === 0 ? null : figure(runs) / figure(others);

/** The questions, with what issue and design ask for. */
export const QUESTIONS: readonly Question[] = [
  {
    key: 'throughputOfMirrorMaker',
    text: 'How much faster than MirrorMaker 2 with the number of tasks at which it is fastest?',
    ratio: 'link throughput / MirrorMaker 2 throughput',
    of: ({ link, mirrorMaker }) => ratio(link, mirrorMaker, fastest),
    targets: { 'lz4-250k-6': { least: 3.5 }, 'plain-16k-6': { least: 5 } },
  },
  {
    key: 'cpuOfMirrorMaker',
    text: 'How much CPU does MirrorMaker 2 need for the same bytes, with the number of tasks at which it needs least?',
    ratio: 'MirrorMaker 2 CPU / link CPU',
    of: ({ link, mirrorMaker }) => ratio(mirrorMaker, link, cheapest),
    targets: { 'lz4-250k-6': { least: 8 }, 'plain-16k-6': { least: 15 } },
  },
  {
    key: 'throughputOfManyTasks',
    text: 'How much faster than MirrorMaker 2 with the most tasks (six: one for each partition)?',
    ratio: 'link throughput / MirrorMaker 2 throughput',
    of: ({ link, mirrorMaker }) => ratio(link, widest(mirrorMaker), fastest),
    targets: { 'lz4-250k-6': { least: 3.5 }, 'plain-16k-6': { least: 5 } },
  },
  {
    key: 'cpuOfManyTasks',
    text: 'How much CPU does MirrorMaker 2 need for the same bytes with the most tasks?',
    ratio: 'MirrorMaker 2 CPU / link CPU',
    of: ({ link, mirrorMaker }) => ratio(widest(mirrorMaker), link, cheapest),
    targets: { 'lz4-250k-6': { least: 8 }, 'plain-16k-6': { least: 15 } },
  },
  {
    key: 'throughputOfCeiling',
    text: 'How close to the ceiling, the same Produce requests from memory?',
    ratio: 'link throughput / replay throughput',
    of: ({ link, replay }) => ratio(link, replay, fastest),
    targets: { 'lz4-250k-6': { least: 0.9 }, 'plain-16k-6': { least: 0.9 } },
  },
  {
    key: 'cpuOfRelay',
    text: 'How far from the floor, a relay that only moves bytes?',
    ratio: 'link CPU / relay CPU',
    of: ({ link, relay }) => ratio(link, relay, cheapest),
    targets: { 'lz4-250k-6': { most: 1.6 }, 'plain-16k-6': { most: 1.6 } },
  },
  {
    key: 'peakMemory',
    text: 'How much memory at most?',
    ratio: 'peak resident megabytes of the link',
    of: ({ link }) => Math.max(...link.map(({ peakMegabytes }) => peakMegabytes ?? 0)) || null,
    targets: { 'lz4-250k-200': { most: 250 }, 'plain-16k-200': { most: 250 }, 'single-1k-200': { most: 250 } },
  },
];

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/** Every question's answer for one workload. */
export const ratiosOf = (rounds: readonly Round[]): Readonly<Record<string, Ratio>> =>
  Object.fromEntries(
    QUESTIONS.flatMap(({ key, of }) => {
      const values = rounds.map(of).filter((value) => value !== null);
      return values.length === 0 ? [] : [[key, { median: median(values), min: Math.min(...values), max: Math.max(...values) }]];
    }),
  );

/** Whether a question's target is reached; null where there is none. */
export const verdict = ({ targets, key }: Question, { workload, ratios }: WorkloadResult): string => {
  const target = targets[workload];
  const found = ratios[key];
  if (target === undefined || found === undefined) return '';
  const [reached, text] =
    'least' in target ? [found.median >= target.least, `≥ ${target.least}`] : [found.median <= target.most, `≤ ${target.most}`];
  return `${reached ? 'yes' : 'NO'}, ${text}`;
};

/** Median of one figure of one participant over all rounds, or null when it did not run. */
export const medianOf = (
  { rounds }: WorkloadResult,
  participant: ParticipantName,
  figure: 'megabytesPerSecond' | 'cpuSecondsPerGigabyte',
): number | null => {
  const values = rounds
    .map((round) => round[participant])
    .filter((runs) => runs.length > 0)
    .map(figure === 'megabytesPerSecond' ? fastest : cheapest);
  return values.length === 0 ? null : median(values);
};
