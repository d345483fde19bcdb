/** Reads what consumers commit at the source while they do it: the end of `__consumer_offsets`, from the last stable offset on. */
import { abortable, either } from '../../client/abort.ts';
import { BrokerError } from '../../client/broker-error.ts';
import { type Clock, type Random, sleep } from '../../client/clock.ts';
import type { Cluster } from '../../client/cluster.ts';
import { backoff } from '../../client/retry.ts';
import { batchesOf, CONTROL_TYPES, controlTypeOf, type RecordBatch, readRecords, verifyCrc } from '../../codec/index.ts';
import { LinkError } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { Fetch } from '../../protocol/messages/fetch.ts';
import { ZERO_UUID } from '../../protocol/schema.ts';
import { OffsetLookup } from '../replication/offset-lookup.ts';
import { requireTopicRight } from '../topic-admin.ts';
import { decodeOffsetCommit, type OffsetCommitRecord } from './offset-commit-record.ts';

/** Where the coordinators of a cluster keep what consumers commit. */
export const OFFSETS_TOPIC = '__consumer_offsets';

/** A commit, or with `committed` null the end of one, as the log of commits tells it. */
export interface TailedCommit extends OffsetCommitRecord {
  /** By the clock: the commit was made after this. */
  readonly since: number;
}

export interface CommitTailOptions {
  readonly source: Cluster;
  readonly clock: Clock;
  readonly random: Random;
  /** Gets every commit that counts, in the order of the log; those of a transaction when it has committed. */
  readonly found: (commit: TailedCommit) => void;
  /** Commits may have been missed: ask the coordinators. */
  readonly lost: () => void;
  /** {@link CommitTail.readUpTo} may have moved, or it has ended. */
  readonly moved: () => void;
}

interface Tail {
  readonly partition: number;
  offset: number;
  /** By the clock: everything that was committed before has been read. */
  readUpTo: number;
}

const LANE = 'commits';
const WAIT_MS = 200;
/** After an answer with commits: where many are made, each answer then has some of them, rather than one. */
const GATHER_MS = 50;
const PARTITION_BYTES = 1_048_576;
const ANSWER_BYTES = 10 * PARTITION_BYTES;
const LAST_FETCH_BY_NAME = 12;
/** Bytes of commits whose transactions are open. */
const MAX_PENDING_BYTES = 16 * 1_048_576;
const RECORD_OVERHEAD_BYTES = 200;

export class CommitTail {
  readonly #options: CommitTailOptions;
  readonly #lookup: OffsetLookup;
  readonly #closing = new AbortController();
  readonly #tails: Tail[] = [];
  /** Commits of open transactions, by partition and producer id: they count when the marker says so. */
  readonly #open = new Map<string, TailedCommit[]>();
  #openBytes = 0;
  #running: Promise<void> = Promise.resolve();
  /** Why it has ended by itself; null while it goes on, and after {@link close}. */
  failure: LinkError | null = null;

  constructor(options: CommitTailOptions) {
    this.#options = options;
    this.#lookup = new OffsetLookup(options.source, 'committed');
  }

  /**
   * Finds the end of the log and follows it from then on: what was committed before this call is for the coordinators to tell. It begins at the
   * last stable offset, so that every transaction that is open now is seen whole.
   *
   * @throws LinkError `KLINK_AUTH` without READ on the topic; `KLINK_BROKER` with UNKNOWN_TOPIC_OR_PARTITION (retriable) when nobody has
   *   committed anything on the source yet; else as `Cluster.send`.
   */
  async open(signal: AbortSignal): Promise<void> {
    const { source, clock } = this.#options;
    await requireTopicRight(source, [OFFSETS_TOPIC], 'READ', signal);
    await source.refreshMetadata([OFFSETS_TOPIC], signal);
    const topic = source.metadata.topic(OFFSETS_TOPIC);
    const errorCode = topic?.errorCode ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    if (errorCode !== ErrorCode.NONE) {
      throw new BrokerError(errorCode, `follow ${OFFSETS_TOPIC} of the source`, {
        advice: `The link needs READ on ${OFFSETS_TOPIC} for that`,
      });
    }
    const readUpTo = clock.now();
    const ends = (topic?.partitions ?? []).map(async ({ partition }) => ({
      partition,
      offset: await this.#stableEnd(partition, signal),
      readUpTo,
    }));
    this.#tails.push(...(await Promise.all(ends)));
    this.#running = this.#run();
  }

