/** Where a new mirror begins: the product's `mirror.start.offset.spec`, checked, and turned into an offset of a source partition. */
import { BrokerError } from '../../client/broker-error.ts';
import type { Cluster } from '../../client/cluster.ts';
import { LinkError } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { ListOffsets } from '../../protocol/messages/list-offsets.ts';
import { findFirstV2Offset } from './first-v2-offset.ts';

/**
 * Where a new mirror begins in its source log. Mirrors that exist go on where they are.
 * - `earliest`: where the source log starts.
 * - `latest`: where it ends, before the first open transaction: only what is written from now on.
 * - `earliest-v2`: after the messages of the formats before Kafka 0.11, which are not mirrored; where the log starts if it has none.
 * - an ISO 8601 time: at the first record with that timestamp or a later one, or at the end if there is none. As in
 *   `2026-03-01T00:00:00Z`; without an offset from UTC it is UTC, as for Kafka's own tools, and without a time of day it is midnight.
 */
export type MirrorStartOffsetSpec = 'earliest' | 'latest' | 'earliest-v2' | (string & Record<never, never>);

/** A spec that was checked. */
export type StartPosition =
  | { readonly kind: 'earliest' | 'latest' | 'earliest-v2' }
  /** `timestamp`: milliseconds since 1970. */
  | { readonly kind: 'timestamp'; readonly timestamp: number };

const NAMED: ReadonlyMap<unknown, StartPosition> = new Map(
  (['earliest', 'latest', 'earliest-v2'] as const).map((kind) => [kind, { kind }]),
);
const ISO_8601 = /^(?<day>\d{4}-\d{2}-\d{2})(?:T(?<time>\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)(?<zone>Z|[+-]\d{2}(?::?\d{2})?)?)?$/;

/** The checked spec, or what is wrong with it: the end of a sentence that begins with the name of the option. */
export const parseStartOffsetSpec = (spec: unknown): StartPosition | { readonly problem: string } => {
  const named = NAMED.get(spec);
  if (named !== undefined) return named;
  const is = `is ${typeof spec === 'string' ? `'${spec}'` : String(spec)}`;
  const { day, time, zone } = (typeof spec === 'string' ? ISO_8601.exec(spec)?.groups : undefined) ?? {};
  if (day === undefined) {
    return { problem: `${is}; it must be 'earliest', 'latest', 'earliest-v2' or an ISO 8601 time such as '2026-03-01T00:00:00Z'` };
  }
  const timestamp = Date.parse(`${day}T${(time ?? '00:00').replace(',', '.')}${zoneText(zone)}`);
  // Date takes the 31st of every month for a day.
  if (Number.isNaN(timestamp) || !isDay(day)) return { problem: `${is}; there is no such day or time of day` };
  // Negative numbers mean something else where an offset is asked for by time.
  if (timestamp < 0) return { problem: `${is}; it must not be before 1970` };
  return { kind: 'timestamp', timestamp };
};

/** Date wants a colon and minutes. */
const zoneText = (zone = 'Z'): string => (zone === 'Z' ? zone : `${zone.slice(0, 3)}:${zone.replace(':', '').slice(3) || '00'}`);

const isDay = (day: string): boolean => {
  const midnight = Date.parse(`${day}T00:00Z`);
  return !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(day);
};

/** Marks of the log that stand for a time (ListOffsets). */
const MARK = { earliest: -2, latest: -1 } as const;
const READ_COMMITTED = 1;
const NONE_FOUND = -1;

/**
 * The offset at which a new mirror of the partition begins. It may lie inside a batch, as the start of a log may: that batch is copied whole and
 * then deleted up to here. The cluster must know the topic's leaders.
 *
 * @throws LinkError `KLINK_BROKER` or `KLINK_AUTH` when the source refuses, else as {@link Cluster.send} and {@link findFirstV2Offset}.
 *   After a retriable one: refresh metadata, and again.
 */
export const resolveStartOffset = async (
  cluster: Cluster,
  topic: string,
  partition: number,
  position: StartPosition,
  signal: AbortSignal,
): Promise<number> => {
  const offsetAt = (timestamp: number): Promise<number> => listOffset(cluster, topic, partition, timestamp, signal);
  const { kind } = position;
  if (kind === 'earliest' || kind === 'latest') return offsetAt(MARK[kind]);
  // The end first: what is written meanwhile is then neither missed by the search nor skipped.
  const end = await offsetAt(MARK.latest);
  const found =
    kind === 'timestamp'
      ? await offsetAt(position.timestamp)
      : await findFirstV2Offset(cluster, topic, partition, { start: await offsetAt(MARK.earliest), end }, signal);
  return found === null || found === NONE_FOUND ? end : found;
};

const listOffset = async (cluster: Cluster, topic: string, partition: number, timestamp: number, signal: AbortSignal): Promise<number> => {
  const partitions = [{ partitionIndex: partition, timestamp: BigInt(timestamp) }];
  const body = { replicaId: -1, isolationLevel: READ_COMMITTED, topics: [{ name: topic, partitions }] };
  const response = await cluster.send(ListOffsets, body, { leader: { topic, partition } }, { signal });
  const answer = response.topics[0]?.partitions[0];
  if (answer === undefined) {
    throw new LinkError('KLINK_MALFORMED', `The leader of ${topic}-${partition} left it out of its ListOffsets answer`, {
      retriable: true,
    });
  }
  if (answer.errorCode === ErrorCode.NONE) return Number(answer.offset);
  throw new BrokerError(answer.errorCode, `look up where to begin in ${topic}-${partition} on the ${cluster.settings.role} cluster`);
};

/** For messages about logs with old formats: from where they could be mirrored. `firstV2Offset` is what {@link findFirstV2Offset} found. */
export const oldFormatAdvice = (firstV2Offset: number | null): string =>
  firstV2Offset === null
    ? "All that the log holds is that old: start a new mirror with mirror.start.offset.spec 'latest' once the topic's producers write v2"
    : `Record batches of format v2 begin at offset ${firstV2Offset}: a new mirror with mirror.start.offset.spec 'earliest-v2' begins there`;
