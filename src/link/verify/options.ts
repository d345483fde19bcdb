/** The options of a verification: what a user writes, and the checked form that it is done by. */
import { type Clock, type Random, systemClock } from '../../client/clock.ts';
import { type OpenTransport, openTcp } from '../../client/transport.ts';
import { LinkError } from '../../errors.ts';
import type { ConnectOptions } from '../connect-clusters.ts';
import { type ClusterOptions, legalName, parseCluster } from '../options.ts';
import type { VerifyPosition } from './report.ts';
import type { VerifyProgress } from './verify-partition.ts';
import type { VerifyPlan, VerifyTopic } from './verify-topics.ts';

/** How topics are verified: everything but which, and where. All of it may be left out. */
export interface VerifyChoices {
  /**
   * - `exact` (default): at every offset, both sides have the same record, or none.
   * - `latest-per-key`: for compacted topics whose cleaners have run on both sides, each at its own time. The last record of every key is the same, and
   *   so is every record that both sides have. Opens every batch, and remembers every key, at about 72 bytes of memory each.
   */
  readonly mode?: 'exact' | 'latest-per-key';
  /** Where partitions begin; those not named begin at the later log start. `positions` of an earlier report. Not with `latest-per-key`. */
  readonly from?: readonly VerifyPosition[];
  /** Where partitions end, such as where a mirror was stopped; those not named end at the earlier log end. */
  readonly to?: readonly VerifyPosition[];
  /** Runs of differences that are told of a partition; one more ends it. Default 10. */
  readonly maxDifferences?: number;
  /** Visible records without key and value, which the fill policy `records` makes, are no difference. Default false. */
  readonly allowFillerRecords?: boolean;
  /** A mirror that starts before its source is no difference: its link has not deleted yet what the source has. Default false. */
  readonly allowLowerLogStart?: boolean;
  /** Bytes a second, read from both sides together. Default: no limit. */
  readonly bytesPerSecond?: number;
  /** Partitions that are compared at a time. Default 4. Each takes the memory of two answers and of two batches that are open. */
  readonly partitionsAtOnce?: number;
  /** Bytes of an answer; a larger batch comes whole all the same. Default 1 MiB. */
  readonly fetchBytes?: number;
  /** Of a key, a value or other bytes that differ, in the report. 0 keeps them out of it. Default 16. */
  readonly excerptBytes?: number;
  /** With `latest-per-key`: a partition with more keys is left unfinished. Default 5 million. */
  readonly maxKeys?: number;
  /** Milliseconds for the answer to a request, and for which what may pass by itself is tried again. Default 30 seconds. */
  readonly requestTimeoutMs?: number;
  /** Milliseconds between two calls of `onProgress` for one partition. Default 1 second. */
  readonly progressIntervalMs?: number;
  /** Called for every partition, now and then and at its end. */
  readonly onProgress?: (progress: VerifyProgress) => void;
}

export interface VerifyOptions extends VerifyChoices {
  readonly source: ClusterOptions;
  readonly destination: ClusterOptions;
  /** Mirror topics, by name; both names where the mirror is called otherwise. */
  readonly topics: readonly (string | VerifyTopic)[];
  /** Milliseconds to open a connection and agree on versions. Default 10 seconds. */
  readonly connectTimeoutMs?: number;
  /** Milliseconds before something is tried again, doubling from try to try up to `retryBackoffMaxMs`. Default 100. */
  readonly retryBackoffMs?: number;
  /** Default 1 second. */
  readonly retryBackoffMaxMs?: number;
  /** Time, chance and sockets, for tests and for transports of your own. */
  readonly clock?: Clock;
  readonly random?: Random;
  readonly openTransport?: OpenTransport;
}

export interface ParsedVerifyOptions {
  readonly connect: ConnectOptions;
  readonly plan: VerifyPlan;
}

