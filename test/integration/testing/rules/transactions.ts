/** Cases: how transactions look to those who read them, and who may write into them. */
import { ErrorCode } from '../../../../src/protocol/error-codes.ts';
import { Fetch } from '../../../../src/protocol/messages/fetch.ts';
import { FindCoordinator } from '../../../../src/protocol/messages/find-coordinator.ts';
import { InitProducerId } from '../../../../src/protocol/messages/init-producer-id.ts';
import { batch, NOW, record } from './batches.ts';
import type { BrokerRule, Given } from './given.ts';

const { NONE, INVALID_PRODUCER_ID_MAPPING, INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE, TRANSACTION_ABORTABLE } = ErrorCode;

const FAR = 1n << 62n;
const TRANSACTION = 1;
const COMMITTED = { isolationLevel: 1 };

/** A batch within a transaction that nobody verifies; `count` records, 3 unless told otherwise. */
const within = async (given: Given, topic: string, producerId: bigint, baseSequence: number, count = 3, value = 'x'): Promise<void> => {
  const records = Array.from({ length: count }, () => record(value));
  const bytes = await batch({ producerId, producerEpoch: 0, baseSequence, transactional: true }, records);
  given.expect((await given.outcome(topic, bytes, { transactionalId: 'rules' }))[0], NONE, 'inside a transaction');
};
const end = async (given: Given, topic: string, producerId: bigint, commit: boolean): Promise<void> =>
  given.expect(await given.markers(topic, { producerId, commit }), [NONE], 'marker');

const aborted = async (given: Given, topic: string, offset: bigint, partitionMaxBytes = 1 << 20) => {
  const { partition } = await given.fetch(topic, offset, { ...COMMITTED, partitionMaxBytes });
  return partition!.abortedTransactions?.map(({ producerId, firstOffset }) => [producerId - FAR, firstOffset]);
};

/** A transactional id with two epochs behind it. */
const transactionalId = async (given: Given): Promise<{ name: string; producerId: bigint; producerEpoch: number }> => {
  const name = `rules-${process.pid}`;
  const { client } = given;
  await given.eventually(
    async () => (await client.ask(FindCoordinator, 2, { key: name, keyType: TRANSACTION })).errorCode,
    NONE,
    'coordinator',
  );
  const init = () => client.ask(InitProducerId, 1, { transactionalId: name, transactionTimeoutMs: 60_000 });
  await given.eventually(async () => (await init()).errorCode, NONE, 'first epoch');
  const { producerId, producerEpoch } = await init();
  return { name, producerId, producerEpoch };
};

