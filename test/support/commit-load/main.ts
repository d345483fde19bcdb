/** Consumers and a producer as load, and a watch, in a process of its own: commits at the source, and when each can be read at the destination. */
import { systemClock } from '../../../src/client/clock.ts';
import { Cluster } from '../../../src/client/cluster.ts';
import { openTcp } from '../../../src/client/transport.ts';
import { buildBatch } from '../../../src/codec/index.ts';
import { FindCoordinator } from '../../../src/protocol/messages/find-coordinator.ts';
import { OffsetCommit } from '../../../src/protocol/messages/offset-commit.ts';
import { OffsetFetch } from '../../../src/protocol/messages/offset-fetch.ts';
import { Produce } from '../../../src/protocol/messages/produce.ts';
import type { CommitLoadOptions, CommitLoadReport, Spread } from './commit-load.ts';

const TICK_MS = 10;
const PRODUCE_EVERY_MS = 50;
/** How fine the watch is: an age is at most so much too long. */
const WATCH_EVERY_MS = 40;
/** For commits that are still on their way when the load is over. */
const PATIENCE_MS = 15_000;
/** The last that needs no topic ids. */
const MAX_PRODUCE_VERSION = 11;

interface Stream {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** Offsets that the source has acknowledged, and when; the oldest first. */
  readonly pending: { readonly offset: number; readonly ackedAt: number }[];
}

const options = JSON.parse(process.argv[2] ?? '{}') as CommitLoadOptions;
const { groups, topics, partitions, commitsPerSecond, recordsPerSecond, warmupMs, durationMs } = options;

const connect = (bootstrap: readonly string[], role: string): Promise<Cluster> =>
  Cluster.connect(
    {
      role,
      bootstrap: bootstrap.map((address) => ({ host: address.split(':')[0] ?? '', port: Number(address.split(':')[1]) })),
      clientId: 'commit-load',
      connectTimeoutMs: 10_000,
      requestTimeoutMs: 30_000,
      maxInFlightBytes: 2 ** 24,
      maxFrameBytes: 2 ** 26,
      retry: { backoffMs: 20, maxBackoffMs: 200 },
    },
    { clock: systemClock, random: Math.random, openTransport: openTcp },
    { timeoutMs: 30_000 },
  );
const [source, destination] = await Promise.all([connect(options.source, 'source'), connect(options.destination, 'destination')]);
await source.refreshMetadata(topics);

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const ends = new Map<string, number>();
const streams: readonly Stream[] = Array.from({ length: partitions }, (_, partition) =>
  groups.map((group, i): Stream => ({ group, topic: topics[i % topics.length] ?? '', partition, pending: [] })),
).flat();
const ages: number[] = [];
const answers: number[] = [];
let commits = 0;
let refused = 0;
const startedAt = performance.now();
const isMeasured = (at: number): boolean => at >= startedAt + warmupMs && at < startedAt + warmupMs + durationMs;

/** The same few records again and again: what is in them does not matter. */
const records = Math.max(1, Math.round((recordsPerSecond * PRODUCE_EVERY_MS) / 1_000 / topics.length / partitions));
const timestamp = BigInt(Date.now());
const batch = await buildBatch(Array.from({ length: records }, (_, i) => ({ key: `key-${i}`, value: 'x'.repeat(100), timestamp })));
const produce = async (): Promise<void> => {
  const partitionData = Array.from({ length: partitions }, (_, index) => ({ index, records: batch }));
  const byLeader = new Map<number, { name: string; partitionData: typeof partitionData }[]>();
  for (const name of topics) {
    for (const one of partitionData) {
      const leader = source.metadata.partition(name, one.index)?.leaderId ?? -1;
      const led = byLeader.get(leader) ?? [];
      byLeader.set(leader, led);
      const last = led.at(-1);
      if (last?.name === name) last.partitionData.push(one);
      else led.push({ name, partitionData: [one] });
    }
  }
  const send = async ([broker, topicData]: [number, { name: string; partitionData: typeof partitionData }[]]): Promise<void> => {
    const body = { acks: -1, timeoutMs: 10_000, topicData };
    const { responses } = await source.send(Produce, body, { broker }, { maxVersion: MAX_PRODUCE_VERSION, lane: 'produce' });
    for (const { name, partitionResponses } of responses) {
      for (const { index, errorCode, baseOffset } of partitionResponses) {
        if (errorCode !== 0) throw new Error(`writing to ${name}-${index} was answered with error ${errorCode}`);
        ends.set(`${name}/${index}`, Number(baseOffset) + records);
      }
    }
  };
  await Promise.all([...byLeader].map(send));
};

