/** Batches the Java client wrote: read as Java reads them, and written again to the same bytes. */
import { describe, expect, it } from 'vitest';
import { assembleBatch, buildBatch, buildEndTxnMarker, type NewRecord } from '../../../src/codec/batch-builder.ts';
import { payloadCrc, verifyCrc } from '../../../src/codec/batch-crc.ts';
import { compress, decompress } from '../../../src/codec/compression.ts';
import { decodeEndTxnMarker } from '../../../src/codec/control-record.ts';
import { crc32c } from '../../../src/codec/crc32c.ts';
import { readRecords } from '../../../src/codec/read-records.ts';
import { decodeRecordBody, decodeRecordFrames, encodeRecordBody, encodeRecordFrames } from '../../../src/codec/record.ts';
import { COMPRESSION_IDS, type Compression, RecordBatch } from '../../../src/codec/record-batch.ts';
import { batchesOf } from '../../../src/codec/record-set.ts';
import { batchGoldens, describeRecordSet, goldens } from './golden.ts';

const golden = (name: string): Buffer => goldens(new RegExp(`^${name}\\.txt$`))[0]!.bytes;

it('covers every codec in every shape', () => {
  const names = batchGoldens().map(({ name }) => name);
  const codecs = Object.keys(COMPRESSION_IDS);
  const shapes = codecs.flatMap((codec) => ['mixed', 'append-time', 'compacted'].map((shape) => `${codec}-${shape}`));
  expect(names).toEqual(expect.arrayContaining(shapes));
  expect(names).toEqual(expect.arrayContaining(codecs.filter((codec) => codec !== 'none').map((codec) => `${codec}-large`)));
});

describe.each(batchGoldens())('$name', ({ bytes, lines }) => {
  it('is read as Java reads it', async () => {
    expect(await describeRecordSet(bytes)).toEqual(lines);
  });

  it('has CRCs that hold for the batch and for its payload', () => {
    for (const batch of batchesOf(bytes)) {
      expect(verifyCrc(batch)).toBe(true);
      expect(payloadCrc(batch)).toBe(crc32c(batch.payload));
    }
  });

  it('is written again to the same bytes', async () => {
    for (const batch of batchesOf(bytes)) {
      const plain = await decompress(batch.compression, batch.payload);
      const frames = decodeRecordFrames(plain, batch.recordsCount);
      expect(encodeRecordFrames(frames).equals(plain)).toBe(true);
      for (const { body } of frames) expect(encodeRecordBody(decodeRecordBody(body)).equals(body)).toBe(true);
      expect(assembleBatch(fieldsOf(batch), batch.payload).equals(batch.bytes)).toBe(true);
    }
  });

  it('comes back from our own compression', async () => {
    for (const batch of batchesOf(bytes)) {
      const plain = await decompress(batch.compression, batch.payload);
      expect((await decompress(batch.compression, await compress(batch.compression, plain))).equals(plain)).toBe(true);
    }
  });
});

describe('building from records gives the bytes of the Java builder', () => {
  it.each(['none-mixed', 'none-append-time', 'many-batches'])('%s', async (name) => {
    for (const batch of batchesOf(golden(name))) {
      const records = await rewritable(batch);
      const logAppendTime = batch.timestampType === 'LogAppendTime' ? { logAppendTime: batch.maxTimestamp } : {};
      const { baseOffset, partitionLeaderEpoch, producerId, producerEpoch, baseSequence } = batch;
      const built = await buildBatch(records, {
        baseOffset,
        partitionLeaderEpoch,
        producerId,
        producerEpoch,
        baseSequence,
        ...logAppendTime,
      });
      expect(built.toString('hex')).toBe(batch.bytes.toString('hex'));
    }
  });

  it('a compacted batch with a delete horizon', async () => {
    const [batch] = [...batchesOf(golden('none-compacted'))] as [RecordBatch];
    const { baseOffset, partitionLeaderEpoch, producerId, producerEpoch, baseSequence, lastOffsetDelta } = batch;
    const built = await buildBatch(await rewritable(batch), {
      ...{ baseOffset, partitionLeaderEpoch, producerId, producerEpoch, baseSequence, lastOffsetDelta },
      deleteHorizon: batch.baseTimestamp,
    });
    expect(built.toString('hex')).toBe(batch.bytes.toString('hex'));
  });

  it('transaction markers', async () => {
    for (const batch of batchesOf(golden('markers'))) {
      const [record] = await readRecords(batch);
      const marker = decodeEndTxnMarker(record!)!;
      const { baseOffset, partitionLeaderEpoch, producerId, producerEpoch, baseTimestamp } = batch;
      const built = buildEndTxnMarker(marker, { baseOffset, partitionLeaderEpoch, producerId, producerEpoch, timestamp: baseTimestamp });
      expect(built.toString('hex')).toBe(batch.bytes.toString('hex'));
    }
  });
});

it('reads the markers the coordinator meant, and leaves other control records alone', async () => {
  const markers = await Promise.all(
    [...batchesOf(golden('markers'))].map(async (batch) => decodeEndTxnMarker((await readRecords(batch))[0]!)),
  );
  expect(markers).toEqual([
    { result: 'commit', coordinatorEpoch: 23 },
    { result: 'abort', coordinatorEpoch: -1 },
  ]);
  const [leaderChange] = await readRecords(RecordBatch.at(golden('leader-change')));
  expect(decodeEndTxnMarker(leaderChange!)).toBeNull();
});

describe('our compression has the framing of the Java client', () => {
  // Up to the first compressed block, byte for byte: stream header of snappy, frame header of LZ4, gzip magic and method, zstd magic.
  it.each([
    ['snappy', 16],
    ['lz4', 7],
    ['gzip', 4],
    ['zstd', 4],
  ] as [Compression, number][])('%s', async (codec, length) => {
    const java = RecordBatch.at(golden(`${codec}-large`)).payload;
    const ours = await compress(codec, await decompress(codec, java));
    expect(ours.subarray(0, length).toString('hex')).toBe(java.subarray(0, length).toString('hex'));
  });
});

const fieldsOf = (batch: RecordBatch) => ({
  baseOffset: batch.baseOffset,
  partitionLeaderEpoch: batch.partitionLeaderEpoch,
  attributes: batch.attributes,
  lastOffsetDelta: batch.lastOffsetDelta,
  baseTimestamp: batch.baseTimestamp,
  maxTimestamp: batch.maxTimestamp,
  producerId: batch.producerId,
  producerEpoch: batch.producerEpoch,
  baseSequence: batch.baseSequence,
  recordsCount: batch.recordsCount,
});

/** The records with the producer's own times, which a LogAppendTime batch keeps in its deltas. */
const rewritable = async (batch: RecordBatch): Promise<NewRecord[]> => {
  const frames = decodeRecordFrames(await decompress(batch.compression, batch.payload), batch.recordsCount);
  return frames.map(({ timestampDelta, offsetDelta, body }) => ({
    ...decodeRecordBody(body),
    timestamp: batch.baseTimestamp + timestampDelta,
    offsetDelta,
  }));
};
