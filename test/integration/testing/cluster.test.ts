/** Options, rights, housekeeping and the hands a test has on the logs of an embedded cluster. */
import { afterEach, describe, expect, it } from 'vitest';
import { buildBatch } from '../../../src/codec/batch-builder.ts';
import { LinkError } from '../../../src/errors.ts';
import { ErrorCode } from '../../../src/protocol/error-codes.ts';
import { CreateAcls } from '../../../src/protocol/messages/create-acls.ts';
import { CreateTopics } from '../../../src/protocol/messages/create-topics.ts';
import { DeleteAcls } from '../../../src/protocol/messages/delete-acls.ts';
import { DescribeAcls } from '../../../src/protocol/messages/describe-acls.ts';
import { DescribeCluster } from '../../../src/protocol/messages/describe-cluster.ts';
import { DescribeConfigs } from '../../../src/protocol/messages/describe-configs.ts';
import { DescribeTopicPartitions, type DescribeTopicPartitionsResponse } from '../../../src/protocol/messages/describe-topic-partitions.ts';
import { Fetch } from '../../../src/protocol/messages/fetch.ts';
import { IncrementalAlterConfigs } from '../../../src/protocol/messages/incremental-alter-configs.ts';
import { InitProducerId } from '../../../src/protocol/messages/init-producer-id.ts';
import { ListTransactions } from '../../../src/protocol/messages/list-transactions.ts';
import { Metadata } from '../../../src/protocol/messages/metadata.ts';
import { OffsetCommit } from '../../../src/protocol/messages/offset-commit.ts';
import { Produce } from '../../../src/protocol/messages/produce.ts';
import { WriteTxnMarkers } from '../../../src/protocol/messages/write-txn-markers.ts';
import { Refusal, startCluster, type TestCluster, type TestClusterOptions } from '../../../src/testing/index.ts';
import { ManualClock } from '../../unit/testing/manual-clock.ts';
import { RawClient } from './raw-client.ts';

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]();
});
const start = async (options: TestClusterOptions = {}): Promise<TestCluster> => {
  const cluster = await startCluster(options);
  open.push(cluster);
  return cluster;
};
const clientOf = async (cluster: TestCluster, clientId = 'raw', broker = 1): Promise<RawClient> => {
  const client = await RawClient.to(cluster.bootstrap[broker - 1]!, clientId);
  open.push(client);
  return client;
};
const bytesOf = (options: Parameters<typeof buildBatch>[1] = {}): Promise<Buffer> =>
  buildBatch([{ value: 'x', timestamp: BigInt(Date.now()) }], options);
const produce = async (client: RawClient, records: Buffer | null, { version = 8, transactionalId = null as string | null } = {}) => {
  const topicData = [{ name: 't', partitionData: [{ index: 0, records }] }];
  const { responses } = await client.ask(Produce, version, { transactionalId, acks: 1, timeoutMs: 1_000, topicData });
  return responses[0]!.partitionResponses[0]!;
};

