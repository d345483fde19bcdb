/** Cases: what the log cleaner leaves of segments that cannot be made by producing. */
import { readRecords } from '../../../../src/codec/read-records.ts';
import { BATCH_ATTRIBUTES, type Compression, type RecordBatch } from '../../../../src/codec/record-batch.ts';
import { batch, NOW, record } from './batches.ts';
import type { BrokerRule, Configs, Given } from './given.ts';

const FAR = 1n << 62n;
const HOUR = 3_600_000n;
/** Far above the time a case takes, so that only the case decides when a segment ends. */
const SEGMENT_MS = 10n * HOUR;
const { deleteHorizon, transactional, control, logAppendTime } = BATCH_ATTRIBUTES;

/** A topic of which segments end when a record is much younger than the first of the segment; keys are not asked for yet. */
const messy = (given: Given, configs: Configs = {}): Promise<string> =>
  given.topic({ 'segment.ms': String(SEGMENT_MS / 2n), 'min.cleanable.dirty.ratio': '0', 'delete.retention.ms': '0', ...configs });

/** Time of records in the n-th segment. Later ones lie in the future, so that markers, which have the broker's time, close nothing. */
const timeOf = (segment: number): bigint => NOW + BigInt(segment) * SEGMENT_MS;

/** Closes what was written by writing into segment `segment`, then compacts what is closed and resolves with all batches. */
const cleaned = async (given: Given, topic: string, segment: number, roller = 'rolls'): Promise<RecordBatch[]> => {
  await given.produce(topic, await batch({}, [record(roller, timeOf(segment), `roller ${segment}`)]));
  const before = await picture(given, topic);
  await given.configure(topic, { 'cleanup.policy': 'compact' });
  await given.housekeeping.clean(topic, async () => (await picture(given, topic)) !== before);
  return given.stored(topic);
};

const picture = async (given: Given, topic: string): Promise<string> =>
  (await given.stored(topic)).map(({ baseOffset, crc }) => `${baseOffset} ${crc}`).join();

/** Base offset, records of how many offsets, attributes. */
const shape = ({ baseOffset, recordsCount, lastOffsetDelta, attributes }: RecordBatch) => [
  baseOffset,
  `${recordsCount} of ${lastOffsetDelta + 1}`,
  attributes,
];

const contents = async (batches: readonly RecordBatch[]) => {
  const records = await Promise.all(batches.filter(({ isControl }) => !isControl).map((each) => readRecords(each)));
  return records.flat().map(({ offset, key, value, timestamp }) => [offset, key?.toString(), value?.toString(), timestamp - NOW]);
};

const keyed = (keys: string, segment = 0) => [...keys].map((key, i) => record(`${key}${i}`, timeOf(segment) + BigInt(i), key));
const CODECS: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