  /** By the clock: every commit made before has been found. Null before {@link open} has resolved. */
  get readUpTo(): number | null {
    return this.#tails.length === 0 ? null : Math.min(...this.#tails.map(({ readUpTo }) => readUpTo));
  }

  close(): Promise<void> {
    this.#closing.abort(new LinkError('KLINK_CLOSED', 'Commits are not followed any more'));
    return this.#running;
  }

  #stableEnd(partition: number, signal: AbortSignal): Promise<number> {
    return abortable(this.#lookup.find(OFFSETS_TOPIC, partition, 'latest'), signal, 'looking for the end of the commits');
  }

  /** Rounds with the leaders of the moment, until it is closed or something is wrong that another try will not cure. */
  async #run(): Promise<void> {
    const { source, clock, random } = this.#options;
    const { signal } = this.#closing;
    for (let failed = 0; !signal.aborted; failed++) {
      const begun = clock.now();
      try {
        await this.#round();
      } catch (thrown) {
        const error = LinkError.from(thrown);
        if (signal.aborted) return;
        if (!error.retriable) {
          this.failure = error;
          this.#options.lost();
          this.#options.moved();
          return;
        }
        if (clock.now() - begun > source.settings.retry.maxBackoffMs) failed = 0;
        await sleep(clock, backoff(source.settings.retry, failed + 1, random), signal).catch(() => {});
        await source.refreshMetadata([OFFSETS_TOPIC], signal).catch(() => {});
      }
    }
  }

  /** One long poll after the other to every leader. Rejects with the first disturbance, when all have ended. */
  async #round(): Promise<void> {
    const leaders = new Map<number, Tail[]>();
    for (const tail of this.#tails) {
      const leader = this.#options.source.metadata.partition(OFFSETS_TOPIC, tail.partition)?.leaderId ?? -1;
      if (leader < 0) throw new BrokerError(ErrorCode.LEADER_NOT_AVAILABLE, `follow ${OFFSETS_TOPIC}-${tail.partition} of the source`);
      leaders.set(leader, [...(leaders.get(leader) ?? []), tail]);
    }
    const round = new AbortController();
    const signal = either(round.signal, this.#closing.signal);
    let first: LinkError | null = null;
    const follow = async ([leader, tails]: readonly [number, Tail[]]): Promise<void> => {
      try {
        while (!signal.aborted) {
          const found = await this.#fetch(leader, tails, signal);
          if (found === 'all') await sleep(this.#options.clock, GATHER_MS, signal);
        }
      } catch (error) {
        first ??= LinkError.from(error);
        round.abort(first);
      }
    };
    await Promise.all([...leaders].map(follow));
    if (first !== null) throw first;
  }

  /** Resolves with whether it has found nothing, all that there was, or a part of it. */
  async #fetch(leader: number, tails: Tail[], signal: AbortSignal): Promise<'nothing' | 'all' | 'part'> {
    const { source, clock } = this.#options;
    const topicId = source.metadata.topic(OFFSETS_TOPIC)?.topicId ?? null;
    // Whoever is first gets its next batch whole: everybody in turn.
    tails.push(...tails.splice(0, 1));
    const partitions = tails.map(({ partition, offset }) => ({
      partition,
      fetchOffset: BigInt(offset),
      partitionMaxBytes: PARTITION_BYTES,
    }));
    const response = await source.send(
      Fetch,
      {
        maxWaitMs: WAIT_MS,
        minBytes: 1,
        maxBytes: ANSWER_BYTES,
        topics: [{ topic: OFFSETS_TOPIC, topicId: topicId ?? ZERO_UUID, partitions }],
      },
      { broker: leader },
      { signal, lane: LANE, ...(topicId === null && { maxVersion: LAST_FETCH_BY_NAME }) },
    );
    const now = clock.now();
    if (response.errorCode !== ErrorCode.NONE) throw new BrokerError(response.errorCode, `follow ${OFFSETS_TOPIC} of the source`);
    let found: 'nothing' | 'all' | 'part' = 'nothing';
    for (const { partitionIndex, errorCode, highWatermark, records } of response.responses[0]?.partitions ?? []) {
      const tail = tails.find(({ partition }) => partition === partitionIndex);
      if (tail === undefined) continue;
      if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) await this.#startOver(tail, signal);
      else if (errorCode !== ErrorCode.NONE) throw new BrokerError(errorCode, `follow ${OFFSETS_TOPIC}-${partitionIndex} of the source`);
      else {
        await this.#read(tail, records ?? NO_RECORDS);
        const hasAll = tail.offset >= Number(highWatermark);
        if (hasAll) tail.readUpTo = now;
        if (!hasAll) found = 'part';
        else if (found === 'nothing' && records !== null && records.length > 0) found = 'all';
      }
    }
    this.#options.moved();
    return found;
  }

  /** The log has lost its end, or begins later than we stand. */
  async #startOver(tail: Tail, signal: AbortSignal): Promise<void> {
    tail.offset = await this.#stableEnd(tail.partition, signal);
    for (const key of this.#open.keys()) if (key.startsWith(`${tail.partition}/`)) this.#release(key);
    this.#options.lost();
  }

  async #read(tail: Tail, records: Buffer): Promise<void> {
    for (const batch of batchesOf(records)) {
      if (batch.nextOffsetNumber <= tail.offset) continue;
      if (!verifyCrc(batch)) {
        throw new LinkError(
          'KLINK_CORRUPT_BATCH',
          `${OFFSETS_TOPIC}-${tail.partition} of the source is damaged at offset ${batch.baseOffset}: its CRC is wrong`,
        );
      }
      await this.#take(tail, batch);
      tail.offset = batch.nextOffsetNumber;
    }
  }

  async #take({ partition, readUpTo: since }: Tail, batch: RecordBatch): Promise<void> {
    const key = `${partition}/${batch.producerId}`;
    const records = await readRecords(batch);
    if (batch.isControl) {
      const ended = this.#release(key);
      // They count from now on, however old they are.
      if (controlTypeOf(records[0]?.key ?? null) === CONTROL_TYPES.commit)
        for (const commit of ended) this.#options.found({ ...commit, since });
      return;
    }
    const commits = records.flatMap((record) => {
      const commit = decodeOffsetCommit(record.key, record.value);
      return commit === null ? [] : [{ ...commit, since }];
    });
    if (!batch.isTransactional) for (const commit of commits) this.#options.found(commit);
    else this.#hold(key, commits);
  }

  #hold(key: string, commits: readonly TailedCommit[]): void {
    this.#openBytes += sizeOf(commits);
    if (this.#openBytes > MAX_PENDING_BYTES) {
      this.#open.clear();
      this.#openBytes = 0;
      this.#options.lost();
      return;
    }
    this.#open.set(key, [...(this.#open.get(key) ?? []), ...commits]);
  }

  #release(key: string): readonly TailedCommit[] {
    const commits = this.#open.get(key) ?? [];
    this.#open.delete(key);
    this.#openBytes -= sizeOf(commits);
    return commits;
  }
}

const NO_RECORDS = Buffer.alloc(0);

const sizeOf = (commits: readonly TailedCommit[]): number =>
  commits.reduce(
    (sum, { group, topic, committed }) => sum + RECORD_OVERHEAD_BYTES + group.length + topic.length + (committed?.metadata.length ?? 0),
    0,
  );