interface NumberOption {
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

const MIB = 1024 * 1024;
const INT = 0x7fff_ffff;

/** Options that are numbers. All but the byte rate are whole. */
const NUMBERS = {
  maxDifferences: { default: 10, min: 1, max: 10_000 },
  bytesPerSecond: { default: Number.POSITIVE_INFINITY, min: 1, max: Number.POSITIVE_INFINITY },
  partitionsAtOnce: { default: 4, min: 1, max: 1_000 },
  fetchBytes: { default: MIB, min: 1, max: INT },
  excerptBytes: { default: 16, min: 0, max: MIB },
  maxKeys: { default: 5_000_000, min: 1, max: 1_000_000_000 },
  requestTimeoutMs: { default: 30_000, min: 100, max: INT },
  progressIntervalMs: { default: 1_000, min: 10, max: INT },
  connectTimeoutMs: { default: 10_000, min: 10, max: INT },
  retryBackoffMs: { default: 100, min: 1, max: INT },
  retryBackoffMaxMs: { default: 1_000, min: 1, max: INT },
} as const satisfies Readonly<Partial<Record<keyof VerifyOptions, NumberOption>>>;
type NumberName = keyof typeof NUMBERS;
type Numbers = Readonly<Record<NumberName, number>>;

/** As a table over the type, so that an option cannot be forgotten here. */
const OPTION_NAMES: ReadonlySet<string> = new Set(
  Object.keys({
    source: true,
    destination: true,
    topics: true,
    mode: true,
    from: true,
    to: true,
    maxDifferences: true,
    allowFillerRecords: true,
    allowLowerLogStart: true,
    bytesPerSecond: true,
    partitionsAtOnce: true,
    fetchBytes: true,
    excerptBytes: true,
    maxKeys: true,
    requestTimeoutMs: true,
    progressIntervalMs: true,
    onProgress: true,
    connectTimeoutMs: true,
    retryBackoffMs: true,
    retryBackoffMaxMs: true,
    clock: true,
    random: true,
    openTransport: true,
  } satisfies Record<keyof VerifyOptions, true>),
);

/**
 * Checks everything at once, before anything is contacted.
 *
 * @throws LinkError `KLINK_CONFIG` that names every problem, one per line.
 */
export const parseVerifyOptions = (options: VerifyOptions): ParsedVerifyOptions => {
  if (typeof options !== 'object' || options === null) {
    throw new LinkError(
      'KLINK_CONFIG',
      `The options of the verification are ${String(options)}; they must be an object with source, destination and topics`,
    );
  }
  const problems: string[] = [];
  const source = parseCluster('source', options.source, 'verify', problems);
  const destination = parseCluster('destination', options.destination, 'verify', problems);
  const topics = parseTopics(options.topics, problems);
  const numbers = parseNumbers(options, problems);
  const plan = parseChoices(options, topics, numbers, problems);
  for (const key of Object.keys(options)) if (!OPTION_NAMES.has(key)) problems.push(`'${key}' is not an option`);
  refuse(problems);
  const { clock = systemClock, random = Math.random, openTransport = openTcp } = options;
  return { connect: { source, destination, clock, random, openTransport, settings: numbers }, plan };
};

/**
 * How the topics of a link that is connected are verified.
 *
 * @throws LinkError `KLINK_CONFIG` that names every problem, one per line.
 */
export const planVerification = (choices: VerifyChoices, topics: readonly VerifyTopic[]): VerifyPlan => {
  const problems: string[] = [];
  const plan = parseChoices(choices, topics, parseNumbers(choices, problems), problems);
  refuse(problems);
  return plan;
};

const refuse = (problems: readonly string[]): void => {
  if (problems.length === 0) return;
  const lines = problems.map((problem) => `- ${problem}`).join('\n');
  throw new LinkError('KLINK_CONFIG', `The options of the verification are not usable:\n${lines}`);
};

/** The choices with their defaults; what is wrong goes to `problems`. */
const parseChoices = (choices: VerifyChoices, topics: readonly VerifyTopic[], numbers: Numbers, problems: string[]): VerifyPlan => {
  const { mode = 'exact', allowFillerRecords = false, allowLowerLogStart = false, onProgress = () => {} } = choices;
  if (mode !== 'exact' && mode !== 'latest-per-key') problems.push(`mode is '${String(mode)}'; it must be 'exact' or 'latest-per-key'`);
  for (const [name, value] of Object.entries({ allowFillerRecords, allowLowerLogStart })) {
    if (typeof value !== 'boolean') problems.push(`${name} is ${String(value)}; it must be true or false`);
  }
  if (typeof onProgress !== 'function') problems.push(`onProgress is ${String(onProgress)}; it must be a function`);
  const from = parsePositions('from', choices.from, topics, problems);
  const to = parsePositions('to', choices.to, topics, problems);
  if (mode === 'latest-per-key' && from.length > 0) problems.push("from cannot be given with mode 'latest-per-key': it needs whole logs");
  const { maxDifferences, excerptBytes, maxKeys, partitionsAtOnce, fetchBytes, bytesPerSecond } = numbers;
  return {
    rules: { mode, allowFillerRecords, allowLowerLogStart, maxDifferences, excerptBytes, maxKeys },
    topics,
    from,
    to,
    partitionsAtOnce,
    fetchBytes,
    bytesPerSecond,
    timeoutMs: numbers.requestTimeoutMs,
    progressIntervalMs: numbers.progressIntervalMs,
    onProgress,
  };
};

const parseNumbers = (options: Partial<Numbers>, problems: string[]): Numbers => {
  const parsed = {} as Record<NumberName, number>;
  for (const name of Object.keys(NUMBERS) as NumberName[]) {
    const { default: fallback, min, max }: NumberOption = NUMBERS[name];
    const value = options[name] ?? fallback;
    parsed[name] = value;
    const isWhole = Number.isInteger(value) || (name === 'bytesPerSecond' && typeof value === 'number' && !Number.isNaN(value));
    if (!isWhole || value < min || value > max) problems.push(`${name} is ${String(value)}; it must be a number from ${min} to ${max}`);
  }
  return parsed;
};

const parseTopics = (given: unknown, problems: string[]): VerifyTopic[] => {
  const topics = (Array.isArray(given) ? given : []).map(
    (entry: string | VerifyTopic): VerifyTopic =>
      typeof entry === 'object' && entry !== null
        ? { topic: entry.topic, sourceTopic: entry.sourceTopic }
        : { topic: entry, sourceTopic: entry },
  );
  if (topics.length === 0) problems.push('topics needs at least one topic name');
  for (const { topic, sourceTopic } of topics) {
    for (const name of new Set([topic, sourceTopic])) {
      if (!legalName(name)) problems.push(`topics has '${String(name)}'; that is not a legal topic name`);
    }
  }
  if (new Set(topics.map(({ topic }) => topic)).size < topics.length) problems.push('topics names a mirror twice');
  return topics;
};

const parsePositions = (
  name: 'from' | 'to',
  given: readonly VerifyPosition[] | undefined,
  topics: readonly VerifyTopic[],
  problems: string[],
): readonly VerifyPosition[] => {
  const positions = given ?? [];
  const seen = new Set<string>();
  for (const { topic, partition, offset } of positions) {
    const label = `${String(topic)}-${String(partition)}`;
    if (!topics.some((known) => known.topic === topic)) problems.push(`${name} has ${label}, which is none of the topics`);
    if (!Number.isInteger(partition) || partition < 0)
      problems.push(`${name} has partition ${String(partition)}; it must be a whole number from 0`);
    if (typeof offset !== 'bigint' || offset < 0n || offset > Number.MAX_SAFE_INTEGER)
      problems.push(`${name} has offset ${String(offset)} for ${label}; it must be a bigint from 0`);
    if (seen.has(label)) problems.push(`${name} has ${label} twice`);
    seen.add(label);
  }
  return positions;
};