export const CLEANER_RULES: readonly BrokerRule[] = [
  {
    name: 'the newest record of a key stays where it is, in its batch, whose offsets, sequence and codec stay too; what lost nothing stays byte by byte',
    run: async (given) => {
      const topic = await messy(given);
      for (const [i, compression] of CODECS.entries()) {
        await given.produce(topic, await batch({ compression, producerId: FAR, producerEpoch: 3, baseSequence: 4 * i }, keyed(`k${i}ak`)));
      }
      await given.produce(topic, await batch({ producerId: FAR, producerEpoch: 3, baseSequence: 20 }, keyed('k', 0)));
      const before = await given.stored(topic);
      const after = await cleaned(given, topic, 1);
      given.expect(after.map(shape), [
        [0n, '1 of 4', 0],
        [4n, '1 of 4', 1],
        [8n, '1 of 4', 2],
        [12n, '1 of 4', 3],
        [16n, '2 of 4', 4],
        [20n, '1 of 1', 0],
        [21n, '1 of 1', 0],
      ]);
      given.expect(after[5]!.bytes.equals(before[5]!.bytes), true, 'a batch that lost nothing');
      given.expect(
        after
          .slice(0, 6)
          .map(({ producerId, producerEpoch, baseSequence, partitionLeaderEpoch }) => [
            producerId,
            producerEpoch,
            baseSequence,
            partitionLeaderEpoch,
          ]),
        before
          .slice(0, 6)
          .map(({ producerId, producerEpoch, baseSequence, partitionLeaderEpoch }) => [
            producerId,
            producerEpoch,
            baseSequence,
            partitionLeaderEpoch,
          ]),
        'producer and sequence',
      );
      given.expect(
        after.map(({ baseTimestamp, maxTimestamp }) => [baseTimestamp - NOW, maxTimestamp - NOW]),
        [
          [1n, 1n],
          [1n, 1n],
          [1n, 1n],
          [1n, 1n],
          [1n, 2n],
          [0n, 0n],
          [SEGMENT_MS, SEGMENT_MS],
        ],
        'times of what is left',
      );
      given.expect((await contents(after)).slice(0, 7), [
        [1n, '0', '01', 1n],
        [5n, '1', '11', 1n],
        [9n, '2', '21', 1n],
        [13n, '3', '31', 1n],
        [17n, '4', '41', 1n],
        [18n, 'a', 'a2', 2n],
        [20n, 'k', 'k0', 0n],
      ]);
    },
  },
  {
    name: 'a batch that lost everything goes, but for the last one of a producer and, from 3.x to 4.3, of the round',
    run: async (given) => {
      const topic = await messy(given);
      await given.produce(topic, await batch({}, keyed('ab')));
      await given.produce(topic, await batch({ compression: 'gzip', producerId: FAR, producerEpoch: 0, baseSequence: 7 }, keyed('ab')));
      await given.produce(topic, await batch({ compression: 'gzip', producerId: FAR, producerEpoch: 0, baseSequence: 9 }, keyed('ab')));
      await given.produce(topic, await batch({}, keyed('ab')));
      await given.produce(topic, await batch({ compression: 'lz4' }, [record('no key', NOW + 9n), record('no key')]));
      const after = await cleaned(given, topic, 1);
      const keepsLast = given.since('3.9') && !given.since('4.4');
      const last: readonly unknown[] = keepsLast ? [[8n, '0 of 2', 0]] : [];
      given.expect(after.map(shape), [[4n, '0 of 2', 0], [6n, '2 of 2', 0], ...last, [10n, '1 of 1', 0]]);
      const [ofProducer] = after;
      given.expect(
        [
          ofProducer!.sizeInBytes,
          ofProducer!.baseTimestamp,
          ofProducer!.maxTimestamp - NOW,
          ofProducer!.producerId,
          ofProducer!.baseSequence,
        ],
        [61, -1n, 1n, FAR, 9],
        'the empty batch of the producer',
      );
      if (keepsLast) given.expect([after[2]!.baseTimestamp, after[2]!.maxTimestamp - NOW], [-1n, 9n], 'the empty batch of the round');
      given.expect(
        await given.outcome(topic, await batch({ producerId: FAR, producerEpoch: 0, baseSequence: 11 }, keyed('x', 1))),
        [0, 11n],
        'the sequence goes on',
      );
    },
  },
  {
    name: 'a tombstone stays for delete.retention.ms: since 3.x its batch takes the time of its end for a base, before it went by the age of segments',
    run: async (given) => {
      const topic = await messy(given);
      await given.produce(topic, await batch({}, [record('a', NOW, 'a'), record('b', NOW + 1n, 'b')]));
      await given.produce(
        topic,
        await batch({ compression: 'zstd' }, [record('c', NOW + 2n, 'c'), record(null, NOW + 3n, 'a'), record('d', NOW + 4n, 'd')]),
      );
      const once = await cleaned(given, topic, 1);
      const horizons = given.since('3.9');
      const withHorizon = horizons ? deleteHorizon : 0;
      given.expect(once.map(shape), [
        [0n, '1 of 2', 0],
        [2n, '3 of 3', 4 | withHorizon],
        [5n, '1 of 1', 0],
      ]);
      if (horizons)
        given.expect(once[1]!.baseTimestamp >= NOW && once[1]!.baseTimestamp < NOW + HOUR, true, 'the horizon is the time of the round');
      given.expect(once[1]!.maxTimestamp - NOW, 4n, 'the newest time');
      given.expect((await contents(once)).slice(0, 4), [
        [1n, 'b', 'b', 1n],
        [2n, 'c', 'c', 2n],
        [3n, 'a', undefined, 3n],
        [4n, 'd', 'd', 4n],
      ]);
      const twice = await cleaned(given, topic, 2);
      given.expect(twice.map(shape), [
        [0n, '1 of 2', 0],
        [2n, '2 of 3', 4 | withHorizon],
        [5n, '1 of 1', 0],
        [6n, '1 of 1', 0],
      ]);
      if (horizons) given.expect(twice[1]!.baseTimestamp, once[1]!.baseTimestamp, 'the horizon stays');
      given.expect((await contents(twice)).slice(0, 3), [
        [1n, 'b', 'b', 1n],
        [2n, 'c', 'c', 2n],
        [4n, 'd', 'd', 4n],
      ]);
    },
  },
  {
    name: 'a tombstone that is not due stays, and the next round does not move its horizon',
    run: async (given) => {
      if (!given.since('3.9')) return;
      const topic = await messy(given, { 'delete.retention.ms': String(HOUR) });
      await given.produce(topic, await batch({}, [record(null, NOW + 3n, 'a')]));
      const once = await cleaned(given, topic, 1);
      given.expect(once.map(shape), [
        [0n, '1 of 1', deleteHorizon],
        [1n, '1 of 1', 0],
      ]);
      const { baseTimestamp } = once[0]!;
      given.expect(baseTimestamp >= NOW + HOUR && baseTimestamp < NOW + 2n * HOUR, true, 'horizon');
      await given.produce(topic, await batch({}, [record('x', timeOf(1), 'x'), record('y', timeOf(1), 'x')]));
      const twice = await cleaned(given, topic, 2);
      given.expect(twice[0]!.bytes.equals(once[0]!.bytes), true, 'unchanged');
      given.expect((await contents(twice))[0], [0n, 'a', undefined, 3n]);
    },
  },
  {
    name: 'markers that end nothing go in two rounds; the last one of the round stays empty',
    run: async (given) => {
      if (!given.since('3.9')) return;
      const topic = await messy(given);
      await given.produce(topic, await batch({}, keyed('ab')));
      await given.markers(topic, { producerId: -2n }, { producerId: -3n, commit: false });
      await given.produce(topic, await batch({}, keyed('c')));
      await given.markers(topic, { producerId: -2n });
      const marker = transactional | control;
      const once = await cleaned(given, topic, 1);
      given.expect(once.map(shape), [
        [0n, '2 of 2', 0],
        [2n, '1 of 1', marker | deleteHorizon],
        [3n, '1 of 1', marker | deleteHorizon],
        [4n, '1 of 1', 0],
        [5n, '1 of 1', marker | deleteHorizon],
        [6n, '1 of 1', 0],
      ]);
      const twice = await cleaned(given, topic, 2);
      given.expect(twice.map(shape), [
        [0n, '2 of 2', 0],
        [4n, '1 of 1', 0],
        [6n, '1 of 1', 0],
        [7n, '1 of 1', 0],
      ]);
      await given.markers(topic, { producerId: -2n });
      const third = await cleaned(given, topic, 3);
      given.expect(third.slice(3).map(shape), [
        [7n, '1 of 1', 0],
        [8n, '1 of 1', marker | deleteHorizon],
        [9n, '1 of 1', 0],
      ]);
    },
  },
  {
    name: 'aborted data goes at once, its marker and its line in the aborted list when nothing is left; a committed transaction keeps its marker while it has data',
    run: async (given) => {
      if (!given.since('3.9')) return;
      await given.verification(false);
      const topic = await messy(given);
      const [aborting, committing, newer] = [FAR + 1n, FAR + 2n, FAR + 3n];
      const within = async (producerId: bigint, baseSequence: number, keys: string) =>
        given.produce(topic, await batch({ producerId, producerEpoch: 0, baseSequence, transactional: true }, keyed(keys)), {
          transactionalId: 'c',
        });
      await within(aborting, 0, 'ab');
      await within(committing, 0, 'ab');
      await within(aborting, 2, 'c');
      await given.markers(topic, { producerId: aborting, commit: false }, { producerId: committing });
      await within(newer, 0, 'ab');
      await given.markers(topic, { producerId: newer });
      const listed = async () => (await given.fetch(topic, 0n, { isolationLevel: 1 })).partition?.abortedTransactions;
      given.expect(await listed(), [{ producerId: aborting, firstOffset: 0n }], 'before');
      const marker = transactional | control;
      const once = await cleaned(given, topic, 1);
      given.expect(once.map(shape), [
        [2n, '0 of 2', transactional],
        [4n, '0 of 1', transactional],
        [5n, '1 of 1', marker],
        [6n, '1 of 1', marker],
        [7n, '2 of 2', transactional],
        [9n, '1 of 1', marker],
        [10n, '1 of 1', 0],
      ]);
      given.expect(await listed(), [{ producerId: aborting, firstOffset: 0n }], 'an empty batch of it is left');
    },
  },
  {
    name: 'nothing from the segment of the last stable offset on is cleaned',
    run: async (given) => {
      await given.verification(false);
      const topic = await messy(given);
      await given.produce(topic, await batch({}, keyed('a')));
      await given.produce(topic, await batch({}, keyed('a')));
      await given.produce(topic, await batch({}, keyed('a', 1)));
      const open = await batch({ producerId: FAR, producerEpoch: 0, baseSequence: 0, transactional: true }, keyed('a', 1));
      await given.produce(topic, open, { transactionalId: 'o' });
      await given.produce(topic, await batch({}, keyed('a', 2)));
      given.expect((await cleaned(given, topic, 3)).map(shape), [
        [1n, '1 of 1', 0],
        [2n, '1 of 1', 0],
        [3n, '1 of 1', transactional],
        [4n, '1 of 1', 0],
        [5n, '1 of 1', 0],
      ]);
    },
  },
  {
    name: 'append times become the base of what is written again',
    run: async (given) => {
      const topic = await messy(given, { 'message.timestamp.type': 'LogAppendTime', 'segment.bytes': '1048576' });
      await given.produce(topic, await batch({}, [record('x', 5n, 'a'), record('y', 9n, 'b'), record('z', 7n, 'a')]));
      const [stored] = await given.stored(topic);
      const after = await cleaned(given, topic, 1, 'x'.repeat(1_048_480));
      given.expect(after.map(shape), [
        [0n, '2 of 3', logAppendTime],
        [3n, '1 of 1', logAppendTime],
      ]);
      given.expect([after[0]!.baseTimestamp, after[0]!.maxTimestamp], [stored!.maxTimestamp, stored!.maxTimestamp]);
    },
  },
];