export const TRANSACTION_RULES: readonly BrokerRule[] = [
  {
    name: 'a fetch that begins inside an aborted transaction hears of it, one behind its marker does not',
    run: async (given) => {
      await given.verification(false);
      const topic = await given.topic();
      await within(given, topic, FAR, 0);
      await within(given, topic, FAR, 3);
      await end(given, topic, FAR, false);
      await given.produce(topic, await batch());
      given.expect(await aborted(given, topic, 0n), [[0n, 0n]]);
      given.expect(await aborted(given, topic, 4n), [[0n, 0n]], 'in the middle');
      given.expect(await aborted(given, topic, 6n), [[0n, 0n]], 'at the marker');
      given.expect(await aborted(given, topic, 7n), [], 'behind it');
      given.expect(await aborted(given, topic, 10n), [], 'at the end');
    },
  },
  {
    name: 'the list may reach beyond what was fetched: as far as the sparse index of the segment is sure of',
    run: async (given) => {
      await given.verification(false);
      const small = await given.topic();
      const big = await given.topic();
      for (const [topic, value] of [
        [small, 'x'],
        [big, 'x'.repeat(3_000)],
      ] as const) {
        for (let i = 0n; i < 6n; i++) {
          await within(given, topic, FAR + i, 0, 1, value);
          await end(given, topic, FAR + i, i === 1n);
        }
      }
      const firsts = async (topic: string, offset: bigint) => (await aborted(given, topic, offset, 1))?.map(([producer]) => producer);
      given.expect(await firsts(small, 0n), [0n, 2n, 3n, 4n, 5n], 'below the interval of the index nothing is sure');
      given.expect(await firsts(small, 6n), [3n, 4n, 5n]);
      // The index names the batch with which 4096 bytes were passed: the markers at 3, 7 and 11.
      given.expect(await firsts(big, 0n), [0n]);
      given.expect(await firsts(big, 4n), [2n, 3n]);
      given.expect(await firsts(big, 10n), [5n]);
    },
  },
  {
    name: 'transactions of several producers interleave; each one counts from where it began, and the first open one bounds what is stable',
    run: async (given) => {
      await given.verification(false);
      const topic = await given.topic();
      const stable = async () => (await given.fetch(topic, 0n, COMMITTED)).partition!.lastStableOffset;
      await within(given, topic, FAR, 0, 1);
      await within(given, topic, FAR + 1n, 0, 1);
      await within(given, topic, FAR + 2n, 0, 1);
      await end(given, topic, FAR + 1n, false);
      given.expect(await stable(), 0n, 'the first is open');
      await end(given, topic, FAR, true);
      given.expect(await stable(), 2n, 'the third is open');
      await within(given, topic, FAR + 1n, 1, 1);
      await end(given, topic, FAR + 2n, false);
      given.expect(await stable(), 5n, 'the second is open again');
      given.expect(await aborted(given, topic, 0n), [
        [1n, 1n],
        [2n, 2n],
      ]);
      given.expect((await given.offsetOf(topic, -1n, COMMITTED)).offset, 5n, 'end for read_committed');
      given.expect((await given.fetch(topic, 6n, COMMITTED)).partition?.errorCode, NONE, 'beyond the last stable offset is no error');
      given.expect((await given.batches(topic, 5n, 1)).length, 0, 'nor are there records');
      await end(given, topic, FAR + 1n, true);
      given.expect(await stable(), 8n);
    },
  },
  {
    name: 'a lookup by time for read_committed finds nothing from the last stable offset on',
    run: async (given) => {
      await given.verification(false);
      const topic = await given.topic();
      await given.produce(topic, await batch({}, [record('a', NOW)]));
      await within(given, topic, FAR, 0);
      await given.produce(topic, await batch({}, [record('b', NOW + 50n)]));
      const found = async (isolationLevel: number) => (await given.offsetOf(topic, NOW + 20n, { isolationLevel })).offset;
      given.expect([await found(0), await found(1)], [4n, -1n]);
      given.expect((await given.offsetOf(topic, NOW, COMMITTED)).offset, 0n, 'what is stable is found');
    },
  },
  {
    name: 'an open transaction outlives the records it began with: what is stable then ends at the log start, since 4.0 at the batch it lies in',
    run: async (given) => {
      await given.verification(false);
      const topic = await given.topic();
      await within(given, topic, FAR, 0);
      await given.produce(topic, await batch());
      given.expect(await given.deleteRecords(topic, 4n), [NONE, 4n]);
      const { partition } = await given.fetch(topic, 4n, COMMITTED);
      const stable = given.since('4.0') ? 3n : 4n;
      given.expect([partition!.lastStableOffset, partition!.highWatermark, partition!.logStartOffset], [stable, 6n, 4n]);
      given.expect((await given.offsetOf(topic, -1n, COMMITTED)).offset, stable, 'also as an answer of ListOffsets');
      given.expect(
        (await given.producers(topic)).map(({ currentTxnStartOffset, lastSequence }) => [currentTxnStartOffset, lastSequence]),
        [[0n, 2]],
      );
      await end(given, topic, FAR, false);
      given.expect(await aborted(given, topic, 4n), [[0n, 0n]], 'it is aborted from where it began');
    },
  },
  {
    name: 'a session for read_committed is told of the end of a transaction, since the marker moves the high watermark, and gets the records by then stable',
    run: async (given) => {
      await given.verification(false);
      const topic = await given.topic();
      await within(given, topic, FAR, 0);
      const ask = (sessionId: number, sessionEpoch: number, topics: { topic: string; partitions: object[] }[]) =>
        given.client.ask(Fetch, 11, { maxWaitMs: 0, minBytes: 0, ...COMMITTED, sessionId, sessionEpoch, topics: topics as never });
      const { sessionId, responses } = await ask(0, 0, [
        { topic, partitions: [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1 << 20 }] },
      ]);
      given.expect([responses[0]!.partitions[0]!.records?.length ?? 0, responses[0]!.partitions[0]!.highWatermark], [0, 3n]);
      given.expect((await ask(sessionId, 1, [])).responses, [], 'nothing new');
      await end(given, topic, FAR, true);
      const { lastStableOffset, highWatermark, records } = (await ask(sessionId, 2, [])).responses[0]!.partitions[0]!;
      given.expect([lastStableOffset, highWatermark, (records?.length ?? 0) > 0], [4n, 4n, true]);
    },
  },
  {
    name: 'with verification a transactional batch needs its partition in the transaction of its id (2.8: nobody asks)',
    run: async (given) => {
      await given.verification(true);
      const topic = await given.topic();
      const { name, producerId, producerEpoch } = await transactionalId(given);
      const code = async (id: string, of: { producerId: bigint; producerEpoch: number }, version = 8) => {
        const bytes = await batch({ ...of, baseSequence: 0, transactional: true });
        return (await given.outcome(topic, bytes, { transactionalId: id, version }))[0];
      };
      if (!given.since('3.9')) return given.expect(await code(name, { producerId, producerEpoch }), NONE);
      // A verification that could not be made is NOT_ENOUGH_REPLICAS: the client may try again.
      await given.eventually(() => code(name, { producerId: FAR, producerEpoch }), INVALID_PRODUCER_ID_MAPPING, 'another producer');
      given.expect(await code(`${name}-unknown`, { producerId, producerEpoch }), INVALID_PRODUCER_ID_MAPPING, 'an id nobody used');
      given.expect(await code(name, { producerId, producerEpoch: producerEpoch - 1 }), INVALID_PRODUCER_EPOCH, 'an older epoch');
      given.expect(await code(name, { producerId, producerEpoch }), INVALID_TXN_STATE, 'a partition nobody added');
      given.expect(await code(name, { producerId, producerEpoch }, 10), INVALID_TXN_STATE, 'in version 10');
      given.expect(await code(name, { producerId, producerEpoch }, 11), TRANSACTION_ABORTABLE, 'in version 11');
      given.expect(await given.endOf(topic), 0n, 'log end');
      await given.verification(false);
      await given.eventually(() => code(name, { producerId, producerEpoch }, 11), NONE, 'without verification');
    },
  },
];
