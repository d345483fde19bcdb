/** What is asked of brokers before a partition goes on: a producer's last sequence, both ends of a log, one batch, the right to write markers. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Cluster } from '../../../../src/client/cluster.ts';
import { buildBatch } from '../../../../src/codec/batch-builder.ts';
import { LinkError } from '../../../../src/errors.ts';
import { mayWriteMarkers } from '../../../../src/link/marker-right.ts';
import { OffsetLookup, type OffsetView } from '../../../../src/link/replication/offset-lookup.ts';
import { ProducerLookup } from '../../../../src/link/replication/producer-lookup.ts';
import { readBatchAt } from '../../../../src/link/replication/read-batch.ts';
import { CreateAcls } from '../../../../src/protocol/messages/create-acls.ts';
import { DescribeProducers } from '../../../../src/protocol/messages/describe-producers.ts';
import { ListOffsets } from '../../../../src/protocol/messages/list-offsets.ts';
import { WriteTxnMarkers } from '../../../../src/protocol/messages/write-txn-markers.ts';
import { type Release, startCluster, type TestCluster, type TestClusterOptions } from '../../../../src/testing/index.ts';
import { makeOldMessage } from '../../../property/link/simulation/batches.ts';
import { failure } from '../../client/open-connection.ts';
import { connectTo } from '../log-start/open.ts';
import { never, records } from './two-logs.ts';

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

const open = async (options: TestClusterOptions = {}): Promise<{ readonly kafka: TestCluster; readonly cluster: Cluster }> => {
  const kafka = await startCluster({ topics: { orders: {} }, ...options });
  endings.push(() => kafka.stop());
  const cluster = await connectTo(kafka.bootstrap);
  endings.push(() => cluster.close());
  await cluster.refreshMetadata(kafka.topics);
  return { kafka, cluster };
};

describe('the last sequence of a producer', () => {
  const OURS = { producerId: 50n, producerEpoch: 0 };

  it('is that of its last record, as its leader remembers it, and of nobody else’s', async () => {
    const { kafka, cluster } = await open();
    const lookup = new ProducerLookup(cluster, OURS.producerId);
    const log = kafka.log('orders');
    expect((await lookup.find('orders', 0)).lastSequence).toBe('none');
    await log.append(records(4), { producerId: 51n, producerEpoch: 0, baseSequence: 30 });
    expect((await lookup.find('orders', 0)).lastSequence).toBe('none');
    await log.append(records(4), { ...OURS, baseSequence: 100 });
    log.appendMarker({ result: 'commit', coordinatorEpoch: 0 }, { producerId: -2n, producerEpoch: 0 });
    expect((await lookup.find('orders', 0)).lastSequence).toBe(103);
    await log.append(records(1), { ...OURS, baseSequence: 104 });
    expect((await lookup.find('orders', 0)).lastSequence).toBe(104);
    kafka.expireProducerIds();
    expect((await lookup.find('orders', 0)).lastSequence).toBe('none');
  });

  it('is none of a producer of which the leader knows nothing but a marker', async () => {
    const { kafka, cluster } = await open();
    kafka.log('orders').appendMarker({ result: 'commit', coordinatorEpoch: 0 }, OURS);
    expect(kafka.log('orders').producers.map(({ producerId }) => producerId)).toEqual([OURS.producerId]);
    expect((await new ProducerLookup(cluster, OURS.producerId).find('orders', 0)).lastSequence).toBe('none');
  });

  it('of many partitions takes one request per leader', async () => {
    const { kafka, cluster } = await open({ brokers: 2, topics: { orders: { partitions: 4 }, audit: { partitions: 2 } } });
    const asked: number[] = [];
    kafka.intercept(DescribeProducers, (_, proceed, { brokerId }) => {
      asked.push(brokerId);
      return proceed();
    });
    await kafka.log('audit', 1).append(records(2), { ...OURS, baseSequence: 7 });
    const lookup = new ProducerLookup(cluster, OURS.producerId);
    const all = kafka.topics.flatMap((topic) =>
      Array.from({ length: kafka.partitionCount(topic) }, (_, partition) => ({ topic, partition })),
    );
    const found = await Promise.all(all.map(async ({ topic, partition }) => (await lookup.find(topic, partition)).lastSequence));
    expect(all.filter((_, index) => found[index] !== 'none')).toEqual([{ topic: 'audit', partition: 1 }]);
    expect(found).toContain(8);
    expect(asked.sort()).toEqual([1, 2]);
  });

  it.each([
    ['TOPIC_AUTHORIZATION_FAILED', { code: 'KLINK_AUTH', retriable: false }, /READ/],
    ['NOT_LEADER_OR_FOLLOWER', { code: 'KLINK_BROKER', retriable: true }, /orders-0/],
  ] as const)('is not taken for none when the answer is %s', async (error, expected, says) => {
    const { kafka, cluster } = await open();
    kafka.fail({ api: DescribeProducers, error, topic: 'orders' });
    const failed = await failure(new ProducerLookup(cluster, OURS.producerId).find('orders', 0));
    expect(failed).toMatchObject({ ...expected, brokerName: error });
    expect(failed.message).toMatch(says);
  });

  it('cannot be asked of old brokers, and says so', async () => {
    const lookup = new ProducerLookup(withoutDescribeProducers, OURS.producerId);
    expect(await failure(lookup.find('orders', 0))).toMatchObject({ code: 'KLINK_VERSION' });
  });

  it('comes with the producers of copied transactions, under the ids that they have at the destination', async () => {
    const { kafka, cluster } = await open();
    const log = kafka.log('orders');
    const mapped = { producerId: 2n ** 62n + 9n, producerEpoch: 3 };
    log.appendRaw(await buildBatch([{ value: 'a', timestamp: 1n }], { ...mapped, baseOffset: 0n, baseSequence: 4, transactional: true }));
    const find = () => new ProducerLookup(cluster, OURS.producerId).find('orders', 0);
    expect((await find()).mapped).toEqual(
      new Map([[mapped.producerId, { producerEpoch: 3, lastSequence: 4, coordinatorEpoch: -1, openSince: 0 }]]),
    );
    // A marker of a new epoch (transaction.version 2) leaves no sequence.
    log.appendMarker({ result: 'commit', coordinatorEpoch: 7 }, { ...mapped, producerEpoch: 4 });
    expect((await find()).mapped).toEqual(
      new Map([[mapped.producerId, { producerEpoch: 4, lastSequence: -1, coordinatorEpoch: 7, openSince: null }]]),
    );
  });
});

/** Brokers before 2.8. */
const withoutDescribeProducers = {
  metadata: { partition: () => ({ leaderId: 1 }) },
  settings: { role: 'destination' },
  send: () => Promise.reject(new LinkError('KLINK_VERSION', 'DescribeProducers is not known to broker 1')),
} as unknown as Cluster;

