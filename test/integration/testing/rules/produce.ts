/** Cases: which batches a leader takes, and what it makes of them. */
import { assembleBatch } from '../../../../src/codec/batch-builder.ts';
import { compress } from '../../../../src/codec/compression.ts';
import { readRecords } from '../../../../src/codec/read-records.ts';
import { BATCH_ATTRIBUTES, COMPRESSION_IDS, type Compression } from '../../../../src/codec/record-batch.ts';
import { ErrorCode } from '../../../../src/protocol/error-codes.ts';
import { Produce } from '../../../../src/protocol/messages/produce.ts';
import { batch, claiming, NOW, patched, payloadOf, record } from './batches.ts';
import type { BrokerRule, Configs } from './given.ts';

const { NONE, UNKNOWN_SERVER_ERROR, CORRUPT_MESSAGE, UNKNOWN_TOPIC_OR_PARTITION, MESSAGE_TOO_LARGE, INVALID_REQUIRED_ACKS } = ErrorCode;
const { NOT_ENOUGH_REPLICAS, INVALID_TIMESTAMP, UNSUPPORTED_COMPRESSION_TYPE, INVALID_RECORD } = ErrorCode;

const HOUR = 3_600_000n;

const refused = (
  name: string,
  errorCode: number,
  bytes: () => Promise<Buffer | null> | Buffer | null,
  { configs = {}, version = 8 }: { configs?: Configs; version?: number } = {},
): BrokerRule => ({
  name,
  run: async (given) => {
    const topic = await given.topic(configs);
    given.expect(await given.outcome(topic, await bytes(), { version }), [errorCode, -1n], 'answer');
    given.expect(await given.endOf(topic), 0n, 'log end');
  },
});

/** A batch of any codec around a payload of our own. */
const around = async (payload: Buffer, count: number, codec: Compression = 'none'): Promise<Buffer> =>
  assembleBatch(
    { attributes: COMPRESSION_IDS[codec], lastOffsetDelta: count - 1, baseTimestamp: NOW, maxTimestamp: NOW, recordsCount: count },
    await compress(codec, payload),
  );

/** What a stored batch may differ in from the one that was sent: base offset (8 bytes) and leader epoch (4 bytes at 12). */
const storedForm = (bytes: Buffer): string => {
  const form = Buffer.from(bytes);
  form.fill(0, 0, 8);
  form.fill(0, 12, 16);
  return form.toString('hex');
};

const CODECS: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

