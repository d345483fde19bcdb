/** The Java client reads what we write: every codec, option and patch, with its own CRC check. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { buildBatch, buildEndTxnMarker } from '../../src/codec/batch-builder.ts';
import { patchBatch, rebaseBatch } from '../../src/codec/patch-header.ts';
import { BATCH_ATTRIBUTES, COMPRESSION_IDS, type Compression, RecordBatch } from '../../src/codec/record-batch.ts';
import { batchGoldens, describeRecordSet } from '../conformance/codec/golden.ts';
import { readByJava } from '../conformance/codec/oracle.ts';
import { batchOptions, newRecord } from '../property/codec/arbitraries.ts';

const SEED = 20_231_114;

/** Java's reading of each set, next to ours. */
const compare = async (sets: readonly Buffer[]): Promise<void> => {
  const ours = await Promise.all(sets.map(describeRecordSet));
  expect(await readByJava(sets)).toEqual(ours);
};

it('random batches', async () => {
  const samples = fc.sample(fc.tuple(fc.array(newRecord, { minLength: 1, maxLength: 20 }), batchOptions), { numRuns: 400, seed: SEED });
  await compare(await Promise.all(samples.map(([records, options]) => buildBatch(records, options))));
});

it('batches of several compression blocks', async () => {
  const noise = Buffer.from(Array.from({ length: 200_000 }, (_, i) => Math.imul(i, 2654435761) >>> 24));
  const text = Buffer.alloc(300_000, 'the quick brown fox ');
  const records = [noise, text, Buffer.concat([noise, text])].map((value) => ({ value, timestamp: 1_700_000_000_000n }));
  const codecs = Object.keys(COMPRESSION_IDS) as Compression[];
  await compare(await Promise.all(codecs.map((compression) => buildBatch(records, { compression }))));
});

it('transaction markers', async () => {
  const at = { producerId: 5n, producerEpoch: 1, timestamp: 1_700_000_000_000n };
  await compare([
    buildEndTxnMarker({ result: 'commit', coordinatorEpoch: 3 }, at),
    buildEndTxnMarker({ result: 'abort', coordinatorEpoch: -1 }, at),
  ]);
});

it('batches of the Java client after our header patches, payload unread', async () => {
  const rebased = batchGoldens().map(({ bytes }) => {
    const batch = RecordBatch.at(Buffer.from(bytes));
    rebaseBatch(batch, 0x12345678, -2, 7, 0x7ffffff0);
    return batch.bytes;
  });
  const patched = batchGoldens().map(({ bytes }) => {
    const batch = RecordBatch.at(Buffer.from(bytes));
    patchBatch(batch, {
      attributes: batch.attributes & ~BATCH_ATTRIBUTES.transactional & ~BATCH_ATTRIBUTES.logAppendTime,
      baseTimestamp: 1n,
      maxTimestamp: 2n,
      producerId: -1n,
      producerEpoch: -1,
      baseSequence: -1,
    });
    return batch.bytes;
  });
  await compare([...rebased, ...patched]);
});
