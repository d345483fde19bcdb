/** Every group of a cluster, with its members and committed offsets. Which broker answers for a group is decided elsewhere; all share this store. */
import { ErrorCode } from '../../protocol/error-codes.ts';
import type { Clock, RandomBytes } from '../clock.ts';
import type { ConfigStore } from '../config/config-store.ts';
import { Refusal } from '../refusal.ts';
import { ClassicGroup } from './classic-group.ts';
import type { JoinRequest, JoinResult } from './member.ts';

export interface CommittedOffset {
  readonly offset: bigint;
  readonly leaderEpoch: number;
  readonly metadata: string | null;
}

/** A group together with what it committed, by topic and partition. */
export interface Group {
  readonly members: ClassicGroup;
  readonly offsets: Map<string, Map<number, CommittedOffset>>;
}

interface Surroundings {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly configs: ConfigStore;
}

export class GroupCoordinator {
  readonly #groups = new Map<string, Group>();
  readonly #surroundings: Surroundings;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  get all(): Iterable<Group> {
    return this.#groups.values();
  }

  find(id: string): Group | undefined {
    return this.#groups.get(id);
  }

  /** The group, made if it does not exist: a first join or a commit from outside makes one. */
  obtain(id: string): Group {
    const known = this.#groups.get(id);
    if (known !== undefined) return known;
    const { clock, configs } = this.#surroundings;
    const initialDelayMs = configs.brokerNumber('group.initial.rebalance.delay.ms');
    const group: Group = { members: new ClassicGroup(id, { clock, initialDelayMs }), offsets: new Map() };
    this.#groups.set(id, group);
    return group;
  }

  /** `needsId`: the version in which a new member is first told its id and has to come back with it (KIP-394). */
  join(groupId: string, request: JoinRequest, needsId: boolean): Promise<JoinResult> | JoinResult {
    const { configs } = this.#surroundings;
    if (groupId === '') throw new Refusal('INVALID_GROUP_ID');
    const { sessionTimeoutMs } = request;
    const [least, most] = ['group.min.session.timeout.ms', 'group.max.session.timeout.ms'].map((name) => configs.brokerNumber(name));
    if (sessionTimeoutMs < least! || sessionTimeoutMs > most!) throw new Refusal('INVALID_SESSION_TIMEOUT');
    const known = this.#groups.get(groupId);
    if (request.id !== '' && known === undefined) throw new Refusal('UNKNOWN_MEMBER_ID');
    const { members } = known ?? this.obtain(groupId);
    members.checkProtocols(request);
    if (request.id === '') {
      const id = `${request.instanceId ?? request.clientId}-${this.#surroundings.random(16).toString('hex')}`;
      if (needsId && request.instanceId === null) {
        members.expect(id, sessionTimeoutMs);
        throw new MemberIdRequired(id);
      }
      return members.join({ ...request, id });
    }
    if (!members.members.has(request.id) && !members.isExpected(request.id)) throw new Refusal('UNKNOWN_MEMBER_ID');
    const holder = request.instanceId === null ? undefined : members.memberOfInstance(request.instanceId);
    if (holder !== undefined && holder.id !== request.id) throw new Refusal('FENCED_INSTANCE_ID');
    return members.join(request);
  }

  /** Notes an offset as it is given: nothing is compared with the log. */
  commit(groupId: string, topic: string, partition: number, committed: CommittedOffset): void {
    const { offsets } = this.obtain(groupId);
    const partitions = offsets.get(topic) ?? new Map<number, CommittedOffset>();
    offsets.set(topic, partitions);
    partitions.set(partition, committed);
  }

  /** Deletes an empty group. */
  delete(groupId: string): void {
    const group = this.#groups.get(groupId);
    if (group === undefined) throw new Refusal('GROUP_ID_NOT_FOUND');
    if (!group.members.isEmpty) throw new Refusal('NON_EMPTY_GROUP');
    this.#groups.delete(groupId);
  }

  /** Deleting a topic deletes what was committed for it. */
  forgetTopic(topic: string): void {
    for (const { offsets } of this.#groups.values()) offsets.delete(topic);
  }

  /** Ends every timer and wait of every group. */
  close(): void {
    for (const { members } of this.#groups.values()) members.dissolve(ErrorCode.NOT_COORDINATOR);
    this.#groups.clear();
  }
}

/** MEMBER_ID_REQUIRED together with the id that is required. */
export class MemberIdRequired extends Refusal {
  readonly memberId: string;

  constructor(memberId: string) {
    super('MEMBER_ID_REQUIRED');
    this.memberId = memberId;
  }
}
