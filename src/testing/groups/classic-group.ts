/** A consumer group of the classic protocol: join, sync, heartbeat, leave, as the members' requests and timers drive it. */
import { ErrorCode } from '../../protocol/error-codes.ts';
import type { Clock } from '../clock.ts';
import { Refusal } from '../refusal.ts';
import {
  type JoinRequest,
  type JoinResult,
  Member,
  type MemberClaim,
  NO_ASSIGNMENT,
  refusedJoin,
  refusedSync,
  type SyncResult,
} from './member.ts';

/** States as DescribeGroups and ListGroups spell them. */
export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable';

interface Surroundings {
  readonly clock: Clock;
  /** `group.initial.rebalance.delay.ms`. */
  readonly initialDelayMs: number;
}

export class ClassicGroup {
  readonly id: string;
  state: GroupState = 'Empty';
  generation = 0;
  protocolType: string | null = null;
  protocolName: string | null = null;
  leader: string | null = null;
  readonly members = new Map<string, Member>();
  /** Ids handed out with MEMBER_ID_REQUIRED to members that have not come back yet, and what ends the wait for each (KIP-394). */
  readonly #pending = new Map<string, () => void>();
  readonly #surroundings: Surroundings;
  #stopRebalanceTimer: () => void = () => undefined;
  #initialDelayOver = true;

  constructor(id: string, surroundings: Surroundings) {
    this.id = id;
    this.#surroundings = surroundings;
  }

  /** True when a commit from outside may move its offsets. */
  get isEmpty(): boolean {
    return this.members.size === 0 && this.#pending.size === 0;
  }

