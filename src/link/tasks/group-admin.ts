/** Consumer groups from outside, many at once: which there are, what they committed, and commits for those that have no members. */
import { BrokerError } from '../../client/broker-error.ts';
import type { Cluster } from '../../client/cluster.ts';
import { LinkError } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { ListGroups } from '../../protocol/messages/list-groups.ts';
import { OffsetCommit } from '../../protocol/messages/offset-commit.ts';
import { OffsetDelete } from '../../protocol/messages/offset-delete.ts';
import { OffsetFetch, type OffsetFetchResponse } from '../../protocol/messages/offset-fetch.ts';
import { Gate } from '../gate.ts';
import { chunks } from './chunks.ts';
import { GroupCoordinators } from './group-coordinators.ts';

/** A group as the broker that coordinates it lists it. */
export interface ListedGroup {
  /** `consumer` or another one's; empty for a group that never had a member: all its commits came from outside. */
  readonly protocolType: string;
  /** As Kafka spells it; empty from brokers before 2.6. */
  readonly state: string;
  /** `classic`, `consumer`, `share`, `streams`; empty from brokers before 3.8. */
  readonly type: string;
}

export interface GroupListing {
  readonly groups: ReadonlyMap<string, ListedGroup>;
  /** Of brokers that could not be asked: their groups are missing from the list. */
  readonly errors: readonly LinkError[];
}

/** What a group committed for a partition. */
export interface CommittedOffset {
  readonly offset: bigint;
  readonly metadata: string;
  /** -1 for a commit that names none. */
  readonly leaderEpoch: number;
}
/** By topic, by partition. */
export type GroupOffsets = ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>>;

export interface GroupPartition {
  readonly topic: string;
  readonly partition: number;
}
/** One partition's part of a commit. */
export interface OffsetToCommit extends GroupPartition {
  readonly offset: bigint;
  readonly metadata: string;
}

/** A connection of its own per broker: what is asked of coordinators does not hold up other answers. */
const LANE = 'groups';
const GROUPS_PER_REQUEST = 100;
/** From this version on OffsetFetch asks for many groups at once (KIP-709). */
const FIRST_BATCHED_OFFSET_FETCH = 8;
/** A commit becomes one batch of the offsets topic, of 1 MiB by default; a partition takes some 100 bytes of it, and up to 4 KiB of metadata. */
const PARTITIONS_PER_REQUEST = 200;
const READS_AT_ONCE = 16;
/**
 * A broker works on one request per connection at a time, and a commit takes it a while: replicas have to have it, and coordinators from 4.0 on
 * gather commits for some milliseconds before they write. So each that is on its way has a connection of its own, opened when it is needed.
 */
const COMMITS_AT_ONCE = 32;

