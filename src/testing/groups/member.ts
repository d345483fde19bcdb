/** One member of a classic consumer group. */

export interface GroupProtocol {
  readonly name: string;
  readonly metadata: Buffer;
}

/** Who a member says it is, and how long it may be silent. */
export interface MemberSetup {
  readonly id: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
}

/** A member that asks to join. */
export interface JoinRequest extends MemberSetup {
  readonly protocolType: string;
  readonly protocols: readonly GroupProtocol[];
}

/** A member's claim to be of this generation. */
export interface MemberClaim {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly generationId: number;
}

/** What JoinGroup answers, without what every answer of a version has in common. */
export interface JoinResult {
  readonly errorCode: number;
  readonly generationId: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leader: string;
  readonly memberId: string;
  readonly members: readonly { readonly memberId: string; readonly groupInstanceId: string | null; readonly metadata: Buffer }[];
}

/** What SyncGroup answers. */
export interface SyncResult {
  readonly errorCode: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignment: Buffer;
}

export const NO_ASSIGNMENT: Buffer = Buffer.alloc(0);

/** The JoinGroup answer that says no. */
export const refusedJoin = (errorCode: number, memberId: string): JoinResult => ({
  errorCode,
  generationId: -1,
  protocolType: null,
  protocolName: null,
  leader: '',
  memberId,
  members: [],
});
/** The SyncGroup answer that says no. */
export const refusedSync = (errorCode: number): SyncResult => ({
  errorCode,
  protocolType: null,
  protocolName: null,
  assignment: NO_ASSIGNMENT,
});

export class Member {
  readonly setup: MemberSetup;
  protocols: readonly GroupProtocol[];
  assignment: Buffer = NO_ASSIGNMENT;
  /** Answers the JoinGroup the member waits for. */
  joining: ((result: JoinResult) => void) | null = null;
  /** Answers the SyncGroup the member waits for. */
  syncing: ((result: SyncResult) => void) | null = null;
  /** Ends the timer of its session. */
  stopTimer: () => void = () => undefined;

  constructor(setup: MemberSetup, protocols: readonly GroupProtocol[]) {
    this.setup = setup;
    this.protocols = protocols;
  }

  get id(): string {
    return this.setup.id;
  }

  metadataOf(protocol: string): Buffer {
    return this.protocols.find(({ name }) => name === protocol)?.metadata ?? NO_ASSIGNMENT;
  }

  offersSame(protocols: readonly GroupProtocol[]): boolean {
    const same = (other: GroupProtocol, i: number): boolean =>
      this.protocols[i]?.name === other.name && this.protocols[i].metadata.equals(other.metadata);
    return protocols.length === this.protocols.length && protocols.every(same);
  }

  /** Answers whatever the member waits for. */
  dismiss(join: JoinResult, sync: SyncResult): void {
    const { joining, syncing } = this;
    this.joining = null;
    this.syncing = null;
    joining?.(join);
    syncing?.(sync);
  }
}