describe.each(['2.8', '4.1'] satisfies Release[])('both ends of a log, of Kafka %s', (release) => {
  it('are those that each view may see', async () => {
    const { kafka, cluster } = await open({ release });
    const log = kafka.log('orders');
    await log.append(records(5));
    await log.append(records(2), { producerId: 9n, producerEpoch: 0, baseSequence: 0, transactional: true });
    await log.append(records(3));
    log.deleteRecords(2n);
    log.holdHighWatermark();
    await log.append(records(4));
    const rangeOf = (view: OffsetView) => new OffsetLookup(cluster, view).range('orders', 0);
    expect(await rangeOf('committed')).toEqual({ start: 2, end: 5 });
    expect(await rangeOf('consumer')).toEqual({ start: 2, end: 10 });
    expect(await rangeOf('debugging')).toEqual({ start: 2, end: 14 });
  });

  it('take two requests per leader, however many partitions there are', async () => {
    const { kafka, cluster } = await open({ release, brokers: 2, topics: { orders: { partitions: 6 } } });
    const asked: number[] = [];
    kafka.intercept(ListOffsets, (_, proceed, { brokerId }) => {
      asked.push(brokerId);
      return proceed();
    });
    for (let n = 0; n < 6; n++) await kafka.log('orders', n).append(records(n + 1));
    const lookup = new OffsetLookup(cluster, 'debugging');
    const found = await Promise.all(Array.from({ length: 6 }, (_, partition) => lookup.range('orders', partition)));
    expect(found).toEqual(Array.from({ length: 6 }, (_, n) => ({ start: 0, end: n + 1 })));
    expect(asked.sort()).toEqual([1, 1, 2, 2]);
  });
});

