/** Two embedded clusters and clients for them: what the tests of the syncs have in common. */
import { systemClock } from '../../../../src/client/clock.ts';
import { Cluster, type ClusterSettings } from '../../../../src/client/cluster.ts';
import { openTcp } from '../../../../src/client/transport.ts';
import type { Task, TaskResult } from '../../../../src/link/tasks/task.ts';
import { FindCoordinator } from '../../../../src/protocol/messages/find-coordinator.ts';
import { OffsetCommit } from '../../../../src/protocol/messages/offset-commit.ts';
import type { Api } from '../../../../src/protocol/schema.ts';
import { startCluster, type TestCluster, type TestClusterOptions } from '../../../../src/testing/index.ts';

export const never: AbortSignal = new AbortController().signal;

/** A client as a link has it. */
export const connect = (
  bootstrap: readonly string[],
  role: string,
  { clientId = 'kafka-link', ...settings }: Partial<ClusterSettings> = {},
): Promise<Cluster> =>
  Cluster.connect(
    {
      role,
      bootstrap: bootstrap.map((address) => ({ host: address.split(':')[0] as string, port: Number(address.split(':')[1]) })),
      clientId,
      connectTimeoutMs: 2_000,
      requestTimeoutMs: 5_000,
      maxInFlightBytes: 2 ** 24,
      maxFrameBytes: 2 ** 26,
      retry: { backoffMs: 5, maxBackoffMs: 50 },
      ...settings,
    },
    { clock: systemClock, random: Math.random, openTransport: openTcp },
    { timeoutMs: 10_000 },
  );

interface BenchOptions {
  readonly source?: TestClusterOptions;
  readonly destination?: TestClusterOptions;
  /** Of the link; with authorizers it is the principal `User:<clientId>`. */
  readonly clientId?: string;
}

export interface Commit {
  readonly topic?: string;
  readonly partition?: number;
  readonly offset: number;
  readonly metadata?: string;
  readonly leaderEpoch?: number;
}

export class Bench implements AsyncDisposable {
  readonly kafka: { readonly source: TestCluster; readonly destination: TestCluster };
  /** What the link uses. */
  readonly source: Cluster;
  readonly destination: Cluster;
  /** Clients of somebody who may do everything. */
  readonly root: { readonly source: Cluster; readonly destination: Cluster };

  private constructor(kafka: Bench['kafka'], link: { readonly source: Cluster; readonly destination: Cluster }, root: Bench['root']) {
    this.kafka = kafka;
    this.source = link.source;
    this.destination = link.destination;
    this.root = root;
  }

  static async open({ source = {}, destination = {}, clientId = 'kafka-link' }: BenchOptions = {}): Promise<Bench> {
    const kafka = { source: await startCluster(source), destination: await startCluster(destination) };
    const clients = async (id: string) => ({
      source: await connect(kafka.source.bootstrap, 'source', { clientId: id }),
      destination: await connect(kafka.destination.bootstrap, 'destination', { clientId: id }),
    });
    return new Bench(kafka, await clients(clientId), await clients('root'));
  }

  /** One run of a task, as a runner makes it. */
  run(task: Task, signal: AbortSignal = never): Promise<TaskResult> {
    return task.run({ signal, wake: () => {} });
  }

  /** Commits for a group from outside, as a consumer without a group does. */
  async commit(side: 'source' | 'destination', group: string, ...commits: readonly Commit[]): Promise<void> {
    const cluster = this.root[side];
    const topics = commits.map(({ topic = 'orders', partition = 0, offset, metadata = '', leaderEpoch = 3 }) => ({
      name: topic,
      partitions: [
        { partitionIndex: partition, committedOffset: BigInt(offset), committedLeaderEpoch: leaderEpoch, committedMetadata: metadata },
      ],
    }));
    const answer = await cluster.retry(
      async (count) => {
        if (count > 1) await cluster.refreshMetadata([]);
        return cluster.send(OffsetCommit, { groupId: group, memberId: '', topics }, { group });
      },
      { timeoutMs: 10_000 },
    );
    const codes = answer.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode));
    if (codes.some((code) => code !== 0)) throw new Error(`committing for ${group} was answered ${codes}`);
  }

  /** What a group has committed at the destination for a topic, by partition. */
  committed(group: string, topic = 'orders'): Readonly<Record<number, number>> {
    return Object.fromEntries(
      [...this.kafka.destination.committed(group, topic)].map(([partition, offset]) => [partition, Number(offset)]),
    );
  }

  /** How many requests of an API reach a cluster while `act` goes on. */
  async count(side: 'source' | 'destination', api: Api, act: () => Promise<unknown>): Promise<number> {
    let count = 0;
    const stop = this.kafka[side].observe(({ direction, api: { key } }) => {
      if (direction === 'request' && key === api.key) count++;
    });
    await act();
    stop();
    return count;
  }

  /** The broker that coordinates a group. */
  async coordinatorOf(side: 'source' | 'destination', group: string): Promise<number> {
    const answer = await this.root[side].send(FindCoordinator, { key: '', keyType: 0, coordinatorKeys: [group] }, 'any');
    return (answer.coordinators[0] as { nodeId: number }).nodeId;
  }

  /** Fills a partition, so that it ends at `end`. */
  async fill(side: 'source' | 'destination', topic: string, end: number, partition = 0): Promise<void> {
    const log = this.kafka[side].log(topic, partition);
    const missing = end - Number(log.endOffset);
    if (missing > 0) await log.append(Array.from({ length: missing }, (_, i) => ({ value: `record ${i}` })));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.source, this.destination, this.root.source, this.root.destination].map((cluster) => cluster.close()));
    await Promise.all([this.kafka.source.stop(), this.kafka.destination.stop()]);
  }
}
