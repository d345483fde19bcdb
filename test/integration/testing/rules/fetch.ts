/** Cases: sizes, ranges, epochs, topic ids and sessions of Fetch. */
import { batchesOf } from '../../../../src/codec/record-set.ts';
import { ErrorCode } from '../../../../src/protocol/error-codes.ts';
import { DeleteTopics } from '../../../../src/protocol/messages/delete-topics.ts';
import { Fetch } from '../../../../src/protocol/messages/fetch.ts';
import { batch, NOW, record } from './batches.ts';
import type { BrokerRule, Given } from './given.ts';

const { NONE, OFFSET_OUT_OF_RANGE, UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_LEADER_EPOCH, UNKNOWN_TOPIC_ID, INCONSISTENT_TOPIC_ID } = ErrorCode;
const { FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH, FETCH_SESSION_TOPIC_ID_ERROR } = ErrorCode;

/** A topic with `count` batches of three records; resolves with the size of one. */
const filled = async (given: Given, count: number, configs = {}): Promise<{ topic: string; size: number }> => {
  const topic = await given.topic(configs);
  const bytes = await batch();
  for (let i = 0; i < count; i++) await given.produce(topic, bytes);
  return { topic, size: bytes.length };
};

/** One partition of a session request. */
const want = (topic: string, fetchOffset: bigint, partition = 0) => ({
  topic,
  partitions: [{ partition, fetchOffset, partitionMaxBytes: 1 << 20 }],
});
const wantById = (topicId: string, fetchOffset: bigint) => ({
  topicId,
  partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 20 }],
});
const base = { maxWaitMs: 0, minBytes: 0 };