export const PRODUCE_RULES: readonly BrokerRule[] = [
  refused('a batch whose baseOffset is not 0 is INVALID_RECORD', INVALID_RECORD, () => batch({ baseOffset: 7n })),
  refused('two batches for one partition are INVALID_RECORD', INVALID_RECORD, async () => Buffer.concat([await batch(), await batch()])),
  refused('no batch at all is INVALID_RECORD', INVALID_RECORD, () => Buffer.alloc(0)),
  refused('a batch that is cut off is INVALID_RECORD', INVALID_RECORD, async () => (await batch()).subarray(0, -1)),
  refused('magic 1 is INVALID_RECORD', INVALID_RECORD, async () => {
    const bytes = await batch();
    bytes.writeInt8(1, 16);
    return bytes;
  }),
  refused('a wrong CRC is CORRUPT_MESSAGE', CORRUPT_MESSAGE, async () => {
    const bytes = await batch();
    bytes.writeInt8(bytes.readInt8(bytes.length - 2) ^ 1, bytes.length - 2);
    return bytes;
  }),
  refused('a length below any header is CORRUPT_MESSAGE', CORRUPT_MESSAGE, async () => {
    const bytes = await batch();
    bytes.writeInt32BE(5, 8);
    return bytes;
  }),
  refused('fewer records than offsets (a compacted batch) is INVALID_RECORD', INVALID_RECORD, () => claiming(3, 5)),
  refused('more records than offsets is INVALID_RECORD', INVALID_RECORD, () => claiming(3, 1)),
  refused('an empty batch (as compaction leaves it) is INVALID_RECORD', INVALID_RECORD, () => claiming(0, 2)),
  refused('a negative offset range is INVALID_RECORD', INVALID_RECORD, () => claiming(0, -1)),
  refused('a control batch is INVALID_RECORD', INVALID_RECORD, () => patched({ attributes: BATCH_ATTRIBUTES.control })),
  refused('a producer id without a sequence is INVALID_RECORD', INVALID_RECORD, () => patched({ producerId: 5n, producerEpoch: 0 })),
  refused('a count above what the payload holds is INVALID_RECORD', INVALID_RECORD, () => claiming(4, 3)),
  refused('bytes after the last record are INVALID_RECORD', INVALID_RECORD, () => claiming(2, 1)),
  refused('bytes after the last record of a compressed batch are INVALID_RECORD', INVALID_RECORD, () =>
    around(payloadOf([0, 1, 2]), 2, 'gzip'),
  ),
  refused('inner offsets with a gap in a compressed batch are UNKNOWN_SERVER_ERROR', UNKNOWN_SERVER_ERROR, () =>
    around(payloadOf([0, 2]), 2, 'gzip'),
  ),
  refused('a batch above max.message.bytes is MESSAGE_TOO_LARGE', MESSAGE_TOO_LARGE, () => batch({}, [record('x'.repeat(200))]), {
    configs: { 'max.message.bytes': '200' },
  }),
  refused('zstd before Produce v7 is UNSUPPORTED_COMPRESSION_TYPE', UNSUPPORTED_COMPRESSION_TYPE, () => batch({ compression: 'zstd' }), {
    version: 6,
  }),
  refused('a LogAppendTime batch for a LogAppendTime topic is INVALID_TIMESTAMP', INVALID_TIMESTAMP, () => batch({ logAppendTime: NOW }), {
    configs: { 'message.timestamp.type': 'LogAppendTime' },
  }),
  {
    name: 'inner offsets of an uncompressed batch are not looked at',
    run: async (given) => {
      const topic = await given.topic();
      const bytes = await around(payloadOf([0, 5, -1]), 3);
      given.expect(await given.outcome(topic, bytes), [NONE, 0n]);
      given.expect(await given.endOf(topic), 3n, 'log end');
      given.expect(storedForm((await given.batches(topic))[0]!.bytes), storedForm(bytes), 'stored bytes');
    },
  },
  {
    name: 'a batch exactly as large as max.message.bytes is taken',
    run: async (given) => {
      const bytes = await batch({}, [record('x'.repeat(200))]);
      const topic = await given.topic({ 'max.message.bytes': String(bytes.length) });
      given.expect(await given.outcome(topic, bytes), [NONE, 0n]);
    },
  },
  ...CODECS.map(
    (codec): BrokerRule => ({
      name: `${codec}: what is stored is what was sent, but for base offset and leader epoch`,
      run: async (given) => {
        const topic = await given.topic();
        const bytes = await batch({ compression: codec });
        given.expect(await given.outcome(topic, bytes), [NONE, 0n]);
        given.expect(await given.outcome(topic, bytes), [NONE, 3n]);
        const stored = await given.batches(topic);
        given.expect(
          stored.map(({ baseOffset, partitionLeaderEpoch }) => [baseOffset, partitionLeaderEpoch]),
          [
            [0n, 0],
            [3n, 0],
          ],
        );
        for (const { bytes: kept } of stored) given.expect(storedForm(kept), storedForm(bytes), 'stored bytes');
      },
    }),
  ),
  {
    name: 'the delete horizon bit and unknown bits are kept',
    run: async (given) => {
      const topic = await given.topic();
      const attributes = BATCH_ATTRIBUTES.deleteHorizon | 0x100;
      given.expect(await given.outcome(topic, await patched({ attributes })), [NONE, 0n]);
      given.expect((await given.batches(topic))[0]!.attributes, attributes);
    },
  },
  {
    name: 'a wrong maxTimestamp is corrected, and the CRC with it',
    run: async (given) => {
      const topic = await given.topic();
      given.expect(await given.outcome(topic, await patched({ maxTimestamp: NOW + 5n })), [NONE, 0n]);
      const [stored] = await given.batches(topic);
      given.expect(stored!.maxTimestamp, NOW);
      given.expect(storedForm(stored!.bytes), storedForm(await batch()), 'stored bytes');
    },
  },
  {
    name: 'a LogAppendTime batch for a CreateTime topic: refused until 3.5, since then its bit is cleared and its maximum kept',
    run: async (given) => {
      const topic = await given.topic();
      const outcome = await given.outcome(topic, await batch({ logAppendTime: NOW + 1000n }));
      if (!given.since('3.9')) return given.expect(outcome, [INVALID_TIMESTAMP, -1n]);
      given.expect(outcome, [NONE, 0n]);
      const [stored] = await given.batches(topic);
      given.expect([stored!.timestampType, stored!.maxTimestamp], ['CreateTime', NOW + 1000n]);
      given.expect(
        (await readRecords(stored!)).map(({ timestamp }) => timestamp),
        [NOW, NOW, NOW],
        'visible times',
      );
    },
  },
  {
    name: 'a LogAppendTime topic writes its own time over the batch',
    run: async (given) => {
      const topic = await given.topic({ 'message.timestamp.type': 'LogAppendTime' });
      const { errorCode, logAppendTimeMs } = await given.produce(topic, await batch({}, [record('old', 1000n)]));
      given.expect(errorCode, NONE);
      const [stored] = await given.batches(topic);
      given.expect([stored!.timestampType, stored!.maxTimestamp, stored!.baseTimestamp], ['LogAppendTime', logAppendTimeMs, 1000n]);
      given.expect(logAppendTimeMs > NOW - HOUR, true, 'append time is now');
    },
  },
  {
    name: 'record times beyond the limits are INVALID_TIMESTAMP, and the answer names the records',
    run: async (given) => {
      const limits: Configs = given.since('3.9')
        ? { 'message.timestamp.before.max.ms': String(HOUR), 'message.timestamp.after.max.ms': String(HOUR) }
        : { 'message.timestamp.difference.max.ms': String(HOUR) };
      const topic = await given.topic(limits);
      const records = [record('now'), record('old', NOW - 3n * HOUR), record('new', NOW + 3n * HOUR)];
      const { errorCode, recordErrors } = await given.produce(topic, await batch({}, records));
      given.expect(errorCode, INVALID_TIMESTAMP);
      given.expect(
        recordErrors.map(({ batchIndex }) => batchIndex),
        [1, 2],
      );
      given.expect(await given.outcome(topic, await batch({}, [record('none', -1n)])), [NONE, 0n], 'a record without time');
    },
  },
  {
    name: 'a null key in a compacted topic is INVALID_RECORD, and the answer names the record',
    run: async (given) => {
      const topic = await given.topic({ 'cleanup.policy': 'compact' });
      const { errorCode, recordErrors } = await given.produce(topic, await batch({}, [record('a', NOW, 'k'), record('b')]));
      given.expect([errorCode, recordErrors.map(({ batchIndex }) => batchIndex)], [INVALID_RECORD, [1]]);
      given.expect(await given.outcome(topic, await batch({}, [record('a', NOW, '')])), [NONE, 0n], 'an empty key is a key');
    },
  },
  {
    name: 'a topic with a codec of its own rebuilds the batch, numbering its records densely',
    run: async (given) => {
      const topic = await given.topic({ 'compression.type': 'gzip' });
      given.expect(await given.outcome(topic, await around(payloadOf([0, 5]), 2)), [NONE, 0n]);
      const [stored] = await given.batches(topic);
      given.expect([stored!.compression, stored!.lastOffsetDelta, stored!.maxTimestamp], ['gzip', 1, NOW]);
      given.expect(
        (await readRecords(stored!)).map(({ offset, value }) => [offset, value?.toString()]),
        [
          [0n, 'x'],
          [1n, 'x'],
        ],
      );
    },
  },
  {
    name: 'the leader epoch a producer sends is overwritten',
    run: async (given) => {
      const topic = await given.topic();
      given.expect(await given.outcome(topic, await batch({ partitionLeaderEpoch: 99 })), [NONE, 0n]);
      given.expect((await given.batches(topic))[0]!.partitionLeaderEpoch, 0);
    },
  },
  {
    name: 'min.insync.replicas asks for no more replicas than there are (but did in 2.8)',
    run: async (given) => {
      const topic = await given.topic({ 'min.insync.replicas': '2' });
      given.expect((await given.outcome(topic, await batch()))[0], given.since('3.9') ? NONE : NOT_ENOUGH_REPLICAS);
    },
  },
  {
    name: 'acks must be -1, 0 or 1',
    run: async (given) => {
      const topic = await given.topic();
      given.expect((await given.outcome(topic, await batch(), { acks: 2 }))[0], INVALID_REQUIRED_ACKS);
    },
  },
  {
    name: 'an unknown topic or partition is UNKNOWN_TOPIC_OR_PARTITION',
    run: async (given) => given.expect(await given.outcome('no-such-topic', await batch()), [UNKNOWN_TOPIC_OR_PARTITION, -1n]),
  },
  {
    name: 'acks=0 is not answered; the next request is',
    run: async (given) => {
      const topic = await given.topic();
      given.client.send(Produce, 8, {
        acks: 0,
        timeoutMs: 1000,
        topicData: [{ name: topic, partitionData: [{ index: 0, records: await batch() }] }],
      });
      given.expect(await given.endOf(topic), 3n, 'log end');
    },
  },
];
