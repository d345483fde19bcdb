/** Carries positions of consumer groups over to the destination: what is there is read, what differs is committed, what was done is remembered. */
import { BrokerError } from '../../client/broker-error.ts';
import type { Clock } from '../../client/clock.ts';
import { LinkError } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { type Heard, hear, isSettled, type Origin } from './commit-order.ts';
import type { GroupAdmin, GroupOffsets, GroupPartition } from './group-admin.ts';
import { type MirrorLogs, partitionKey } from './mirror-logs.ts';
import { type CarriedOver, type LogRange, type Position, planOffset } from './plan-offsets.ts';

/** Positions of one group of the source, by mirror topic, by partition. */
export type SourcePositions = ReadonlyMap<string, ReadonlyMap<number, Position>>;

export interface CarryContext {
  /** What is known of the groups of the destination, by their names there. */
  readonly isInUse: (group: string) => boolean;
  readonly isUntouched: (group: string) => boolean;
  /** As in {@link planOffset}. */
  readonly refreshMs: number;
  readonly origin: Origin;
  readonly signal: AbortSignal;
}

/** A position that is beyond what the mirror has: it is at the destination as far as the mirror goes, and the rest follows with the data. */
export interface WaitingOffset extends GroupPartition {
  readonly group: string;
  readonly sourceOffset: bigint;
}

export interface SettledOffset extends GroupPartition {
  readonly ours: bigint | null;
}

/** What became of a batch. Groups go by their names at the source. */
export interface CarryOutcome {
  committed: number;
  refreshed: number;
  readonly waiting: WaitingOffset[];
  /** Groups with members at the destination, for which something would have been committed. */
  readonly inUse: Set<string>;
  /** Groups that could not be dealt with, or not wholly. */
  readonly failures: Map<string, LinkError>;
  /** Positions that could not be committed, and trying again at once would not help; one for each reason and group. */
  readonly refusals: { readonly group: string; readonly error: LinkError }[];
}

export interface OffsetCarrierOptions {
  readonly destination: GroupAdmin;
  readonly clock: Clock;
  readonly logs: MirrorLogs;
  /** The name of a group at the destination. */
  readonly mapGroup: (group: string) => string;
}

type Remembered = CarriedOver & Heard;

interface Write extends GroupPartition {
  readonly position: Position;
  readonly isRefresh: boolean;
  readonly sourceOffset: bigint;
  readonly heard: Heard;
}

/** A position that was found equal may be of any age: it is refreshed so long after it was first seen. */
const FIRST_REFRESH_MS = 3_600_000;

export class OffsetCarrier {
  readonly #options: OffsetCarrierOptions;
  readonly #memory = new Map<string, Map<string, Remembered>>();
  /** The last batch of each group. They go one after the other: what one has read must not be older than what another has written. */
  readonly #turns = new Map<string, Promise<void>>();

  constructor(options: OffsetCarrierOptions) {
    this.#options = options;
  }