export class GroupAdmin {
  readonly #cluster: Cluster;
  readonly #coordinators: GroupCoordinators;
  readonly #reads = new Gate(READS_AT_ONCE);
  readonly #commits = new Gate(COMMITS_AT_ONCE);
  /** By broker and lane. */
  readonly #busyLanes = new Set<string>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#coordinators = new GroupCoordinators(cluster);
  }

  /** Asks every broker for the groups that it coordinates and that we may DESCRIBE; others are left out in silence. Rejects when not even metadata is to be had. */
  async list(signal: AbortSignal): Promise<GroupListing> {
    await this.#cluster.refreshMetadata([], signal);
    const groups = new Map<string, ListedGroup>();
    const errors: LinkError[] = [];
    const ask = async (broker: number): Promise<void> => {
      const response = await this.#cluster.send(ListGroups, {}, { broker }, { signal, lane: LANE });
      if (response.errorCode !== ErrorCode.NONE) throw this.#error(response.errorCode, `list the groups of broker ${broker}`);
      for (const { groupId, protocolType, groupState: state, groupType: type } of response.groups) {
        groups.set(groupId, { protocolType, state, type });
        this.#coordinators.learn(groupId, broker);
      }
    };
    const brokers = [...this.#cluster.metadata.brokers.keys()];
    await Promise.all(brokers.map((broker) => ask(broker).catch((error) => errors.push(LinkError.from(error)))));
    return { groups, errors };
  }

  /**
   * Everything that these groups committed for topics that we may DESCRIBE, or why that cannot be told; what transactions have not committed
   * yet is not among it. A group that does not exist has committed nothing. `of` asks for these partitions of each group alone. Needs DESCRIBE
   * on the groups. Rejects when aborted, and with nothing else.
   */
  async offsets(
    groups: readonly string[],
    signal: AbortSignal,
    of?: ReadonlyMap<string, readonly GroupPartition[]>,
  ): Promise<ReadonlyMap<string, GroupOffsets | LinkError>> {
    const { byBroker, failed } = await this.#coordinators.locate(groups, signal);
    const askFor = (groupId: string): AskedOffsets => ({
      groupId,
      topics: of === undefined ? null : byTopic(of.get(groupId) ?? [], ({ partition }) => partition).map(namedIndexes),
    });
    const found = new Map<string, GroupOffsets | LinkError>(failed);
    const requests = [...byBroker].flatMap(([broker, all]) =>
      chunks(all, GROUPS_PER_REQUEST).map(async (some) => {
        try {
          for (const [group, offsets] of await this.#fetch(broker, some.map(askFor), signal)) found.set(group, offsets);
        } catch (error) {
          for (const group of some) found.set(group, LinkError.from(error));
        }
      }),
    );
    await Promise.all(requests);
    signal.throwIfAborted();
    for (const [group, answer] of found) if (LinkError.is(answer) && answer.retriable) this.#coordinators.forget(group);
    return found;
  }

  /**
   * Commits for a group that has no members; a group that does not exist is made. Resolves with what the coordinator answered for each
   * partition, in the order given. Needs READ on the group and on the topics.
   *
   * @throws LinkError as `Cluster.send`; when no coordinator is found.
   */
  commit(group: string, offsets: readonly OffsetToCommit[], signal: AbortSignal): Promise<readonly number[]> {
    return this.#perPartition(group, offsets, signal, async (broker, some) => {
      const topics = byTopic(some, ({ partition, offset, metadata }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        // The epochs of the source mean nothing here, and would send consumers into a truncation check.
        committedLeaderEpoch: -1,
        committedMetadata: metadata,
      }));
      const lane = this.#idleLane(broker);
      try {
        const connection = await this.#cluster.connection(broker, lane, signal);
        const response = await connection.send(OffsetCommit, { groupId: group, memberId: '', topics }, { signal });
        return { errorCode: ErrorCode.NONE, topics: response.topics };
      } finally {
        this.#busyLanes.delete(`${broker}/${lane}`);
      }
    });
  }

  /** Deletes what a group committed for partitions whose topics it is not consuming. Resolves as {@link commit}. Needs DELETE on the group, READ on the topics. */
  deleteOffsets(group: string, of: readonly GroupPartition[], signal: AbortSignal): Promise<readonly number[]> {
    return this.#perPartition(group, of, signal, (broker, some) => {
      const topics = byTopic(some, ({ partition }) => ({ partitionIndex: partition }));
      return this.#cluster.send(OffsetDelete, { groupId: group, topics }, { broker }, { signal, lane: LANE });
    });
  }

  async #perPartition<T extends GroupPartition>(
    group: string,
    items: readonly T[],
    signal: AbortSignal,
    ask: (broker: number, some: readonly T[]) => Promise<PartitionCodes>,
  ): Promise<readonly number[]> {
    const { byBroker, failed } = await this.#coordinators.locate([group], signal);
    const [broker] = byBroker.keys();
    if (broker === undefined)
      throw failed.get(group) ?? this.#error(ErrorCode.COORDINATOR_NOT_AVAILABLE, `find the coordinator of group '${group}'`);
    const codes: number[] = [];
    try {
      for (const some of chunks(items, PARTITIONS_PER_REQUEST)) {
        const { errorCode, topics } = await this.#commits.run(() => ask(broker, some));
        const answers = new Map(
          topics.flatMap(({ name, partitions }) =>
            partitions.map((answer): [string, number] => [`${name}/${answer.partitionIndex}`, answer.errorCode]),
          ),
        );
        const other = errorCode === ErrorCode.NONE ? ErrorCode.UNKNOWN_SERVER_ERROR : errorCode;
        codes.push(...some.map(({ topic, partition }) => answers.get(`${topic}/${partition}`) ?? other));
      }
    } catch (error) {
      this.#coordinators.forget(group);
      throw error;
    }
    if (codes.some((code) => MOVED.has(code))) this.#coordinators.forget(group);
    return codes;
  }

  /** The first that has nothing on its way: so no more of them are opened than are needed at a time. */
  #idleLane(broker: number): string {
    for (let number = 1; ; number++) {
      const lane = `${LANE}-${number}`;
      if (this.#busyLanes.has(`${broker}/${lane}`)) continue;
      this.#busyLanes.add(`${broker}/${lane}`);
      return lane;
    }
  }

  async #fetch(
    broker: number,
    asked: readonly AskedOffsets[],
    signal: AbortSignal,
  ): Promise<Iterable<readonly [string, GroupOffsets | LinkError]>> {
    const connection = await this.#cluster.connection(broker, LANE, signal);
    if (connection.versions.of(OffsetFetch) >= FIRST_BATCHED_OFFSET_FETCH) {
      const response = await this.#reads.run(() => connection.send(OffsetFetch, { groups: asked }, { signal }));
      return response.groups.map((answer) => [answer.groupId, this.#offsetsOf(answer.groupId, answer)]);
    }
    return Promise.all(
      asked.map(async (one) => {
        const response = await this.#reads.run(() => connection.send(OffsetFetch, one, { signal }));
        return [one.groupId, this.#offsetsOf(one.groupId, response)] as const;
      }),
    );
  }

  #offsetsOf(group: string, { errorCode, topics }: Pick<OffsetFetchResponse, 'errorCode' | 'topics'>): GroupOffsets | LinkError {
    // A share group has no offsets of this kind.
    if (errorCode === ErrorCode.GROUP_ID_NOT_FOUND) return new Map();
    if (errorCode !== ErrorCode.NONE)
      return this.#error(errorCode, `read the offsets of group '${group}'`, 'The link needs DESCRIBE on the group');
    const offsets = new Map<string, ReadonlyMap<number, CommittedOffset>>();
    for (const { name, partitions } of topics) {
      // -1 is "none", and brokers take any other negative number too.
      const committed = partitions.filter((partition) => partition.errorCode === ErrorCode.NONE && partition.committedOffset >= 0n);
      const entries = committed.map(
        ({ partitionIndex, committedOffset: offset, committedLeaderEpoch: leaderEpoch, metadata }) =>
          [partitionIndex, { offset, leaderEpoch, metadata: metadata ?? '' }] as const,
      );
      if (entries.length > 0) offsets.set(name, new Map(entries));
    }
    return offsets;
  }

  #error(code: number, doing: string, advice?: string): BrokerError {
    const isForbidden = code === ErrorCode.GROUP_AUTHORIZATION_FAILED || code === ErrorCode.CLUSTER_AUTHORIZATION_FAILED;
    return new BrokerError(
      code,
      `${doing} on the ${this.#cluster.settings.role} cluster`,
      isForbidden && advice !== undefined ? { advice } : {},
    );
  }
}

/** With null topics: everything that the group has committed. */
interface AskedOffsets {
  readonly groupId: string;
  readonly topics: readonly { readonly name: string; readonly partitionIndexes: readonly number[] }[] | null;
}

interface PartitionCodes {
  /** Of the group; then there are no topics. */
  readonly errorCode: number;
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: number }[];
  }[];
}

/** The coordinator is another broker now, or not ready. */
const MOVED: ReadonlySet<number> = new Set([
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
]);

const namedIndexes = ({ name, partitions }: { readonly name: string; readonly partitions: readonly number[] }) => ({
  name,
  partitionIndexes: partitions,
});

const byTopic = <T extends GroupPartition, P>(items: readonly T[], partitionOf: (item: T) => P): { name: string; partitions: P[] }[] => {
  const topics = new Map<string, P[]>();
  for (const item of items) {
    const known = topics.get(item.topic);
    if (known === undefined) topics.set(item.topic, [partitionOf(item)]);
    else known.push(partitionOf(item));
  }
  return [...topics].map(([name, partitions]) => ({ name, partitions }));
};