/** As a consumer that has just worked off all there is: a connection for each group, and its position at the end of the log. */
const commit = async (stream: Stream): Promise<void> => {
  const { group, topic, partition, pending } = stream;
  const offset = ends.get(`${topic}/${partition}`) ?? 0;
  const sentAt = performance.now();
  const body = {
    groupId: group,
    memberId: '',
    topics: [
      {
        name: topic,
        partitions: [{ partitionIndex: partition, committedOffset: BigInt(offset), committedLeaderEpoch: 0, committedMetadata: '' }],
      },
    ],
  };
  const response = await source.send(OffsetCommit, body, { group }, { lane: group });
  const ackedAt = performance.now();
  if (response.topics[0]?.partitions[0]?.errorCode !== 0) {
    refused++;
    return;
  }
  if (isMeasured(ackedAt)) {
    commits++;
    answers.push(ackedAt - sentAt);
  }
  pending.push({ offset, ackedAt });
};

const watch = async (coordinators: ReadonlyMap<number, readonly Stream[]>): Promise<void> => {
  const look = async ([broker, led]: readonly [number, readonly Stream[]]): Promise<void> => {
    const byGroup = new Map<string, Stream[]>();
    for (const stream of led) byGroup.set(stream.group, [...(byGroup.get(stream.group) ?? []), stream]);
    const asked = [...byGroup].map(([groupId, some]) => ({
      groupId,
      topics: [{ name: some[0]?.topic ?? '', partitionIndexes: some.map(({ partition }) => partition) }],
    }));
    const { groups: found } = await destination.send(OffsetFetch, { groups: asked }, { broker }, { lane: 'watch' });
    const now = performance.now();
    for (const { groupId, topics: answered } of found) {
      for (const { partitionIndex, committedOffset } of answered[0]?.partitions ?? []) {
        const pending = byGroup.get(groupId)?.find(({ partition }) => partition === partitionIndex)?.pending ?? [];
        while (pending[0] !== undefined && pending[0].offset <= Number(committedOffset)) {
          const { ackedAt } = pending.shift() as { ackedAt: number };
          if (isMeasured(ackedAt)) ages.push(now - ackedAt);
        }
      }
    }
  };
  await Promise.all([...coordinators].map(look));
};

const coordinatorsOf = async (): Promise<ReadonlyMap<number, readonly Stream[]>> => {
  const found = await destination.retry(
    async () => {
      const { coordinators } = await destination.send(FindCoordinator, { key: '', keyType: 0, coordinatorKeys: groups }, 'any');
      const bad = coordinators.find(({ errorCode }) => errorCode !== 0);
      if (bad === undefined) return coordinators;
      await sleep(200);
      throw Object.assign(new Error(`no coordinator: ${bad.errorCode}`), { retriable: true });
    },
    { timeoutMs: 30_000 },
  );
  const byBroker = new Map<number, Stream[]>();
  const brokerOf = new Map(found.map(({ key, nodeId }) => [key, nodeId]));
  for (const stream of streams) {
    const broker = brokerOf.get(stream.group) ?? -1;
    byBroker.set(broker, [...(byBroker.get(broker) ?? []), stream]);
  }
  return byBroker;
};

const spread = (values: readonly number[]): Spread => {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN);
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: at(1) };
};

const fail = (error: unknown): never => {
  console.error(error);
  process.exit(1);
};
await produce();
const coordinators = await coordinatorsOf();
let isOver = false;
const watching = (async () => {
  while (!isOver) {
    await Promise.all([watch(coordinators), sleep(WATCH_EVERY_MS)]);
  }
})().catch(fail);
const producing = (async () => {
  while (!isOver) await Promise.all([produce(), sleep(PRODUCE_EVERY_MS)]);
})().catch(fail);

const begunAt = performance.now();
for (let sent = 0; performance.now() < startedAt + warmupMs + durationMs; ) {
  const due = ((performance.now() - begunAt) * commitsPerSecond) / 1_000;
  for (; sent < due; sent++) void commit(streams[sent % streams.length] as Stream).catch(fail);
  await sleep(TICK_MS);
}
const missing = (): number => streams.flatMap(({ pending }) => pending.filter(({ ackedAt }) => isMeasured(ackedAt))).length;
const deadline = performance.now() + PATIENCE_MS;
while (missing() > 0 && performance.now() < deadline) await sleep(WATCH_EVERY_MS);
isOver = true;
await Promise.all([watching, producing]);
const report: CommitLoadReport = {
  commits,
  refused,
  missing: missing(),
  ages: spread(ages),
  answers: spread(answers),
  from: performance.timeOrigin + startedAt + warmupMs,
  to: performance.timeOrigin + startedAt + warmupMs + durationMs,
  cpuMicros: process.cpuUsage(),
};
console.log(JSON.stringify(report));
await Promise.all([source.close(), destination.close()]);