describe('the batch at an offset', () => {
  const look = (cluster: Cluster, offset: number) => readBatchAt(cluster, 'orders', 0, offset, never);

  it('comes whole and alone, from wherever in it the offset is', async () => {
    const { kafka, cluster } = await open();
    const log = kafka.log('orders');
    for (const size of [10, 3, 200]) await log.append(records(size, 'x'.repeat(200)));
    for (const [offset, base, count] of [
      [0, 0, 10],
      [9, 0, 10],
      [10, 10, 3],
      [13, 13, 200],
      [212, 13, 200],
    ] as const) {
      const batch = await look(cluster, offset);
      expect(batch).toMatchObject({ baseOffset: BigInt(base), recordsCount: count });
    }
    expect(await look(cluster, 213)).toBeNull();
  });

  it('is a hole, or of an old format, or not to be read yet', async () => {
    const { kafka, cluster } = await open();
    const log = kafka.log('orders');
    for (const offset of [0, 1]) log.appendRaw(makeOldMessage(offset));
    log.appendRaw(await buildBatch(records(2), { baseOffset: 10n, lastOffsetDelta: 4 }));
    expect(await look(cluster, 1)).toBe('old-format');
    expect(await look(cluster, 2)).toBe('hole');
    expect(await look(cluster, 9)).toBe('hole');
    // What compaction has taken from the end of a batch belongs to it.
    expect(await look(cluster, 14)).toMatchObject({ baseOffset: 10n });
    log.holdHighWatermark();
    await log.append(records(1));
    expect(await look(cluster, 15)).toBeNull();
    log.releaseHighWatermark();
    expect(await look(cluster, 15)).toMatchObject({ baseOffset: 15n });
  });

  it('that is not in the log any more is worth another try, with a range that is read anew', async () => {
    const { kafka, cluster } = await open();
    await kafka.log('orders').append(records(5));
    kafka.log('orders').deleteRecords(3n);
    for (const offset of [2, 9]) expect(await failure(look(cluster, offset))).toMatchObject({ code: 'KLINK_STATE', retriable: true });
  });
});

describe.each(['2.8', '3.9', '4.1', '4.4'] satisfies Release[])('the right to write markers, on Kafka %s', (release) => {
  const ALTER = 7;
  const CLUSTER_ACTION = 9;

  it('is there where everybody may do everything, and finding out writes nothing', async () => {
    const { kafka, cluster } = await open({ release });
    await kafka.log('orders').append(records(2));
    expect(await mayWriteMarkers(cluster, 'orders', never)).toBe(true);
    expect(await mayWriteMarkers(cluster, 'no-such-topic', never)).toBe(true);
    expect(kafka.log('orders').endOffset).toBe(2n);
    expect(kafka.topics).toEqual(['orders']);
  });

  // Brokers of old know only the second.
  it.each(release === '2.8' ? [CLUSTER_ACTION] : [ALTER, CLUSTER_ACTION])(
    'is given by operation %i on the cluster alone',
    async (operation) => {
      const { kafka } = await open({ release, authorizer: { superUsers: ['User:root'] } });
      const [root, link] = await Promise.all(['root', 'link'].map((clientId) => connectTo(kafka.bootstrap, { clientId })));
      for (const client of [root, link]) endings.push(async () => client?.close());
      const grant = (resourceType: number, resourceName: string, allowed: number) =>
        root!.send(
          CreateAcls,
          {
            creations: [
              {
                resourceType,
                resourceName,
                resourcePatternType: 3,
                principal: 'User:link',
                host: '*',
                operation: allowed,
                permissionType: 3,
              },
            ],
          },
          'controller',
        );
      // Everything on the topic.
      await grant(2, 'orders', 2);
      expect(await mayWriteMarkers(link!, 'orders', never)).toBe(false);
      await grant(4, 'kafka-cluster', operation);
      expect(await mayWriteMarkers(link!, 'orders', never)).toBe(true);
    },
  );
});

describe('the right to write markers', () => {
  it('is not guessed from answers that do not speak of it', async () => {
    const { kafka, cluster } = await open();
    const STORAGE_ERROR = 56;
    kafka.intercept(WriteTxnMarkers, ({ markers }) => ({
      markers: markers.map(({ producerId, topics }) => ({
        producerId,
        topics: topics.map(({ name, partitionIndexes }) => ({
          name,
          partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, errorCode: STORAGE_ERROR })),
        })),
      })),
    }));
    expect(await failure(mayWriteMarkers(cluster, 'orders', never))).toMatchObject({ brokerName: 'KAFKA_STORAGE_ERROR' });
    kafka.intercept(WriteTxnMarkers, () => ({ markers: [] }));
    expect(await failure(mayWriteMarkers(cluster, 'orders', never))).toMatchObject({ code: 'KLINK_MALFORMED', retriable: true });
  });
});