export const FETCH_RULES: readonly BrokerRule[] = [
  {
    name: 'the first batch comes whole, however small the limits',
    run: async (given) => {
      const { topic, size } = await filled(given, 2);
      const { partition } = await given.fetch(topic, 0n, { partitionMaxBytes: 1, maxBytes: 1 });
      given.expect(partition?.records?.length, size);
    },
  },
  {
    name: 'the last batch is cut off where the limit falls',
    run: async (given) => {
      const { topic, size } = await filled(given, 3);
      const { partition } = await given.fetch(topic, 0n, { partitionMaxBytes: size + 40 });
      given.expect(partition?.records?.length, size + 40);
      given.expect(
        [...batchesOf(partition!.records!)].map(({ baseOffset }) => baseOffset),
        [0n],
      );
    },
  },
  {
    name: 'a fetch inside a batch begins with that batch',
    run: async (given) => {
      const { topic } = await filled(given, 3);
      given.expect(
        (await given.batches(topic, 4n)).map(({ baseOffset }) => baseOffset),
        [3n, 6n],
      );
    },
  },
  {
    name: 'the second partition gets nothing when the first has used up the limit',
    run: async (given) => {
      const { topic, size } = await filled(given, 2);
      const other = await given.topic();
      await given.produce(other, await batch());
      const { responses } = await given.client.ask(Fetch, 11, {
        ...base,
        maxBytes: size,
        sessionEpoch: -1,
        topics: [want(topic, 0n), want(other, 0n)],
      });
      given.expect(
        responses.map(({ partitions }) => partitions[0]!.records?.length ?? 0),
        [size, 0],
      );
    },
  },
  {
    name: 'offsets outside the log are OFFSET_OUT_OF_RANGE; its end is inside',
    run: async (given) => {
      const { topic } = await filled(given, 1);
      given.expect((await given.fetch(topic, 4n)).partition?.errorCode, OFFSET_OUT_OF_RANGE);
      const { partition } = await given.fetch(topic, 3n);
      given.expect([partition?.errorCode, partition?.highWatermark, partition?.records?.length ?? 0], [NONE, 3n, 0]);
      await given.deleteRecords(topic, 3n);
      const below = (await given.fetch(topic, 1n)).partition;
      given.expect([below?.errorCode, below?.highWatermark, below?.logStartOffset], [OFFSET_OUT_OF_RANGE, -1n, -1n]);
    },
  },
  {
    name: 'an unknown topic is UNKNOWN_TOPIC_OR_PARTITION',
    run: async (given) => given.expect((await given.fetch('no-such-topic', 0n)).partition?.errorCode, UNKNOWN_TOPIC_OR_PARTITION),
  },
  {
    name: 'a fetch waits for data and is woken by it',
    run: async (given) => {
      const { topic } = await filled(given, 1);
      const { partition } = await given.fetch(topic, 3n, { maxWaitMs: 50, minBytes: 1 });
      given.expect(partition?.records?.length ?? 0, 0, 'nothing came in time');
    },
  },
  {
    name: 'a leader epoch the broker has not reached is UNKNOWN_LEADER_EPOCH',
    run: async (given) => {
      const { topic } = await filled(given, 1);
      const { responses } = await given.client.ask(Fetch, 11, {
        ...base,
        sessionEpoch: -1,
        topics: [{ topic, partitions: [{ partition: 0, currentLeaderEpoch: 5, fetchOffset: 0n, partitionMaxBytes: 1 << 20 }] }],
      });
      given.expect(responses[0]?.partitions[0]?.errorCode, UNKNOWN_LEADER_EPOCH);
    },
  },
  {
    name: 'a last fetched epoch nobody knows is OFFSET_OUT_OF_RANGE; one whose end lies before the position is a divergence',
    run: async (given) => {
      const { topic } = await filled(given, 2);
      const ask = async (fetchOffset: bigint, lastFetchedEpoch: number) => {
        const { responses } = await given.client.ask(Fetch, 12, {
          ...base,
          sessionEpoch: -1,
          topics: [{ topic, partitions: [{ partition: 0, fetchOffset, lastFetchedEpoch, partitionMaxBytes: 1 << 20 }] }],
        });
        const { errorCode, divergingEpoch, records } = responses[0]!.partitions[0]!;
        return { errorCode, divergingEpoch, length: records?.length ?? 0 };
      };
      given.expect((await ask(3n, 7)).errorCode, OFFSET_OUT_OF_RANGE, 'unknown epoch');
      given.expect((await ask(3n, 0)).length > 0, true, 'right epoch');
      given.expect(
        await ask(9n, 0),
        { errorCode: NONE, divergingEpoch: { epoch: 0, endOffset: 6n }, length: 0 },
        'beyond the end of its epoch',
      );
    },
  },
  {
    name: 'a session tells only what is new',
    run: async (given) => {
      const { topic, size } = await filled(given, 1);
      const other = await given.topic();
      const topics = [want(topic, 0n), want(other, 0n)];
      const first = await given.client.ask(Fetch, 11, { ...base, sessionEpoch: 0, topics });
      const { sessionId } = first;
      given.expect(sessionId !== 0, true, 'a session was made');
      given.expect(first.responses.length, 2, 'a full answer lists everything');
      let sessionEpoch = 0;
      const ask = async (asked: typeof topics = [], forgotten: { topic: string; partitions: number[] }[] = []) => {
        const answer = await given.client.ask(Fetch, 11, {
          ...base,
          sessionId,
          sessionEpoch: ++sessionEpoch,
          topics: asked,
          forgottenTopicsData: forgotten,
        });
        given.expect([answer.errorCode, answer.sessionId], [NONE, sessionId], 'session');
        return answer.responses.map((entry) => [entry.topic, entry.partitions[0]!.records?.length ?? 0]);
      };
      given.expect(await ask(), [[topic, size]], 'the position did not move, so the data comes again');
      given.expect(await ask([want(topic, 3n)]), [], 'nothing new');
      await given.produce(other, await batch());
      given.expect(await ask(), [[other, size]], 'new data');
      given.expect(await ask([], [{ topic: other, partitions: [0] }]), [], 'forgotten');
    },
  },
  {
    name: 'a session tells of a log start that moved, though nothing else did',
    run: async (given) => {
      const { topic } = await filled(given, 2);
      const { sessionId } = await given.client.ask(Fetch, 11, { ...base, sessionEpoch: 0, topics: [want(topic, 6n)] });
      let sessionEpoch = 0;
      const told = async () => {
        const { responses } = await given.client.ask(Fetch, 11, { ...base, sessionId, sessionEpoch: ++sessionEpoch, topics: [] });
        return responses.map(({ partitions }) => {
          const { errorCode, logStartOffset, highWatermark, records } = partitions[0]!;
          return [errorCode, logStartOffset, highWatermark, records?.length ?? 0];
        });
      };
      given.expect(await told(), [], 'nothing new');
      await given.deleteRecords(topic, 4n);
      given.expect(await told(), [[NONE, 4n, 6n, 0]]);
      given.expect(await told(), [], 'nothing new');
      await given.deleteRecords(topic, -1n);
      given.expect(await told(), [[NONE, 6n, 6n, 0]], 'everything deleted, the position is the end');
    },
  },
  {
    name: 'an answer never crosses a segment; one ends when a record is younger by segment.ms than the first batch of it',
    run: async (given) => {
      const topic = await given.topic({ 'segment.ms': '3600000' });
      const hours = (count: number) => NOW + BigInt(count) * 3_600_000n;
      for (const time of [hours(0), hours(1), hours(1) + 1n, hours(1), hours(2) + 1n, hours(2) + 2n]) {
        await given.produce(topic, await batch({}, [record('x', time)]));
      }
      const from = async (offset: bigint) => (await given.batches(topic, offset)).map(({ baseOffset }) => baseOffset);
      given.expect([await from(0n), await from(2n), await from(5n)], [[0n, 1n], [2n, 3n, 4n], [5n]]);
    },
  },
  {
    name: 'sessions refuse what does not fit them',
    run: async (given) => {
      const { topic } = await filled(given, 1);
      const full = await given.client.ask(Fetch, 11, { ...base, sessionEpoch: 0, topics: [want(topic, 0n)] });
      const { sessionId } = full;
      const ask = async (version: number, id: number, sessionEpoch: number) =>
        (await given.client.ask(Fetch, version, { ...base, sessionId: id, sessionEpoch, topics: [] })).errorCode;
      given.expect(await ask(11, sessionId + 1_000_000, 1), FETCH_SESSION_ID_NOT_FOUND);
      given.expect(await ask(11, sessionId, 5), INVALID_FETCH_SESSION_EPOCH);
      if (given.since('3.9')) given.expect(await ask(13, sessionId, 1), FETCH_SESSION_TOPIC_ID_ERROR);
      given.expect(await ask(11, sessionId, 1), NONE, 'still there');
      await given.client.ask(Fetch, 11, { ...base, sessionId, sessionEpoch: -1, topics: [] });
      given.expect(await ask(11, sessionId, 2), FETCH_SESSION_ID_NOT_FOUND, 'closed');
    },
  },
  {
    name: 'topic ids: an unknown one is UNKNOWN_TOPIC_ID, one that a session knew under a name that is now another topic is INCONSISTENT_TOPIC_ID',
    run: async (given) => {
      if (!given.since('3.9')) return;
      const { topic, size } = await filled(given, 1);
      const topicId = await given.topicId(topic);
      const unknown = await given.client.ask(Fetch, 13, { ...base, sessionEpoch: -1, topics: [wantById('0123456789012345678901', 0n)] });
      given.expect(unknown.responses[0]?.partitions[0]?.errorCode, UNKNOWN_TOPIC_ID);
      const full = await given.client.ask(Fetch, 13, { ...base, sessionEpoch: 0, topics: [wantById(topicId, 0n)] });
      given.expect([full.responses[0]?.topicId, full.responses[0]?.partitions[0]?.records?.length], [topicId, size]);
      await given.client.ask(DeleteTopics, 5, { topicNames: [topic], timeoutMs: 10_000 });
      await given.recreate(topic);
      // For a moment a real broker may not know the new topic either.
      for (let sessionEpoch = 1; ; sessionEpoch++) {
        const { responses } = await given.client.ask(Fetch, 13, { ...base, sessionId: full.sessionId, sessionEpoch, topics: [] });
        const errorCode = responses[0]?.partitions[0]?.errorCode;
        if (errorCode === UNKNOWN_TOPIC_OR_PARTITION) continue;
        given.expect(errorCode, INCONSISTENT_TOPIC_ID, 'in the session');
        break;
      }
      const outside = await given.client.ask(Fetch, 13, { ...base, sessionEpoch: -1, topics: [wantById(topicId, 0n)] });
      given.expect(outside.responses[0]?.partitions[0]?.errorCode, UNKNOWN_TOPIC_ID, 'outside');
    },
  },
  {
    name: 'isolation 0 has no aborted list, isolation 1 an empty one',
    run: async (given) => {
      const { topic } = await filled(given, 1);
      given.expect((await given.fetch(topic, 0n)).partition?.abortedTransactions, null);
      given.expect((await given.fetch(topic, 0n, { isolationLevel: 1 })).partition?.abortedTransactions, []);
    },
  },
  {
    name: 'after the log start moved, a fetch from it begins with the batch it lies in',
    run: async (given) => {
      const { topic } = await filled(given, 2);
      given.expect(await given.deleteRecords(topic, 4n), [NONE, 4n]);
      given.expect(
        (await given.batches(topic, 4n)).map(({ baseOffset }) => baseOffset),
        [3n],
      );
      given.expect((await given.fetch(topic, 4n)).partition?.logStartOffset, 4n);
    },
  },
  {
    name: 'a record of the newest time is found after its batch was cut from the front',
    run: async (given) => {
      const topic = await given.topic();
      await given.produce(topic, await batch({}, [record('a', NOW), record('b', NOW + 2n), record('c', NOW + 1n)]));
      await given.deleteRecords(topic, 2n);
      const { offset, timestamp } = await given.offsetOf(topic, NOW);
      given.expect([offset, timestamp], [2n, NOW + 1n]);
    },
  },
];