  /** Expects a member under an id it was just told. */
  expect(memberId: string, sessionTimeoutMs: number): void {
    const stop = this.#surroundings.clock.schedule(sessionTimeoutMs, () => {
      this.#pending.delete(memberId);
      this.#maybeCompleteJoin();
    });
    this.#pending.set(memberId, stop);
  }

  isExpected(memberId: string): boolean {
    return this.#pending.has(memberId);
  }

  memberOfInstance(instanceId: string): Member | undefined {
    return [...this.members.values()].find(({ setup }) => setup.instanceId === instanceId);
  }

  /** Throws INCONSISTENT_GROUP_PROTOCOL unless a protocol would remain that all members speak. */
  checkProtocols({ protocolType, protocols }: Pick<JoinRequest, 'protocolType' | 'protocols'>): void {
    const others = [...this.members.values()];
    const common = (name: string): boolean => others.every((member) => member.protocols.some((offered) => offered.name === name));
    const known = others.length === 0 || (protocolType === this.protocolType && protocols.some(({ name }) => common(name)));
    if (protocolType === '' || protocols.length === 0 || !known) throw new Refusal('INCONSISTENT_GROUP_PROTOCOL');
  }

  /** Joins; the answer comes when the group is complete. A member under an id of its own replaces the one that had its instance id. */
  join(request: JoinRequest): Promise<JoinResult> {
    const { id, instanceId, protocolType, protocols } = request;
    this.#pending.get(id)?.();
    this.#pending.delete(id);
    const fresh = this.isEmpty;
    const known = this.members.get(id);
    const replaced = known === undefined && instanceId !== null ? this.memberOfInstance(instanceId) : undefined;
    if (replaced !== undefined) this.#fence(replaced);
    const unchanged = known?.offersSame(protocols) ?? false;
    const settled = known !== undefined && unchanged && this.#answersAtOnce(known);
    const member = new Member(request, protocols);
    if (known !== undefined) {
      known.stopTimer();
      member.assignment = known.assignment;
      if (known.joining !== null) known.joining(refusedJoin(ErrorCode.UNKNOWN_MEMBER_ID, id));
    }
    this.members.set(id, member);
    this.protocolType = protocolType;
    if (settled) {
      this.#watch(member);
      return Promise.resolve(this.#joined(member));
    }
    return new Promise((resolve) => {
      member.joining = resolve;
      if (this.state !== 'PreparingRebalance') this.#prepareRebalance(fresh);
      else this.#maybeCompleteJoin();
    });
  }

  /** Takes the leader's assignment, or waits for it. */
  sync(claim: MemberClaim, assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[]): Promise<SyncResult> {
    const member = this.#claimed(claim);
    if (this.state === 'PreparingRebalance') throw new Refusal('REBALANCE_IN_PROGRESS');
    if (this.state === 'Stable') {
      this.#watch(member);
      return Promise.resolve(this.#synced(member));
    }
    return new Promise((resolve) => {
      member.syncing = resolve;
      if (member.id === this.leader) this.#distribute(assignments);
    });
  }

  heartbeat(claim: MemberClaim): void {
    this.#watch(this.#claimed(claim));
    if (this.state === 'PreparingRebalance') throw new Refusal('REBALANCE_IN_PROGRESS');
  }

  /** A member goes; the others share what it had. */
  leave(memberId: string, instanceId: string | null): void {
    if (this.#pending.has(memberId)) {
      this.#pending.get(memberId)?.();
      this.#pending.delete(memberId);
      this.#maybeCompleteJoin();
      return;
    }
    const member = instanceId === null ? this.members.get(memberId) : this.memberOfInstance(instanceId);
    if (member === undefined) throw new Refusal('UNKNOWN_MEMBER_ID');
    if (instanceId !== null && memberId !== '' && member.id !== memberId) throw new Refusal('FENCED_INSTANCE_ID');
    this.#remove(member);
  }

  /** Throws what a commit of these claims is refused with. */
  checkCommit(claim: MemberClaim): void {
    const outside = claim.generationId < 0 && claim.memberId === '' && claim.groupInstanceId === null;
    if (outside) {
      // Not empty: the offsets belong to its members, whoever they are.
      if (!this.isEmpty) throw new Refusal('UNKNOWN_MEMBER_ID');
      return;
    }
    const member = this.#claimed(claim);
    if (this.state === 'CompletingRebalance') throw new Refusal('REBALANCE_IN_PROGRESS');
    this.#watch(member);
  }

  /** Ends every timer and every wait. */
  dissolve(errorCode: number): void {
    this.#stopRebalanceTimer();
    for (const stop of this.#pending.values()) stop();
    this.#pending.clear();
    for (const member of this.members.values()) {
      member.stopTimer();
      member.dismiss(refusedJoin(errorCode, member.id), refusedSync(errorCode));
    }
    this.members.clear();
    this.state = 'Empty';
  }

  #claimed({ memberId, groupInstanceId, generationId }: MemberClaim): Member {
    if (groupInstanceId !== null) {
      const holder = this.memberOfInstance(groupInstanceId);
      if (holder === undefined) throw new Refusal('UNKNOWN_MEMBER_ID');
      if (holder.id !== memberId) throw new Refusal('FENCED_INSTANCE_ID');
    }
    const member = this.members.get(memberId);
    if (member === undefined) throw new Refusal('UNKNOWN_MEMBER_ID');
    if (generationId !== this.generation) throw new Refusal('ILLEGAL_GENERATION');
    return member;
  }

  /** A member that asks again and brings nothing new gets the generation that stands; the leader's asking means a new assignment is wanted. */
  #answersAtOnce(member: Member): boolean {
    return this.state === 'CompletingRebalance' || (this.state === 'Stable' && member.id !== this.leader);
  }

  #prepareRebalance(fresh: boolean): void {
    const { clock, initialDelayMs } = this.#surroundings;
    this.state = 'PreparingRebalance';
    for (const member of this.members.values()) {
      member.syncing?.(refusedSync(ErrorCode.REBALANCE_IN_PROGRESS));
      member.syncing = null;
    }
    this.#stopRebalanceTimer();
    if (fresh && initialDelayMs > 0) {
      this.#initialDelayOver = false;
      this.#stopRebalanceTimer = clock.schedule(initialDelayMs, () => {
        this.#initialDelayOver = true;
        this.#completeJoin();
      });
      return;
    }
    const longest = Math.max(...[...this.members.values()].map(({ setup }) => setup.rebalanceTimeoutMs));
    this.#stopRebalanceTimer = clock.schedule(longest, () => this.#completeJoin());
    this.#maybeCompleteJoin();
  }

  #maybeCompleteJoin(): void {
    const waiting = [...this.members.values()].every(({ joining }) => joining !== null);
    if (this.state === 'PreparingRebalance' && this.#initialDelayOver && waiting && this.#pending.size === 0) this.#completeJoin();
  }

  /** The next generation begins with those who asked for it. */
  #completeJoin(): void {
    this.#stopRebalanceTimer();
    for (const member of this.members.values()) if (member.joining === null) this.#forget(member);
    this.generation++;
    if (this.members.size === 0) {
      this.state = 'Empty';
      this.protocolName = null;
      this.leader = null;
      return;
    }
    this.state = 'CompletingRebalance';
    this.protocolName = this.#electProtocol();
    if (this.leader === null || !this.members.has(this.leader)) this.leader = [...this.members.keys()][0]!;
    for (const member of this.members.values()) {
      member.joining?.(this.#joined(member));
      member.joining = null;
      this.#watch(member);
    }
  }

  /** Each member votes for the first of its protocols that all speak. */
  #electProtocol(): string {
    const members = [...this.members.values()];
    const common = (name: string): boolean => members.every(({ protocols }) => protocols.some((offered) => offered.name === name));
    const votes = new Map<string, number>();
    for (const { protocols } of members) {
      const choice = protocols.find(({ name }) => common(name))?.name ?? '';
      votes.set(choice, (votes.get(choice) ?? 0) + 1);
    }
    return [...votes].reduce((best, candidate) => (candidate[1] > best[1] ? candidate : best))[0];
  }

  #distribute(assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[]): void {
    const byMember = new Map(assignments.map(({ memberId, assignment }) => [memberId, assignment]));
    this.state = 'Stable';
    for (const member of this.members.values()) {
      member.assignment = byMember.get(member.id) ?? NO_ASSIGNMENT;
      if (member.syncing === null) continue;
      member.syncing(this.#synced(member));
      member.syncing = null;
      this.#watch(member);
    }
  }

  #joined(member: Member): JoinResult {
    const leads = member.id === this.leader;
    const members = leads ? [...this.members.values()] : [];
    return {
      errorCode: ErrorCode.NONE,
      generationId: this.generation,
      protocolType: this.protocolType,
      protocolName: this.protocolName,
      leader: this.leader ?? '',
      memberId: member.id,
      members: members.map((other) => ({
        memberId: other.id,
        groupInstanceId: other.setup.instanceId,
        metadata: other.metadataOf(this.protocolName ?? ''),
      })),
    };
  }

  #synced(member: Member): SyncResult {
    const { protocolType, protocolName } = this;
    return { errorCode: ErrorCode.NONE, protocolType, protocolName, assignment: member.assignment };
  }

  /** Starts the member's session anew: silent for longer than its timeout, it is taken for dead. A member that waits for the group may be silent. */
  #watch(member: Member): void {
    member.stopTimer();
    member.stopTimer = this.#surroundings.clock.schedule(member.setup.sessionTimeoutMs, () => {
      if (member.joining === null && this.members.get(member.id) === member) this.#remove(member);
    });
  }

  #remove(member: Member): void {
    this.#forget(member);
    member.dismiss(refusedJoin(ErrorCode.UNKNOWN_MEMBER_ID, member.id), refusedSync(ErrorCode.UNKNOWN_MEMBER_ID));
    if (this.members.size === 0 && this.state !== 'PreparingRebalance') {
      this.state = 'PreparingRebalance';
      this.#completeJoin();
    } else if (this.state === 'PreparingRebalance') this.#maybeCompleteJoin();
    else this.#prepareRebalance(false);
  }

  #forget(member: Member): void {
    member.stopTimer();
    this.members.delete(member.id);
  }

  #fence(member: Member): void {
    this.#forget(member);
    member.dismiss(refusedJoin(ErrorCode.FENCED_INSTANCE_ID, member.id), refusedSync(ErrorCode.FENCED_INSTANCE_ID));
  }
}