describe('options', () => {
  it.each([
    [{ brokers: 0 }, '1 to 64 brokers'],
    [{ brokerConfig: { 'no.such.config': '1' } }, 'no config no.such.config'],
    [{ brokerConfig: { 'num.partitions': 'x' } }, 'Invalid value x for configuration num.partitions'],
    [{ topics: { t: { replicationFactor: 3 } } }, 'only 1 broker'],
    [{ topics: { 'no way': {} } }, 'Topic name is invalid'],
  ])('%j is refused', async (options, message) => {
    const error = await startCluster(options as TestClusterOptions).catch((cause: unknown) => cause);
    expect(LinkError.is(error, 'KLINK_CONFIG')).toBe(true);
    expect((error as Error).message).toContain(message);
  });

  it('a seed makes every id the same', async () => {
    const ids = async (seed?: number) => {
      const cluster = await start({ ...(seed === undefined ? {} : { seed }), topics: { t: {} } });
      return [cluster.clusterId, cluster.topicId('t')];
    };
    expect(await ids(7)).toEqual(await ids(7));
    expect(await ids(7)).not.toEqual(await ids(8));
    expect(await ids()).not.toEqual(await ids());
    expect((await ids(7))[0]).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/);
  });

  it('broker configs are topic defaults, and dynamic ones replace them while it runs', async () => {
    const cluster = await start({ brokerConfig: { 'message.max.bytes': '500', 'num.partitions': '4', 'log.retention.ms': '77' } });
    const client = await clientOf(cluster);
    const made = await client.ask(CreateTopics, 7, {
      topics: [{ name: 't', numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] }],
    });
    expect(made.topics[0]).toMatchObject({ numPartitions: 4, replicationFactor: 1 });
    expect(made.topics[0]!.configs!.find(({ name }) => name === 'retention.ms')).toMatchObject({ value: '77', configSource: 4 });
    const large = await buildBatch([{ value: 'x'.repeat(600), timestamp: BigInt(Date.now()) }]);
    expect((await produce(client, large)).errorCode).toBe(ErrorCode.MESSAGE_TOO_LARGE);
    const alter = (resourceName: string, name: string, value: string) =>
      client.ask(IncrementalAlterConfigs, 1, {
        resources: [{ resourceType: 4, resourceName, configs: [{ name, configOperation: 0, value }] }],
        validateOnly: false,
      });
    expect((await alter('', 'message.max.bytes', '5000')).responses[0]!.errorCode).toBe(ErrorCode.NONE);
    expect((await produce(client, large)).errorCode).toBe(ErrorCode.NONE);
    expect((await alter('1', 'num.partitions', '9')).responses[0]!.errorCode).toBe(ErrorCode.INVALID_REQUEST);
    expect((await alter('2', 'message.max.bytes', '9')).responses[0]!.errorCode).toBe(ErrorCode.INVALID_REQUEST);
    const { results } = await client.ask(DescribeConfigs, 4, {
      resources: [{ resourceType: 2, resourceName: 't', configurationKeys: ['max.message.bytes'] }],
      includeSynonyms: true,
    });
    expect(results[0]!.configs[0]).toMatchObject({ value: '5000', configSource: 3 });
    expect(results[0]!.configs[0]!.synonyms.map(({ value, source }) => [value, source])).toEqual([
      ['5000', 3],
      ['500', 4],
      ['1048588', 5],
    ]);
  });

  it('the logs of a cluster have one bound, and a deleted topic gives its bytes back', async () => {
    const bytes = await bytesOf();
    const cluster = await start({ maxLogBytes: bytes.length, topics: { t: {} } });
    const client = await clientOf(cluster);
    expect((await produce(client, bytes)).errorCode).toBe(ErrorCode.NONE);
    expect((await produce(client, bytes)).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    await cluster.deleteTopic('t');
    expect(cluster.logBytes).toBe(0);
    await cluster.createTopic('t');
    expect((await produce(client, bytes)).baseOffset).toBe(0n);
  });
});

