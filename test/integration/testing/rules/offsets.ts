/** Cases: ListOffsets, DeleteRecords and OffsetForLeaderEpoch. */
import { ErrorCode } from '../../../../src/protocol/error-codes.ts';
import { OffsetForLeaderEpoch } from '../../../../src/protocol/messages/offset-for-leader-epoch.ts';
import { batch, NOW, record } from './batches.ts';
import type { BrokerRule } from './given.ts';

const { NONE, OFFSET_OUT_OF_RANGE, UNKNOWN_TOPIC_OR_PARTITION, POLICY_VIOLATION, UNKNOWN_LEADER_EPOCH } = ErrorCode;

export const OFFSET_RULES: readonly BrokerRule[] = [
  {
    name: 'ListOffsets finds start, end and times',
    run: async (given) => {
      const topic = await given.topic();
      await given.produce(topic, await batch({ compression: 'gzip' }, [record('a', NOW), record('b', NOW + 10n), record('c', NOW + 5n)]));
      await given.produce(topic, await batch({}, [record('d', NOW + 20n), record('e', NOW + 20n), record('f', NOW + 7n)]));
      const found = async (timestamp: bigint) => {
        const { errorCode, offset, timestamp: time } = await given.offsetOf(topic, timestamp);
        return [errorCode, offset, time];
      };
      given.expect(await found(-1n), [NONE, 6n, -1n], 'latest');
      given.expect(await found(-2n), [NONE, 0n, -1n], 'earliest');
      given.expect(await found(NOW - 1n), [NONE, 0n, NOW], 'before everything');
      given.expect(await found(NOW + 1n), [NONE, 1n, NOW + 10n], 'the first not older, in the order of offsets');
      given.expect(await found(NOW + 11n), [NONE, 3n, NOW + 20n], 'in the second batch');
      given.expect(await found(NOW + 21n), [NONE, -1n, -1n], 'newer than everything');
    },
  },
  {
    name: 'ListOffsets by time looks into one segment: one whose only record of that time is below the log start hides the later ones',
    run: async (given) => {
      const topic = await given.topic({ 'segment.ms': '3600000' });
      for (const time of [NOW + 10n, NOW, NOW + 7_200_000n]) await given.produce(topic, await batch({}, [record('x', time)]));
      const found = async (timestamp: bigint) => (await given.offsetOf(topic, timestamp)).offset;
      given.expect([await found(NOW + 5n), await found(NOW + 11n)], [0n, 2n]);
      await given.deleteRecords(topic, 1n);
      given.expect([await found(NOW), await found(NOW + 5n), await found(NOW + 11n)], [1n, -1n, 2n]);
    },
  },
  {
    name: 'ListOffsets -3 finds the newest record (v7+)',
    run: async (given) => {
      if (!given.since('3.9')) return;
      const topic = await given.topic();
      const none = await given.offsetOf(topic, -3n, { version: 7 });
      given.expect([none.errorCode, none.offset, none.timestamp], [NONE, -1n, -1n], 'empty log');
      await given.produce(topic, await batch({}, [record('a', NOW), record('b', NOW + 10n), record('c', NOW + 10n)]));
      await given.produce(topic, await batch({}, [record('d', NOW + 3n)]));
      const { offset, timestamp } = await given.offsetOf(topic, -3n, { version: 7 });
      given.expect([offset, timestamp], [1n, NOW + 10n]);
    },
  },
  {
    name: 'ListOffsets with replica id -2 gives the log end',
    run: async (given) => {
      const topic = await given.topic();
      await given.produce(topic, await batch());
      const { errorCode, offset, leaderEpoch } = await given.offsetOf(topic, -1n, { replicaId: -2 });
      given.expect([errorCode, offset, leaderEpoch], [NONE, 3n, 0]);
    },
  },
  {
    name: 'ListOffsets of an unknown partition',
    run: async (given) => {
      const topic = await given.topic();
      given.expect((await given.offsetOf(topic, -1n, { index: 9 })).errorCode, UNKNOWN_TOPIC_OR_PARTITION);
    },
  },
  {
    name: 'DeleteRecords moves the start and never the end',
    run: async (given) => {
      const topic = await given.topic();
      await given.produce(topic, await batch());
      given.expect(await given.deleteRecords(topic, 2n), [NONE, 2n]);
      given.expect(await given.deleteRecords(topic, 1n), [NONE, 2n], 'below the start');
      given.expect(await given.deleteRecords(topic, 4n), [OFFSET_OUT_OF_RANGE, -1n], 'above the end');
      given.expect(await given.deleteRecords(topic, -2n), [OFFSET_OUT_OF_RANGE, -1n], 'no offset');
      given.expect(await given.deleteRecords(topic, -1n), [NONE, 3n], 'everything');
      given.expect(await given.endOf(topic), 3n, 'end');
      given.expect(await given.outcome(topic, await batch()), [NONE, 3n], 'the next batch');
    },
  },
  {
    name: 'DeleteRecords of a topic that is only compacted is POLICY_VIOLATION',
    run: async (given) => {
      const topic = await given.topic({ 'cleanup.policy': 'compact' });
      given.expect(await given.deleteRecords(topic, 0n), [POLICY_VIOLATION, -1n]);
      given.expect(await given.deleteRecords(topic, -1n), [POLICY_VIOLATION, -1n], 'everything');
      const both = await given.topic({ 'cleanup.policy': 'compact,delete' });
      await given.produce(both, await batch({}, [record('a', NOW, 'k')]));
      given.expect(await given.deleteRecords(both, -1n), [NONE, 1n], 'compacted and deleted');
    },
  },
  {
    name: 'OffsetForLeaderEpoch tells where an epoch ends',
    run: async (given) => {
      const topic = await given.topic();
      await given.produce(topic, await batch());
      const ask = async (leaderEpoch: number, currentLeaderEpoch = -1) => {
        const { topics } = await given.client.ask(OffsetForLeaderEpoch, 3, {
          topics: [{ topic, partitions: [{ partition: 0, currentLeaderEpoch, leaderEpoch }] }],
        });
        const { errorCode, leaderEpoch: epoch, endOffset } = topics[0]!.partitions[0]!;
        return [errorCode, epoch, endOffset];
      };
      given.expect(await ask(0), [NONE, 0, 3n], 'the present epoch');
      given.expect(await ask(5), [NONE, -1, -1n], 'an epoch to come');
      given.expect(await ask(0, 5), [UNKNOWN_LEADER_EPOCH, -1, -1n], 'asked under an epoch to come');
    },
  },
];