  /** Rejects when aborted, and when not even metadata is to be had. */
  carry(groups: ReadonlyMap<string, SourcePositions>, context: CarryContext): Promise<CarryOutcome> {
    const before = [...groups.keys()].map((group) => this.#turns.get(group));
    const turn = Promise.all(before).then(() => this.#carry(groups, context));
    const over: Promise<void> = turn
      .then(
        () => {},
        () => {},
      )
      .then(() => {
        for (const group of groups.keys()) if (this.#turns.get(group) === over) this.#turns.delete(group);
      });
    for (const group of groups.keys()) this.#turns.set(group, over);
    return turn;
  }

  /** Positions that wait for data, as of when they were last looked at. */
  waiting(): readonly WaitingOffset[] {
    return [...this.#memory].flatMap(([group, partitions]) =>
      [...partitions]
        .filter(([, { ours, sourceOffset }]) => ours !== null && ours.offset < sourceOffset)
        .map(([key, { sourceOffset }]) => ({ group, sourceOffset, ...partitionOf(key) })),
    );
  }

  /** The groups of which something is remembered, by their names at the source. */
  get groups(): readonly string[] {
    return [...this.#memory.keys()];
  }

  /** Resolves when the batches that were given so far are over. */
  async idle(): Promise<void> {
    await Promise.all(this.#turns.values());
  }

  /**
   * What is remembered of a group, without what the log has told after `readAt` or just before. `ours` is the offset that we have committed and,
   * as far as is known, nobody else since; or null.
   */
  settled(group: string, readAt: number): ReadonlyMap<string, SettledOffset> {
    return new Map(
      [...(this.#memory.get(group) ?? [])]
        .filter(([, heard]) => isSettled(heard, readAt))
        .map(([key, { ours }]) => [key, { ...partitionOf(key), ours: ours?.offset ?? null }]),
    );
  }

  /** Forgets what is not to be synced any more. */
  retain(isSynced: (group: string, topic: string) => boolean): void {
    for (const [group, partitions] of this.#memory) {
      for (const key of partitions.keys()) if (!isSynced(group, partitionOf(key).topic)) partitions.delete(key);
      if (partitions.size === 0) this.#memory.delete(group);
    }
  }

  /** Forgets single partitions of a group. */
  forget(group: string, keys: Iterable<string>): void {
    const partitions = this.#memory.get(group);
    for (const key of keys) partitions?.delete(key);
    if (partitions?.size === 0) this.#memory.delete(group);
  }

  async #carry(groups: ReadonlyMap<string, SourcePositions>, context: CarryContext): Promise<CarryOutcome> {
    const { destination, logs, mapGroup } = this.#options;
    const { signal } = context;
    const outcome: CarryOutcome = { committed: 0, refreshed: 0, waiting: [], inUse: new Set(), failures: new Map(), refusals: [] };
    const asked = new Map([...groups].map(([group, positions]) => [mapGroup(group), [...flat(positions)]]));
    const [found, ranges] = await Promise.all([
      destination.offsets([...asked.keys()], signal, asked),
      logs.ranges(partitionsOf(groups.values()), signal),
    ]);
    const carryOne = async ([group, positions]: readonly [string, SourcePositions]): Promise<void> => {
      const offsets = found.get(mapGroup(group)) ?? leftOut(mapGroup(group));
      if (LinkError.is(offsets)) {
        outcome.failures.set(group, offsets);
        return;
      }
      const writes = this.#plan(group, positions, offsets, ranges, context, outcome);
      if (writes.length === 0) return;
      if (context.isInUse(mapGroup(group))) outcome.inUse.add(group);
      else await this.#commit(group, writes, signal, outcome);
    };
    await Promise.all([...groups].map(carryOne));
    return outcome;
  }

  #plan(
    group: string,
    positions: SourcePositions,
    offsets: GroupOffsets,
    ranges: ReadonlyMap<string, LogRange>,
    { origin, isUntouched, refreshMs }: CarryContext,
    outcome: CarryOutcome,
  ): readonly Write[] {
    const now = this.#options.clock.now();
    const untouched = isUntouched(this.#options.mapGroup(group));
    const writes: Write[] = [];
    let unknown: LinkError | null = null;
    for (const { topic, partition, position: source } of flat(positions)) {
      const key = partitionKey(topic, partition);
      const last = this.#memory.get(group)?.get(key) ?? null;
      const heard = hear(origin, group, key, last, last?.sourceOffset === source.offset);
      if (heard === null) continue;
      const destination = offsets.get(topic)?.get(partition) ?? null;
      const plan = planOffset({ source, destination, last, range: ranges.get(key) ?? null, isUntouched: untouched, now, refreshMs });
      const sourceOffset = source.offset;
      if (plan.isWaiting) outcome.waiting.push({ group, topic, partition, sourceOffset });
      if (plan.action === 'write') {
        writes.push({ topic, partition, position: plan.position, isRefresh: plan.why === 'refresh', sourceOffset, heard });
      } else if (plan.why === 'unknown') {
        unknown ??= unknownLog(topic, partition);
      } else {
        const writtenAt = last?.writtenAt ?? now - refreshMs + Math.min(refreshMs, FIRST_REFRESH_MS);
        this.#remember(group, key, { sourceOffset, ours: plan.why === 'same' && plan.isOurs ? destination : null, writtenAt, ...heard });
      }
    }
    if (unknown !== null) outcome.refusals.push({ group, error: unknown });
    return writes;
  }

  async #commit(group: string, writes: readonly Write[], signal: AbortSignal, outcome: CarryOutcome): Promise<void> {
    const { destination, clock, mapGroup } = this.#options;
    const offsets = writes.map(({ topic, partition, position }) => ({ topic, partition, ...position }));
    const codes = await destination.commit(mapGroup(group), offsets, signal).catch((error) => LinkError.from(error));
    if (LinkError.is(codes)) {
      outcome.failures.set(group, codes);
      return;
    }
    const refused = new Map<number, Write>();
    for (const [index, write] of writes.entries()) {
      const code = codes[index] ?? ErrorCode.UNKNOWN_SERVER_ERROR;
      if (code !== ErrorCode.NONE) {
        refused.set(code, write);
        continue;
      }
      const { topic, partition, position: ours, sourceOffset, heard } = write;
      this.#remember(group, partitionKey(topic, partition), { sourceOffset, ours, writtenAt: clock.now(), ...heard });
      if (write.isRefresh) outcome.refreshed++;
      else outcome.committed++;
    }
    for (const [code, write] of refused) {
      const error = refusal(code, mapGroup(group), write);
      if (code === ErrorCode.UNKNOWN_MEMBER_ID) outcome.inUse.add(group);
      else if (error.retriable) outcome.failures.set(group, error);
      else outcome.refusals.push({ group, error });
    }
  }

  #remember(group: string, key: string, what: Remembered): void {
    const partitions = this.#memory.get(group);
    if (partitions === undefined) this.#memory.set(group, new Map([[key, what]]));
    else partitions.set(key, what);
  }
}

const ADVICE: ReadonlyMap<number, string> = new Map<number, string>([
  [ErrorCode.GROUP_AUTHORIZATION_FAILED, 'The link needs READ on the groups it syncs'],
  [ErrorCode.TOPIC_AUTHORIZATION_FAILED, 'The link needs READ on its mirror topics to commit offsets for them'],
  [ErrorCode.OFFSET_METADATA_TOO_LARGE, 'Raise offset.metadata.max.bytes of its brokers to what the source has'],
  [ErrorCode.GROUP_ID_NOT_FOUND, 'There is a group of another type under this name'],
]);

const refusal = (code: number, group: string, { topic, partition, position }: Write): BrokerError => {
  const advice = ADVICE.get(code);
  const doing = `commit offset ${position.offset} of group '${group}' for ${topic}-${partition} on the destination`;
  return new BrokerError(code, doing, advice === undefined ? {} : { advice });
};

const unknownLog = (topic: string, partition: number): LinkError =>
  new LinkError(
    'KLINK_STATE',
    `It is not known at the moment how far the mirror ${topic}-${partition} is, so no offset is committed for it`,
    {
      retriable: true,
    },
  );

const leftOut = (group: string): LinkError =>
  new LinkError('KLINK_MALFORMED', `The destination left group '${group}' out of its answer`, { retriable: true });

const partitionOf = (key: string): GroupPartition => {
  const slash = key.lastIndexOf('/');
  return { topic: key.slice(0, slash), partition: Number(key.slice(slash + 1)) };
};

function* flat(positions: SourcePositions): Generator<GroupPartition & { readonly position: Position }, void, undefined> {
  for (const [topic, partitions] of positions) for (const [partition, position] of partitions) yield { topic, partition, position };
}

const partitionsOf = (all: Iterable<SourcePositions>): readonly GroupPartition[] => [
  ...new Map(
    [...all].flatMap((positions) =>
      [...flat(positions)].map(({ topic, partition }) => [partitionKey(topic, partition), { topic, partition }]),
    ),
  ).values(),
];