describe('rights', () => {
  const admin = { authorizer: { superUsers: ['User:admin'] }, topics: { t: {} } };
  const binding = (operation: number, changes = {}) => ({
    resourceType: 2,
    resourceName: 't',
    principal: 'User:app',
    host: '*',
    operation,
    permissionType: 3,
    ...changes,
  });
  const filter = {
    resourceTypeFilter: 1,
    resourceNameFilter: null,
    patternTypeFilter: 1,
    principalFilter: null,
    hostFilter: null,
    operation: 1,
    permissionType: 1,
  };
  const fetchT = (client: RawClient) =>
    client.ask(Fetch, 11, {
      maxWaitMs: 0,
      minBytes: 0,
      sessionEpoch: -1,
      topics: [{ topic: 't', partitions: [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 100 }] }],
    });

  it('without rights everything is refused with its own error, and topics are not listed', async () => {
    const cluster = await start(admin);
    const app = await clientOf(cluster, 'app');
    expect((await produce(app, await bytesOf())).errorCode).toBe(ErrorCode.TOPIC_AUTHORIZATION_FAILED);
    expect((await fetchT(app)).responses[0]!.partitions[0]!.errorCode).toBe(ErrorCode.TOPIC_AUTHORIZATION_FAILED);
    expect((await app.ask(Metadata, 8, { topics: null })).topics).toEqual([]);
    expect((await app.ask(Metadata, 8, { topics: [{ name: 't' }] })).topics[0]!.errorCode).toBe(ErrorCode.TOPIC_AUTHORIZATION_FAILED);
    expect((await app.ask(InitProducerId, 1, { transactionalId: null, transactionTimeoutMs: 1 })).errorCode).toBe(
      ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
    );
    const made = await app.ask(CreateTopics, 4, {
      topics: [{ name: 'u', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
      timeoutMs: 1,
    });
    expect(made.topics[0]!.errorCode).toBe(ErrorCode.TOPIC_AUTHORIZATION_FAILED);
    const marker = { producerId: -2n, producerEpoch: 0, transactionResult: true, coordinatorEpoch: 0 };
    const written = await app.ask(WriteTxnMarkers, 1, { markers: [{ ...marker, topics: [{ name: 't', partitionIndexes: [0] }] }] });
    expect(written.markers[0]!.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
    const committed = await app.ask(OffsetCommit, 5, {
      groupId: 'g',
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: 1n, committedMetadata: null }] }],
    });
    expect(committed.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.GROUP_AUTHORIZATION_FAILED);
    expect((await app.ask(DescribeAcls, 1, filter)).errorCode).toBe(ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
    expect(cluster.log('t').endOffset).toBe(0n);
  });

  it('ACLs made over the wire allow exactly what they say, and can be found and taken back', async () => {
    const cluster = await start(admin);
    const [root, app] = [await clientOf(cluster, 'admin'), await clientOf(cluster, 'app')];
    const { results } = await root.ask(CreateAcls, 2, { creations: [binding(4), binding(4), binding(1)] });
    expect(results.map(({ errorCode }) => errorCode)).toEqual([ErrorCode.NONE, ErrorCode.NONE, ErrorCode.INVALID_REQUEST]);
    expect((await produce(app, await bytesOf())).errorCode).toBe(ErrorCode.NONE);
    expect((await app.ask(InitProducerId, 1, { transactionalId: null, transactionTimeoutMs: 1 })).errorCode).toBe(ErrorCode.NONE);
    expect((await fetchT(app)).responses[0]!.partitions[0]!.errorCode).toBe(ErrorCode.TOPIC_AUTHORIZATION_FAILED);
    expect(
      (await app.ask(Metadata, 8, { topics: null, includeTopicAuthorizedOperations: true })).topics[0]!.topicAuthorizedOperations,
    ).toBe(
      (1 << 4) | (1 << 8), // WRITE, and DESCRIBE with it
    );
    const found = await root.ask(DescribeAcls, 2, filter);
    expect(found.resources.map(({ resourceName, acls }) => [resourceName, acls.length])).toEqual([['t', 1]]);
    const removed = await root.ask(DeleteAcls, 2, { filters: [filter] });
    expect(removed.filterResults[0]!.matchingAcls.map(({ principal, operation }) => [principal, operation])).toEqual([['User:app', 4]]);
    expect((await produce(app, await bytesOf())).errorCode).toBe(ErrorCode.TOPIC_AUTHORIZATION_FAILED);
  });
});

