/** Cases: sequences, epochs, duplicates, transactions and markers. */
import { ErrorCode } from '../../../../src/protocol/error-codes.ts';
import { DescribeProducers } from '../../../../src/protocol/messages/describe-producers.ts';
import { batch, NOW, record } from './batches.ts';
import type { BrokerRule } from './given.ts';

const { NONE, OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE, TRANSACTION_COORDINATOR_FENCED } = ErrorCode;
const { TRANSACTIONAL_ID_AUTHORIZATION_FAILED, UNKNOWN_TOPIC_OR_PARTITION } = ErrorCode;

/** Far above what brokers hand out. */
const FAR = 1n << 62n;
const MAX_SEQUENCE = 0x7fff_ffff;
const HOUR = 3_600_000n;

/** A batch of three records under a producer id. */
const from = (producerId: bigint, baseSequence: number, { producerEpoch = 0, transactional = false } = {}): Promise<Buffer> =>
  batch({ producerId, producerEpoch, baseSequence, transactional });

export const PRODUCER_RULES: readonly BrokerRule[] = [
  {
    name: 'compare and append: the next batch is taken, a repeat answers its old offset, anything else is OUT_OF_ORDER_SEQUENCE_NUMBER',
    run: async (given) => {
      const topic = await given.topic();
      const id = await given.producerId();
      given.expect(await given.outcome(topic, await from(id, 0)), [NONE, 0n]);
      given.expect(await given.outcome(topic, await from(id, 3)), [NONE, 3n]);
      given.expect(await given.outcome(topic, await from(id, 0)), [NONE, 0n], 'repeat of the first');
      given.expect(await given.outcome(topic, await from(id, 3)), [NONE, 3n], 'repeat of the second');
      given.expect(await given.outcome(topic, await from(id, 9)), [OUT_OF_ORDER_SEQUENCE_NUMBER, -1n], 'ahead');
      given.expect(await given.outcome(topic, await from(id, 1)), [OUT_OF_ORDER_SEQUENCE_NUMBER, -1n], 'overlapping');
      given.expect(await given.endOf(topic), 6n, 'log end');
      given.expect(await given.outcome(topic, await from(id, 6)), [NONE, 6n]);
    },
  },
  {
    name: 'only the last five batches are remembered',
    run: async (given) => {
      const topic = await given.topic();
      const id = await given.producerId();
      for (let i = 0; i < 6; i++) await given.produce(topic, await from(id, 3 * i));
      given.expect(await given.outcome(topic, await from(id, 3)), [NONE, 3n], 'the fifth from the end');
      given.expect(await given.outcome(topic, await from(id, 0)), [OUT_OF_ORDER_SEQUENCE_NUMBER, -1n], 'the sixth');
    },
  },
  {
    name: 'a producer nobody knows may begin with any sequence, and sequences wrap at 2^31',
    run: async (given) => {
      const topic = await given.topic();
      given.expect(await given.outcome(topic, await from(FAR, MAX_SEQUENCE - 1)), [NONE, 0n], 'a batch across the wrap');
      given.expect(await given.outcome(topic, await from(FAR, 1)), [NONE, 3n], 'the next one');
      given.expect(await given.outcome(topic, await from(FAR, MAX_SEQUENCE - 1)), [NONE, 0n], 'repeat across the wrap');
      given.expect(
        (await given.producers(topic)).map(({ lastSequence }) => lastSequence),
        [3],
      );
    },
  },
  {
    name: 'the sequence after 2^31 - 1 is 0',
    run: async (given) => {
      const topic = await given.topic();
      given.expect(await given.outcome(topic, await from(FAR, MAX_SEQUENCE - 2)), [NONE, 0n]);
      given.expect(await given.outcome(topic, await from(FAR, 0)), [NONE, 3n]);
    },
  },
  {
    name: 'a lower epoch is INVALID_PRODUCER_EPOCH; a higher one begins at sequence 0',
    run: async (given) => {
      const topic = await given.topic();
      given.expect(await given.outcome(topic, await from(FAR, 40, { producerEpoch: 3 })), [NONE, 0n]);
      given.expect(await given.outcome(topic, await from(FAR, 43, { producerEpoch: 2 })), [INVALID_PRODUCER_EPOCH, -1n]);
      given.expect(await given.outcome(topic, await from(FAR, 43, { producerEpoch: 4 })), [OUT_OF_ORDER_SEQUENCE_NUMBER, -1n]);
      given.expect(await given.outcome(topic, await from(FAR, 0, { producerEpoch: 4 })), [NONE, 3n]);
    },
  },
  {
    name: 'markers of producer id -2 take one offset each and leave no state',
    run: async (given) => {
      const topic = await given.topic();
      given.expect(await given.markers(topic, { producerId: -2n }, { producerId: -2n }, { producerId: -3n, commit: false }), [NONE, NONE]);
      given.expect(await given.endOf(topic), 3n, 'log end');
      given.expect(await given.producers(topic), []);
      const stored = await given.batches(topic);
      given.expect(
        stored.map(({ baseOffset, isControl, isTransactional, recordsCount, sizeInBytes, baseSequence, producerId }) => [
          baseOffset,
          isControl && isTransactional,
          recordsCount,
          sizeInBytes,
          baseSequence,
          producerId,
        ]),
        [
          [0n, true, 1, 78, -1, -2n],
          [1n, true, 1, 78, -1, -2n],
          [2n, true, 1, 78, -1, -3n],
        ],
      );
    },
  },
  {
    name: 'a marker checks producer epoch and coordinator epoch, and takes no sequence',
    run: async (given) => {
      const topic = await given.topic();
      await given.produce(topic, await from(FAR, 0, { producerEpoch: 2 }));
      given.expect(await given.markers(topic, { producerId: FAR, producerEpoch: 1 }), [INVALID_PRODUCER_EPOCH]);
      given.expect(await given.markers(topic, { producerId: FAR, producerEpoch: 2, coordinatorEpoch: 7 }), [NONE]);
      given.expect(await given.markers(topic, { producerId: FAR, producerEpoch: 2, coordinatorEpoch: 6 }), [
        TRANSACTION_COORDINATOR_FENCED,
      ]);
      given.expect(await given.outcome(topic, await from(FAR, 3, { producerEpoch: 2 })), [NONE, 4n], 'the sequence goes on');
      const [state] = await given.producers(topic);
      given.expect([state!.coordinatorEpoch, state!.producerEpoch, state!.lastSequence, state!.currentTxnStartOffset], [7, 2, 5, -1n]);
    },
  },
  {
    name: 'after a marker of a new epoch the sequence begins at 0',
    run: async (given) => {
      const topic = await given.topic();
      given.expect(await given.markers(topic, { producerId: FAR, producerEpoch: 5 }), [NONE]);
      given.expect(await given.outcome(topic, await from(FAR, 8, { producerEpoch: 5 })), [OUT_OF_ORDER_SEQUENCE_NUMBER, -1n]);
      given.expect(await given.outcome(topic, await from(FAR, 0, { producerEpoch: 5 })), [NONE, 1n]);
    },
  },
  {
    name: 'a transactional batch needs a transactional id',
    run: async (given) => {
      const topic = await given.topic();
      given.expect(await given.outcome(topic, await from(FAR, 0, { transactional: true })), [TRANSACTIONAL_ID_AUTHORIZATION_FAILED, -1n]);
    },
  },
  {
    name: 'without verification transactions go by the log alone: last stable offset, aborted list, and the states behind them',
    run: async (given) => {
      await given.verification(false);
      const topic = await given.topic();
      const transactional = { transactionalId: 'rule' };
      given.expect(await given.outcome(topic, await from(FAR, 0, { transactional: true }), transactional), [NONE, 0n]);
      given.expect(await given.outcome(topic, await from(FAR + 1n, 0, { transactional: true }), transactional), [NONE, 3n]);
      given.expect(await given.outcome(topic, await batch({}, [record('plain', NOW)])), [NONE, 6n]);
      given.expect(await given.outcome(topic, await from(FAR, 3)), [INVALID_TXN_STATE, -1n], 'a plain batch inside the transaction');
      const committed = async () => {
        const { partition } = await given.fetch(topic, 0n, { isolationLevel: 1 });
        const { lastStableOffset, highWatermark, abortedTransactions } = partition!;
        return [lastStableOffset, highWatermark, abortedTransactions];
      };
      given.expect(await committed(), [0n, 7n, []]);
      given.expect(await given.markers(topic, { producerId: FAR, commit: false }), [NONE]);
      given.expect(await committed(), [3n, 8n, [{ producerId: FAR, firstOffset: 0n }]]);
      given.expect((await given.offsetOf(topic, -1n, { isolationLevel: 1 })).offset, 3n, 'end for read_committed');
      given.expect(
        (await given.batches(topic, 0n, 1)).map(({ baseOffset }) => baseOffset),
        [0n],
        'read_committed reads up to there',
      );
      given.expect(
        (await given.producers(topic)).map(({ producerId, currentTxnStartOffset }) => [producerId, currentTxnStartOffset]).sort(),
        [
          [FAR, -1n],
          [FAR + 1n, 3n],
        ],
      );
      given.expect(await given.markers(topic, { producerId: FAR + 1n, commit: true }), [NONE]);
      given.expect(await committed(), [9n, 9n, [{ producerId: FAR, firstOffset: 0n }]]);
    },
  },
  {
    name: 'DescribeProducers says -1 for what a producer has not: a coordinator, a sequence, an open transaction',
    run: async (given) => {
      const topic = await given.topic();
      await given.produce(topic, await from(FAR, 0, { producerEpoch: 4 }));
      await given.markers(topic, { producerId: FAR + 1n, producerEpoch: 9, coordinatorEpoch: 3 });
      const states = (await given.producers(topic)).sort((a, b) => Number(a.producerId - b.producerId));
      given.expect(
        states.map(({ producerEpoch, lastSequence, coordinatorEpoch, currentTxnStartOffset }) => [
          producerEpoch,
          lastSequence,
          coordinatorEpoch,
          currentTxnStartOffset,
        ]),
        [
          [4, 2, -1, -1n],
          [9, -1, 3, -1n],
        ],
      );
      given.expect([states[0]!.lastTimestamp, states[1]!.lastTimestamp >= NOW], [NOW, true], 'times of records and of markers');
      const { topics } = await given.client.ask(DescribeProducers, 0, {
        topics: [
          { name: topic, partitionIndexes: [9] },
          { name: 'no-such-topic', partitionIndexes: [0] },
        ],
      });
      given.expect(
        topics.map(({ partitions }) => partitions[0]!.errorCode),
        [UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_OR_PARTITION],
        'unknown',
      );
    },
  },
  {
    name: 'a producer outlives its records: after DeleteRecords its sequence goes on and its repeats are known',
    run: async (given) => {
      const topic = await given.topic();
      await given.produce(topic, await from(FAR, 7));
      const before = await given.producers(topic);
      given.expect(await given.deleteRecords(topic, -1n), [NONE, 3n]);
      given.expect(await given.producers(topic), before);
      given.expect(await given.outcome(topic, await from(FAR, 7)), [NONE, 0n], 'a repeat of what is deleted');
      given.expect(await given.outcome(topic, await from(FAR, 99)), [OUT_OF_ORDER_SEQUENCE_NUMBER, -1n]);
      given.expect(await given.outcome(topic, await from(FAR, 10)), [NONE, 3n]);
    },
  },
  {
    name: 'a producer of old records is forgotten at the next look, unless a transaction of it is open; then its repeat is appended again',
    run: async (given) => {
      if (!given.since('3.9')) return; // 2.8 looks every ten minutes
      await given.verification(false);
      const topic = await given.topic();
      const old = (producerId: bigint, transactional = false) =>
        batch({ producerId, producerEpoch: 0, baseSequence: 0, transactional }, [record('old', NOW - 48n * HOUR)]);
      await given.produce(topic, await old(FAR));
      await given.produce(topic, await old(FAR + 1n));
      await given.produce(topic, await old(FAR + 2n, true), { transactionalId: 'old' });
      await given.markers(topic, { producerId: FAR + 1n });
      const remembered = async () => (await given.producers(topic)).map(({ producerId }) => producerId - FAR).sort();
      await given.housekeeping.expireProducers(async () => (await remembered()).length < 3);
      given.expect(await remembered(), [1n, 2n], 'a marker is young, a transaction is open');
      given.expect(await given.outcome(topic, await old(FAR)), [NONE, 4n], 'the repeat');
    },
  },
  {
    name: 'where brokers give the time, producers are as old as their appends',
    run: async (given) => {
      const topic = await given.topic({ 'message.timestamp.type': 'LogAppendTime' });
      await given.produce(topic, await batch({ producerId: FAR, producerEpoch: 0, baseSequence: 0 }, [record('old', 1000n)]));
      given.expect((await given.producers(topic))[0]!.lastTimestamp > NOW - HOUR, true);
    },
  },
];
