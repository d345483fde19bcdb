/** Which broker coordinates which group: learned from listings, looked for where it is not known, many groups at a time. */
import { BrokerError } from '../../client/broker-error.ts';
import type { Cluster } from '../../client/cluster.ts';
import { LinkError } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { FindCoordinator } from '../../protocol/messages/find-coordinator.ts';
import { Gate } from '../gate.ts';
import { chunks } from './chunks.ts';

const GROUP_KEY_TYPE = 0;
const GROUPS_PER_REQUEST = 100;
/** The last version that asks for one key; the next ones ask for many (KIP-699, Kafka 3.0). */
const LAST_SINGLE_KEY_VERSION = 3;
const REQUESTS_AT_ONCE = 16;

export interface LocatedGroups {
  /** The groups by the broker that coordinates them. */
  readonly byBroker: ReadonlyMap<number, readonly string[]>;
  /** Groups without one, and why. */
  readonly failed: ReadonlyMap<string, LinkError>;
}

export class GroupCoordinators {
  readonly #cluster: Cluster;
  readonly #known = new Map<string, number>();
  readonly #gate = new Gate(REQUESTS_AT_ONCE);

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  learn(group: string, broker: number): void {
    this.#known.set(group, broker);
  }

  /** After a broker has said that it is another one, or has not answered. */
  forget(group: string): void {
    this.#known.delete(group);
  }

  /** Rejects when aborted, and with nothing else. */
  async locate(groups: readonly string[], signal: AbortSignal): Promise<LocatedGroups> {
    const failed = new Map<string, LinkError>();
    const unknown = groups.filter((group) => !this.#known.has(group));
    const searches = chunks(unknown, GROUPS_PER_REQUEST).map(async (some) => {
      try {
        await this.#find(some, failed, signal);
      } catch (error) {
        for (const group of some) failed.set(group, LinkError.from(error));
      }
    });
    await Promise.all(searches);
    signal.throwIfAborted();
    const byBroker = new Map<number, string[]>();
    for (const group of groups) {
      const broker = this.#known.get(group);
      if (broker === undefined) continue;
      const others = byBroker.get(broker);
      if (others === undefined) byBroker.set(broker, [group]);
      else others.push(group);
    }
    return { byBroker, failed };
  }

  async #find(groups: readonly string[], failed: Map<string, LinkError>, signal: AbortSignal): Promise<void> {
    let isNew = false;
    for (const { key, nodeId, errorCode, errorMessage } of await this.#ask(groups, signal)) {
      if (errorCode === ErrorCode.NONE) {
        this.#known.set(key, nodeId);
        isNew ||= !this.#cluster.metadata.brokers.has(nodeId);
        continue;
      }
      const details = {
        detail: errorMessage,
        ...(errorCode === ErrorCode.GROUP_AUTHORIZATION_FAILED && { advice: 'The link needs DESCRIBE on the group' }),
      };
      failed.set(
        key,
        new BrokerError(errorCode, `find the coordinator of group '${key}' on the ${this.#cluster.settings.role} cluster`, details),
      );
    }
    // A broker that joined after the last refresh.
    if (isNew) await this.#cluster.refreshMetadata([], signal);
  }

  async #ask(groups: readonly string[], signal: AbortSignal) {
    try {
      const body = { key: '', keyType: GROUP_KEY_TYPE, coordinatorKeys: groups };
      return (await this.#cluster.send(FindCoordinator, body, 'any', { signal })).coordinators;
    } catch (error) {
      // A list of keys does not fit into the versions of an old broker.
      if (!LinkError.is(error, 'KLINK_VERSION')) throw error;
      return Promise.all(groups.map((key) => this.#gate.run(() => this.#askForOne(key, signal))));
    }
  }

  async #askForOne(key: string, signal: AbortSignal) {
    const body = { key, keyType: GROUP_KEY_TYPE, coordinatorKeys: [] };
    const response = await this.#cluster.send(FindCoordinator, body, 'any', { signal, maxVersion: LAST_SINGLE_KEY_VERSION });
    return { ...response, key };
  }
}