describe('logs in the hands of a test', () => {
  it('append goes through the rules, appendRaw does not', async () => {
    const cluster = await start({ topics: { t: {} } });
    const log = cluster.log('t');
    expect(await log.append([{ value: 'a' }, { key: 'k', value: null }], { compression: 'zstd' })).toBe(0n);
    const error = await log.appendBatch(await bytesOf({ baseOffset: 9n })).catch((cause: unknown) => cause);
    expect(error instanceof Refusal && error.errorCode).toBe(ErrorCode.INVALID_RECORD);
    log.appendRaw(await bytesOf({ baseOffset: 9n, lastOffsetDelta: 3 }));
    log.appendMarker({ result: 'commit', coordinatorEpoch: 0 }, { producerId: -2n, producerEpoch: 0 });
    expect(log.endOffset).toBe(14n);
    expect((await log.records()).map(({ offset, key, value }) => [offset, key?.toString(), value?.toString()])).toEqual([
      [0n, undefined, 'a'],
      [1n, 'k', undefined],
      [9n, undefined, 'x'],
    ]);
    expect((await log.records({ control: true })).length).toBe(4);
    expect(log.batches().map(({ compression, isControl }) => [compression, isControl])).toEqual([
      ['zstd', false],
      ['none', false],
      ['none', true],
    ]);
    log.deleteRecords(1n);
    expect((await log.records()).map(({ offset }) => offset)).toEqual([1n, 9n]);
    log.startAt(1_000n);
    expect([log.startOffset, log.endOffset, log.size]).toEqual([1_000n, 1_000n, 0]);
    expect(() => cluster.log('t', 7)).toThrow('no partition t-7');
  });

  it('producers are forgotten by record time, and a repeat is then appended twice', async () => {
    const clock = new ManualClock();
    const cluster = await start({ clock, topics: { t: {} }, brokerConfig: { 'producer.id.expiration.ms': '1000' } });
    const log = cluster.log('t');
    const old = BigInt(clock.wallTime()) - 5_000n;
    const send = (baseSequence: number, timestamp: bigint) =>
      log.append([{ value: 'x', timestamp }], { producerId: 3n, producerEpoch: 0, baseSequence });
    await send(0, old);
    expect(await send(0, old)).toBe(0n);
    cluster.expireProducerIds();
    expect(log.producers).toEqual([]);
    expect(await send(0, old)).toBe(1n);
    await send(1, BigInt(clock.wallTime()));
    cluster.expireProducerIds();
    expect(log.producers.length).toBe(1);
  });

  it('retention runs when it is told to', async () => {
    const clock = new ManualClock();
    const cluster = await start({ clock, topics: { t: { configs: { 'retention.ms': '1000' } } } });
    const log = cluster.log('t');
    await log.append([{ value: 'x' }]);
    clock.advance(900);
    cluster.applyRetention();
    expect(log.startOffset).toBe(0n);
    clock.advance(200);
    cluster.applyRetention();
    expect([log.startOffset, log.endOffset]).toEqual([1n, 1n]);
  });

  it('until tells why it gave up', async () => {
    const cluster = await start({ topics: { t: {} } });
    await expect(cluster.log('t').until(({ endOffset }) => endOffset > 0n, 20)).rejects.toThrow('did not hold within 20 ms (log end 0)');
  });
});

