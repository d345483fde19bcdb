/** Everything an embedded cluster can be told to do wrong, seen from the other end of the socket. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { buildBatch } from '../../../src/codec/batch-builder.ts';
import { batchesOf } from '../../../src/codec/record-set.ts';
import { ErrorCode } from '../../../src/protocol/error-codes.ts';
import { ApiVersions } from '../../../src/protocol/messages/api-versions.ts';
import { CreateTopics } from '../../../src/protocol/messages/create-topics.ts';
import { Fetch } from '../../../src/protocol/messages/fetch.ts';
import { FindCoordinator } from '../../../src/protocol/messages/find-coordinator.ts';
import { Heartbeat } from '../../../src/protocol/messages/heartbeat.ts';
import { InitProducerId } from '../../../src/protocol/messages/init-producer-id.ts';
import { ListOffsets } from '../../../src/protocol/messages/list-offsets.ts';
import { Metadata } from '../../../src/protocol/messages/metadata.ts';
import { OffsetForLeaderEpoch } from '../../../src/protocol/messages/offset-for-leader-epoch.ts';
import { Produce } from '../../../src/protocol/messages/produce.ts';
import {
  HANG_UP,
  listenForFrames,
  NO_ANSWER,
  type ObservedFrame,
  startCluster,
  type TestCluster,
  type TestClusterOptions,
} from '../../../src/testing/index.ts';
import { RawClient } from './raw-client.ts';

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]();
});
const keep = <T extends AsyncDisposable>(each: T): T => {
  open.push(each);
  return each;
};

const start = async (options: TestClusterOptions = {}): Promise<TestCluster> => keep(await startCluster(options));
const three = { brokers: 3, topics: { t: { replicationFactor: 3 } } };
const clientOf = async (cluster: TestCluster, broker = 1): Promise<RawClient> => keep(await RawClient.to(cluster.bootstrap[broker - 1]!));
const records = (): Promise<Buffer> => buildBatch([{ value: 'x', timestamp: BigInt(Date.now()) }]);

const produce = async (client: RawClient, { version = 8, acks = -1, timeoutMs = 5_000 } = {}) => {
  const topicData = [{ name: 't', partitionData: [{ index: 0, records: await records() }] }];
  const answer = await client.ask(Produce, version, { acks, timeoutMs, topicData });
  return { ...answer, ...answer.responses[0]!.partitionResponses[0]! };
};
const fetchBody = (fetchOffset: bigint, { maxWaitMs = 0, minBytes = 1, ...partition } = {}) => ({
  maxWaitMs,
  minBytes,
  sessionEpoch: -1,
  topics: [{ topic: 't', partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 20, ...partition }] }],
});
const fetch = async (
  client: RawClient,
  fetchOffset: bigint,
  options: Parameters<typeof fetchBody>[1] & { currentLeaderEpoch?: number } = {},
  version = 11,
) => {
  const answer = await client.ask(Fetch, version, fetchBody(fetchOffset, options));
  return { ...answer, ...answer.responses[0]!.partitions[0]! };
};
const metadata = async (client: RawClient) => {
  const answer = await client.ask(Metadata, 8, { topics: [{ name: 't' }], allowAutoTopicCreation: false });
  return { ...answer, partition: answer.topics[0]!.partitions[0]! };
};

/** Resolves when a broker has been asked this. */
const requested = (cluster: TestCluster, key: number): Promise<void> =>
  new Promise((resolve) => {
    const stop = cluster.observe(({ direction, api }) => {
      if (direction !== 'request' || api.key !== key) return;
      stop();
      resolve();
    });
  });

