/** A cluster of scripted brokers whose metadata the test writes, and a client for it on a clock that stands still. */
import { Cluster, type ClusterPorts, type ClusterSettings } from '../../../src/client/cluster.ts';
import { openTcp } from '../../../src/client/transport.ts';
import { ApiVersions } from '../../../src/protocol/messages/api-versions.ts';
import { FindCoordinator } from '../../../src/protocol/messages/find-coordinator.ts';
import { Heartbeat } from '../../../src/protocol/messages/heartbeat.ts';
import { Metadata } from '../../../src/protocol/messages/metadata.ts';
import type { SentResponseOf } from '../../../src/protocol/schema.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { type Offer, ScriptedBroker, type ScriptedRequest } from '../../support/scripted-broker.ts';

export const OFFER: Offer = [{ api: Metadata }, { api: FindCoordinator }, { api: Heartbeat }];
export const BEAT = { groupId: 'g', generationId: 1, memberId: 'm' };

type MetadataAnswer = SentResponseOf<typeof Metadata>;

export const topicAnswer = (name: string, leaders: readonly number[]): MetadataAnswer['topics'][number] => ({
  errorCode: 0,
  name,
  topicId: 'AAAAAAAAAAAAAAAAAAAAAQ',
  isInternal: false,
  partitions: leaders.map((leaderId, partitionIndex) => ({
    errorCode: leaderId < 0 ? 5 : 0,
    partitionIndex,
    leaderId,
    leaderEpoch: 1,
    replicaNodes: [1, 2],
    isrNodes: [1, 2],
    offlineReplicas: [],
  })),
});

export const settingsOf = (bootstrap: ClusterSettings['bootstrap'], more: Partial<ClusterSettings> = {}): ClusterSettings => ({
  role: 'source',
  bootstrap,
  clientId: 'test',
  connectTimeoutMs: 5_000,
  requestTimeoutMs: 30_000,
  maxInFlightBytes: 1_000_000,
  maxFrameBytes: 10_000_000,
  retry: { backoffMs: 100, maxBackoffMs: 1_000 },
  ...more,
});

export const portsOf = (clock: ManualClock, more: Partial<ClusterPorts> = {}): ClusterPorts => ({
  clock,
  // In the middle of the spread: the waits are the plain ones. Shuffles leave the order as it is.
  random: () => 0.5,
  openTransport: openTcp,
  lookup: async (host) => [host],
  ...more,
});

export class ScriptedCluster {
  readonly clock = new ManualClock();
  readonly brokers = new Map<number, ScriptedBroker>();
  /** What came, by broker id, ApiVersions left out. */
  readonly seen: { readonly broker: number; readonly request: ScriptedRequest }[] = [];
  /** May be changed at any time. */
  metadata: MetadataAnswer = { brokers: [], clusterId: 'c-1', controllerId: 1, topics: [] };
  /** Takes a request instead of the script: return true when it was dealt with. */
  intercept: (broker: number, request: ScriptedRequest) => boolean = () => false;
  readonly #clients: Cluster[] = [];
  readonly #retired: ScriptedBroker[] = [];

  static async start(ids: readonly number[], offer: Offer = OFFER): Promise<ScriptedCluster> {
    const cluster = new ScriptedCluster();
    for (const id of ids) await cluster.startBroker(id, offer);
    return cluster;
  }

  /** Starts a broker, or moves it to another port; metadata tells of it at once. With `null` it does not even answer ApiVersions. */
  async startBroker(id: number, offer: Offer | null = OFFER, port?: number): Promise<ScriptedBroker> {
    const before = this.brokers.get(id);
    if (before !== undefined) this.#retired.push(before);
    const broker = await ScriptedBroker.listen({
      ...(offer !== null && { offer }),
      ...(port !== undefined && { port }),
      handle: (request) => {
        this.seen.push({ broker: id, request });
        if (!this.intercept(id, request)) this.#answer(request);
      },
    });
    this.brokers.set(id, broker);
    this.tellOf([...this.brokers.keys()]);
    return broker;
  }

  /** Metadata names these brokers from now on. */
  tellOf(ids: readonly number[]): void {
    const brokers = ids.map((nodeId) => ({ nodeId, host: '127.0.0.1', port: this.broker(nodeId).port }));
    this.metadata = { ...this.metadata, brokers };
  }

  broker(id: number): ScriptedBroker {
    return this.brokers.get(id) as ScriptedBroker;
  }

  endpoint(id: number): { readonly host: string; readonly port: number } {
    return { host: '127.0.0.1', port: this.broker(id).port };
  }

  async connect(settings: Partial<ClusterSettings> = {}, ports: Partial<ClusterPorts> = {}): Promise<Cluster> {
    const client = await Cluster.connect(
      settingsOf([this.endpoint([...this.brokers.keys()][0] as number)], settings),
      portsOf(this.clock, ports),
      { timeoutMs: 60_000 },
    );
    this.#clients.push(client);
    return client;
  }

  /** How often this API was asked for, of one broker or of all. */
  count(api: { readonly key: number }, broker?: number): number {
    return this.seen.filter(({ request, broker: by }) => request.apiKey === api.key && (broker === undefined || by === broker)).length;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    await Promise.all([...this.brokers.values(), ...this.#retired].map((broker) => broker.close()));
  }

  #answer(request: ScriptedRequest): void {
    if (request.apiKey === ApiVersions.key) return;
    if (request.apiKey === Metadata.key) request.answer(Metadata, this.metadata);
    else if (request.apiKey === Heartbeat.key) request.answer(Heartbeat, { errorCode: 0 });
    else throw new Error(`no script for API ${request.apiKey}`);
  }
}