describe('transactions', () => {
  it('are refused by the stage at which verification fails', async () => {
    const cluster = await start({ topics: { t: {} } });
    const client = await clientOf(cluster);
    const from = (producerId: bigint, producerEpoch = 0) => bytesOf({ producerId, producerEpoch, baseSequence: 0, transactional: true });
    const transactionalId = 'tx';
    const codes = async (records: Buffer, version = 8) => (await produce(client, records, { version, transactionalId })).errorCode;
    expect(await codes(await from(0n))).toBe(ErrorCode.NOT_ENOUGH_REPLICAS); // nobody ever used a transactional id
    const init = await client.ask(InitProducerId, 4, { transactionalId, transactionTimeoutMs: 1_000 });
    const again = await client.ask(InitProducerId, 4, { transactionalId, transactionTimeoutMs: 1_000 });
    expect([again.producerId, again.producerEpoch]).toEqual([init.producerId, init.producerEpoch + 1]);
    const stale = await client.ask(InitProducerId, 4, {
      transactionalId,
      transactionTimeoutMs: 1_000,
      producerId: init.producerId,
      producerEpoch: 0,
    });
    expect(stale.errorCode).toBe(ErrorCode.PRODUCER_FENCED);
    expect(await codes(await from(77n))).toBe(ErrorCode.INVALID_PRODUCER_ID_MAPPING);
    expect(await codes(await from(init.producerId, 0))).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
    expect(await codes(await from(init.producerId, 1))).toBe(ErrorCode.INVALID_TXN_STATE);
    const { transactionStates } = await client.ask(ListTransactions, 0, { stateFilters: [], producerIdFilters: [] });
    expect(transactionStates.map((state) => [state.transactionalId, state.producerId])).toEqual([['tx', init.producerId]]);
  });

  it('a broker may be told by itself not to verify', async () => {
    const cluster = await start({ brokers: 2, topics: { t: { assignments: [[1, 2]] } } });
    const client = await clientOf(cluster);
    const records = await bytesOf({ producerId: 5n, producerEpoch: 0, baseSequence: 0, transactional: true });
    const code = async () => (await produce(client, records, { transactionalId: 'tx' })).errorCode;
    const alter = async (broker: number) =>
      (await clientOf(cluster, 'raw', broker)).ask(IncrementalAlterConfigs, 1, {
        resources: [
          {
            resourceType: 4,
            resourceName: String(broker),
            configs: [{ name: 'transaction.partition.verification.enable', configOperation: 0, value: 'false' }],
          },
        ],
        validateOnly: false,
      });
    await alter(2);
    expect(await code()).toBe(ErrorCode.NOT_ENOUGH_REPLICAS);
    await alter(1);
    expect(await code()).toBe(ErrorCode.NONE);
  });

  it('on 2.8 nobody asks', async () => {
    const cluster = await start({ release: '2.8', topics: { t: {} } });
    const records = await bytesOf({ producerId: 5n, producerEpoch: 0, baseSequence: 0, transactional: true });
    expect((await produce(await clientOf(cluster), records, { transactionalId: 'tx' })).errorCode).toBe(ErrorCode.NONE);
    expect(cluster.log('t').lastStableOffset).toBe(0n);
  });
});

describe('descriptions', () => {
  it('DescribeTopicPartitions pages by its cursor', async () => {
    const cluster = await start({ topics: { a: { partitions: 3 }, b: { partitions: 2 }, c: {} } });
    const client = await clientOf(cluster);
    const pages: [string | null, number[]][][] = [];
    let cursor: DescribeTopicPartitionsResponse['nextCursor'] = null;
    do {
      const answer: DescribeTopicPartitionsResponse = await client.ask(DescribeTopicPartitions, 0, {
        topics: [],
        responsePartitionLimit: 2,
        cursor,
      });
      pages.push(answer.topics.map(({ name, partitions }) => [name, partitions.map(({ partitionIndex }) => partitionIndex)]));
      cursor = answer.nextCursor;
    } while (cursor !== null);
    expect(pages).toEqual([
      [['a', [0, 1]]],
      [
        ['a', [2]],
        ['b', [0]],
      ],
      [
        ['b', [1]],
        ['c', [0]],
      ],
    ]);
  });

  it('DescribeCluster lists the living brokers with their racks', async () => {
    const cluster = await start({ brokers: 2, racks: ['north', 'south'] });
    await cluster.kill(1);
    const { brokers, clusterId, controllerId } = await (await clientOf(cluster, 'raw', 2)).ask(DescribeCluster, 1, {
      includeClusterAuthorizedOperations: false,
    });
    expect([clusterId, controllerId]).toEqual([cluster.clusterId, 2]);
    expect(brokers.map(({ brokerId, rack, port }) => [brokerId, rack, `127.0.0.1:${port}`])).toEqual([[2, 'south', cluster.bootstrap[1]]]);
  });
});