describe('brokers that die', () => {
  it('a killed leader is replaced in a new epoch, leaves the in-sync replicas, and comes back without its lead', async () => {
    const cluster = await start(three);
    const [first, second] = [await clientOf(cluster, 1), await clientOf(cluster, 2)];
    expect((await metadata(first)).partition).toMatchObject({ leaderId: 1, leaderEpoch: 0, isrNodes: [1, 2, 3], offlineReplicas: [] });
    expect((await produce(first)).errorCode).toBe(ErrorCode.NONE);

    await cluster.kill(1);
    expect(await first.frame()).toBeNull();
    expect(first.closed).toBe(true);
    await expect(RawClient.to(cluster.bootstrap[0]!)).rejects.toThrow(/ECONNREFUSED/);
    const after = await metadata(second);
    expect(after.partition).toMatchObject({ errorCode: 0, leaderId: 2, leaderEpoch: 1, isrNodes: [2, 3], offlineReplicas: [1] });
    expect(after.brokers.map(({ nodeId }) => nodeId)).toEqual([2, 3]);
    expect((await produce(second)).baseOffset).toBe(1n);
    expect((await fetch(second, 0n, { currentLeaderEpoch: 0 })).errorCode).toBe(ErrorCode.FENCED_LEADER_EPOCH);

    await cluster.restart(1);
    expect((await metadata(await clientOf(cluster, 1))).partition).toMatchObject({ leaderId: 2, leaderEpoch: 1, isrNodes: [1, 2, 3] });
  });

  it('a partition whose only replica dies has no leader until it is back, and keeps its log', async () => {
    const cluster = await start({ brokers: 2, topics: { t: { assignments: [[1]] } } });
    expect((await produce(await clientOf(cluster, 1))).baseOffset).toBe(0n);
    await cluster.kill(1);
    const second = await clientOf(cluster, 2);
    expect((await metadata(second)).partition).toMatchObject({ errorCode: ErrorCode.LEADER_NOT_AVAILABLE, leaderId: -1, isrNodes: [1] });
    await cluster.restart(1);
    expect((await metadata(second)).partition).toMatchObject({ errorCode: 0, leaderId: 1, leaderEpoch: 2 });
    expect((await fetch(await clientOf(cluster, 1), 0n)).highWatermark).toBe(1n);
  });

  it('a group moves to another coordinator, which knows it', async () => {
    const cluster = await start({ brokers: 2, topics: { t: {} } });
    const [first, second] = [await clientOf(cluster, 1), await clientOf(cluster, 2)];
    const { nodeId } = await first.ask(FindCoordinator, 2, { key: 'g', keyType: 0 });
    const [other, client] = nodeId === 1 ? [2, second] : [1, first];
    const beat = { groupId: 'g', generationId: 1, memberId: 'm' };
    expect((await client.ask(Heartbeat, 2, beat)).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    await cluster.kill(nodeId);
    expect((await client.ask(FindCoordinator, 2, { key: 'g', keyType: 0 })).nodeId).toBe(other);
    expect((await client.ask(Heartbeat, 2, beat)).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });
});

describe('leaders', () => {
  it('a moved leader is refused where it was, and new versions say where it is', async () => {
    const cluster = await start(three);
    const first = await clientOf(cluster, 1);
    cluster.moveLeader('t', 0, 3);
    const port = Number(cluster.bootstrap[2]!.split(':')[1]);
    const refused = await produce(first, { version: 10 });
    expect([refused.errorCode, refused.currentLeader]).toEqual([ErrorCode.NOT_LEADER_OR_FOLLOWER, { leaderId: 3, leaderEpoch: 1 }]);
    expect(refused.nodeEndpoints).toEqual([{ nodeId: 3, host: '127.0.0.1', port, rack: null }]);
    expect((await produce(first)).errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    const stale = await fetch(first, 0n, { currentLeaderEpoch: 0 }, 12);
    expect(stale.errorCode).toBe(ErrorCode.FENCED_LEADER_EPOCH);
  });

  it('a follower serves Fetch v11 and refuses v10; with replica id -2 it tells the log end', async () => {
    const cluster = await start(three);
    await produce(await clientOf(cluster, 1));
    const follower = await clientOf(cluster, 2);
    expect((await fetch(follower, 0n)).records?.length).toBeGreaterThan(0);
    expect((await fetch(follower, 0n, {}, 10)).errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    const ask = async (replicaId: number) => {
      const { topics } = await follower.ask(ListOffsets, 5, {
        replicaId,
        topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -1n }] }],
      });
      return topics[0]!.partitions[0]!;
    };
    expect((await ask(-1)).errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    expect(await ask(-2)).toMatchObject({ errorCode: ErrorCode.NONE, offset: 1n });
  });

  it('an unclean election truncates, and epochs give it away', async () => {
    const cluster = await start(three);
    const first = await clientOf(cluster, 1);
    for (let i = 0; i < 5; i++) await produce(first);
    cluster.electUnclean('t', 0, { leader: 2, truncateTo: 2n });
    const second = await clientOf(cluster, 2);
    expect(cluster.log('t').endOffset).toBe(2n);
    await produce(second);
    const { divergingEpoch } = await fetch(second, 5n, { lastFetchedEpoch: 0 } as object, 12);
    expect(divergingEpoch).toEqual({ epoch: 0, endOffset: 2n });
    const { topics } = await second.ask(OffsetForLeaderEpoch, 3, {
      topics: [{ topic: 't', partitions: [{ partition: 0, leaderEpoch: 0 }] }],
    });
    expect(topics[0]!.partitions[0]).toMatchObject({ leaderEpoch: 0, endOffset: 2n });
    expect([...batchesOf((await fetch(second, 0n)).records!)].map(({ partitionLeaderEpoch }) => partitionLeaderEpoch)).toEqual([0, 0, 1]);
  });

  it('before KRaft only the controller makes topics', async () => {
    const cluster = await start({ brokers: 2, release: '2.8' });
    const make = async (broker: number) => {
      const topics = [{ name: 'new', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }];
      return (await (await clientOf(cluster, broker)).ask(CreateTopics, 4, { topics, timeoutMs: 1_000 })).topics[0]!.errorCode;
    };
    expect(await make(2)).toBe(ErrorCode.NOT_CONTROLLER);
    expect(await make(1)).toBe(ErrorCode.NONE);
  });
});

describe('replicas that fall behind', () => {
  it('acks=all waits for the high watermark, and consumers see nothing beyond it', async () => {
    const cluster = await start(three);
    const [client, reader] = [await clientOf(cluster), await clientOf(cluster)];
    const log = cluster.log('t');
    log.holdHighWatermark();
    expect((await produce(client, { timeoutMs: 50 })).errorCode).toBe(ErrorCode.REQUEST_TIMED_OUT);
    expect((await produce(client, { acks: 1 })).errorCode).toBe(ErrorCode.NONE);
    expect(await fetch(reader, 0n)).toMatchObject({ errorCode: 0, highWatermark: 0n, records: Buffer.alloc(0) });
    const waiting = produce(client);
    await log.until(({ endOffset }) => endOffset === 3n);
    log.releaseHighWatermark(3n);
    expect((await waiting).errorCode).toBe(ErrorCode.NONE);
    expect((await fetch(reader, 0n)).highWatermark).toBe(3n);
  });

  it('too few replicas in sync: nothing is written; too few after the append: NOT_ENOUGH_REPLICAS_AFTER_APPEND', async () => {
    const cluster = await start({ brokers: 3, topics: { t: { replicationFactor: 3, configs: { 'min.insync.replicas': '2' } } } });
    const client = await clientOf(cluster);
    cluster.setIsr('t', 0, [1]);
    expect((await produce(client)).errorCode).toBe(ErrorCode.NOT_ENOUGH_REPLICAS);
    expect(cluster.log('t').endOffset).toBe(0n);
    expect((await produce(client, { acks: 1 })).errorCode).toBe(ErrorCode.NONE);
    cluster.setIsr('t', 0, [1, 2]);
    const log = cluster.log('t');
    log.holdHighWatermark();
    const waiting = produce(client);
    await log.until(({ endOffset }) => endOffset === 2n);
    cluster.setIsr('t', 0, [1]);
    log.releaseHighWatermark();
    expect((await waiting).errorCode).toBe(ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND);
  });

  it('a leader that moves while acks=all waits: NOT_LEADER_OR_FOLLOWER, although it is written', async () => {
    const cluster = await start(three);
    const log = cluster.log('t');
    log.holdHighWatermark();
    const waiting = produce(await clientOf(cluster));
    await log.until(({ endOffset }) => endOffset === 1n);
    cluster.moveLeader('t', 0, 2);
    expect((await waiting).errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    expect(log.endOffset).toBe(1n);
  });
});

describe('the long poll', () => {
  it('is woken by an append, not by time', async () => {
    const cluster = await start({ topics: { t: {} } });
    const [reader, writer] = [await clientOf(cluster), await clientOf(cluster)];
    const waiting = fetch(reader, 0n, { maxWaitMs: 30_000 });
    await produce(writer);
    expect((await waiting).records?.length).toBeGreaterThan(0);
  });

  it('collects minBytes', async () => {
    const cluster = await start({ topics: { t: {} } });
    const [reader, writer] = [await clientOf(cluster), await clientOf(cluster)];
    const { length } = await records();
    const waiting = fetch(reader, 0n, { maxWaitMs: 30_000, minBytes: 2 * length });
    await produce(writer);
    await produce(writer);
    expect((await waiting).records?.length).toBe(2 * length);
  });

  it('ends when the topic is deleted', async () => {
    const cluster = await start({ topics: { t: {} } });
    const reader = await clientOf(cluster);
    const seen = requested(cluster, Fetch.key);
    const waiting = fetch(reader, 0n, { maxWaitMs: 30_000 });
    await seen;
    await cluster.deleteTopic('t');
    expect((await waiting).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  });
});

describe('the network', () => {
  it('cut drops connections and goes on listening', async () => {
    const cluster = await start({ topics: { t: {} } });
    const client = await clientOf(cluster);
    await produce(client);
    expect(cluster.connections(1)).toBe(1);
    cluster.cut(1);
    expect(await client.frame()).toBeNull();
    expect((await produce(await clientOf(cluster))).baseOffset).toBe(1n);
  });

  it('a stalled broker takes requests and answers when it is resumed', async () => {
    const cluster = await start({ topics: { t: {} } });
    const client = await clientOf(cluster);
    cluster.stall(1);
    const waiting = produce(client);
    expect(await Promise.race([waiting, new Promise((resolve) => setTimeout(resolve, 50, 'silence'))])).toBe('silence');
    expect(cluster.log('t').endOffset).toBe(0n);
    cluster.resume(1);
    expect((await waiting).baseOffset).toBe(0n);
  });

  it('what a hanging broker was asked dies with it', async () => {
    const cluster = await start(three);
    const client = await clientOf(cluster);
    const seen = requested(cluster, Produce.key);
    cluster.stall(1);
    const waiting = produce(client).catch((error: Error) => error.message);
    await cluster.kill(1);
    expect(await waiting).toContain('was not answered');
    expect(cluster.log('t').endOffset).toBe(0n);
    await cluster.restart(1);
    cluster.moveLeader('t', 0, 1);
    expect((await produce(await clientOf(cluster))).baseOffset).toBe(0n);
    await seen;
  });

  it('throttling is answered at once, then the connection is deaf; a throttled Fetch has no data', async () => {
    const cluster = await start({ topics: { t: {} } });
    const client = await clientOf(cluster);
    cluster.throttle(1, 150);
    const from = performance.now();
    const { throttleTimeMs, errorCode } = await produce(client);
    expect([throttleTimeMs, errorCode]).toEqual([150, 0]);
    const answer = await client.ask(Fetch, 11, fetchBody(0n));
    expect(performance.now() - from).toBeGreaterThan(140);
    expect([answer.throttleTimeMs, answer.responses]).toEqual([150, []]);
    cluster.throttle(1, 0);
    expect((await fetch(client, 0n)).records?.length).toBeGreaterThan(0);
  });

  it('loseAnswer: the append happens, the answer does not', async () => {
    const cluster = await start({ topics: { t: {} } });
    cluster.loseAnswer({ api: Produce });
    await expect(produce(await clientOf(cluster))).rejects.toThrow('was not answered');
    expect(cluster.log('t').endOffset).toBe(1n);
    cluster.loseAnswer({ api: Produce, silent: true });
    const client = await clientOf(cluster);
    client.send(Produce, 8, {
      acks: 1,
      timeoutMs: 1_000,
      topicData: [{ name: 't', partitionData: [{ index: 0, records: await records() }] }],
    });
    await cluster.log('t').until(({ endOffset }) => endOffset === 2n);
    expect(await client.frame(50)).toBeNull();
    expect(client.closed).toBe(false);
  });

  it('loseRequest: neither happens', async () => {
    const cluster = await start({ topics: { t: {} } });
    cluster.loseRequest({ api: Produce, times: 2 });
    await expect(produce(await clientOf(cluster))).rejects.toThrow('was not answered');
    await expect(produce(await clientOf(cluster))).rejects.toThrow('was not answered');
    expect((await produce(await clientOf(cluster))).baseOffset).toBe(0n);
  });

  it('delay: the work is done at once, the answer comes late', async () => {
    const cluster = await start({ topics: { t: {} } });
    cluster.delay({ api: Produce, ms: 100 });
    const from = performance.now();
    const waiting = produce(await clientOf(cluster));
    await cluster.log('t').until(({ endOffset }) => endOffset === 1n);
    await waiting;
    expect(performance.now() - from).toBeGreaterThan(90);
  });
});

describe('planted errors', () => {
  it('for one partition, so many times', async () => {
    const cluster = await start({ topics: { t: {}, u: {} } });
    cluster.fail({ api: Produce, error: 'KAFKA_STORAGE_ERROR', topic: 't', partition: 0, times: 2 });
    const client = await clientOf(cluster);
    expect((await produce(client)).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    expect((await produce(client)).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    expect((await produce(client)).errorCode).toBe(ErrorCode.NONE);
    expect(cluster.log('t').endOffset).toBe(1n);
  });

  it('for a whole request, on one broker, until it is taken back', async () => {
    const cluster = await start({ brokers: 2 });
    const restore = cluster.fail({
      api: InitProducerId,
      error: 'COORDINATOR_LOAD_IN_PROGRESS',
      broker: 2,
      times: Number.POSITIVE_INFINITY,
    });
    const ask = async (broker: number) =>
      (await (await clientOf(cluster, broker)).ask(InitProducerId, 1, { transactionalId: null, transactionTimeoutMs: 1 })).errorCode;
    expect([await ask(1), await ask(2), await ask(2)]).toEqual([0, 14, 14]);
    restore();
    expect(await ask(2)).toBe(0);
  });

  it('an interceptor may look, answer by itself, stay silent or hang up; the last one added comes first', async () => {
    const cluster = await start({ topics: { t: {} } });
    const seen: string[] = [];
    const first = cluster.intercept(Metadata, (_request, proceed) => {
      seen.push('first');
      return proceed();
    });
    cluster.intercept(Metadata, async (request, proceed, { brokerId }) => {
      seen.push(`second ${brokerId} ${request.topics?.[0]?.name}`);
      const answer = await proceed();
      if (typeof answer === 'symbol') return answer;
      return { ...answer, clusterId: 'changed' };
    });
    const client = await clientOf(cluster);
    expect((await metadata(client)).clusterId).toBe('changed');
    expect(seen).toEqual(['second 1 t', 'first']);
    first();
    const silence = cluster.intercept(Metadata, () => NO_ANSWER);
    client.send(Metadata, 8, { topics: [] });
    expect(await client.frame(50)).toBeNull();
    silence();
    cluster.intercept(Metadata, () => HANG_UP);
    await expect(metadata(client)).rejects.toThrow('was not answered');
    expect(seen.length).toBe(2);
  });

  it('tamper changes the bytes of an answer', async () => {
    const cluster = await start({ topics: { t: {} } });
    cluster.tamper({ api: ApiVersions }, (frame) => frame.subarray(0, 10));
    const client = await clientOf(cluster);
    client.send(ApiVersions, 0, {});
    expect(await client.frame(100)).toBeNull();
    const other = await clientOf(cluster);
    expect((await other.ask(ApiVersions, 0, {})).errorCode).toBe(ErrorCode.NONE);
  });
});

it('a server of anything is a few lines', async () => {
  const server = await listenForFrames(0, async (frame, connection) => {
    if (frame.readInt16BE(0) === Metadata.key) connection.destroy();
    return [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')];
  });
  const client = keep(await RawClient.to(`127.0.0.1:${server.port}`));
  client.send(ApiVersions, 0, {});
  expect(await client.frame(100)).toBeNull(); // "HTTP" is a length of 1.2 GB
  client.send(Metadata, 8, { topics: [] });
  expect(await client.frame()).toBeNull();
  expect(client.closed).toBe(true);
  await server.close();
});

describe('looking on', () => {
  it('observers see every frame both ways, as it was sent', async () => {
    const cluster = await start({ topics: { t: {} } });
    const frames: ObservedFrame[] = [];
    const stop = cluster.observe((frame) => frames.push(frame));
    const client = await clientOf(cluster);
    await produce(client);
    expect(frames.map(({ direction, api, apiVersion, clientId }) => [direction, api.name, apiVersion, clientId])).toEqual([
      ['request', 'Produce', 8, 'raw'],
      ['response', 'Produce', 8, 'raw'],
    ]);
    expect(frames[1]!.bytes.readInt32BE(0)).toBe(frames[0]!.correlationId);
    stop();
    await produce(client);
    expect(frames.length).toBe(2);
  });

  it('stop tells what went wrong inside an interceptor', async () => {
    const cluster = await startCluster({ topics: { t: {} } });
    cluster.intercept(Metadata, () => {
      throw new Error('a mistake in the test');
    });
    await expect(metadata(await clientOf(cluster))).rejects.toThrow('was not answered');
    await expect(cluster.stop()).rejects.toThrow('a mistake in the test');
    await cluster.stop();
  });

  it('bytes that are no request end the connection and nothing else', async () => {
    const cluster = await start({ topics: { t: {} } });
    for (const hex of [
      '00000008' + '0003000800000001',
      '47455420',
      '00000004' + '00030008',
      'ffffffff',
      '0000000a' + '00030008' + '00000001' + '7fff',
    ]) {
      const client = await clientOf(cluster);
      client.write(Buffer.from(hex, 'hex'));
      client.write(Buffer.from(' / HTTP/1.1\r\n\r\n'));
      expect(await client.frame(), hex).toBeNull();
    }
    expect((await produce(await clientOf(cluster))).baseOffset).toBe(0n);
  });

  it('a client that goes away while it waits leaves nothing behind', async () => {
    const cluster = await start({ topics: { t: {} } });
    const seen = requested(cluster, Fetch.key);
    const client = await RawClient.to(cluster.bootstrap[0]!);
    client.send(Fetch, 11, fetchBody(0n, { maxWaitMs: 600_000 }));
    await seen;
    await client[Symbol.asyncDispose]();
    await cluster.stop(); // would wait, or leave a timer that keeps the process alive
    const [host, port] = cluster.bootstrap[0]!.split(':');
    const refused = connect({ host: host!, port: Number(port) });
    expect(((await once(refused, 'error')) as [NodeJS.ErrnoException])[0].code).toBe('ECONNREFUSED');
  });
});
