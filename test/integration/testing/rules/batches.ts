/** Batches for the cases of the rules: right ones, and ones that are wrong in exactly one way. */

import { type BatchOptions, buildBatch, type NewRecord } from '../../../../src/codec/batch-builder.ts';
import { computeCrc } from '../../../../src/codec/batch-crc.ts';
import { type HeaderChanges, patchBatch } from '../../../../src/codec/patch-header.ts';
import { encodeRecordBody, encodeRecordFrames } from '../../../../src/codec/record.ts';
import { BATCH_LAYOUT, RecordBatch } from '../../../../src/codec/record-batch.ts';

export const NOW: bigint = BigInt(Date.now());

export const record = (value: string | null, timestamp: bigint = NOW, key: string | null = null): NewRecord => ({ key, value, timestamp });

const three = [record('a'), record('b'), record('c')];

/** Three records, unless others are given. */
export const batch = (options: BatchOptions = {}, records: readonly NewRecord[] = three): Promise<Buffer> => buildBatch(records, options);

/** A batch with other header fields; its CRC is right. */
export const patched = async (changes: HeaderChanges, options: BatchOptions = {}): Promise<Buffer> => {
  const bytes = await batch(options);
  patchBatch(RecordBatch.at(bytes), changes);
  return bytes;
};

/** Lets `change` at the bytes of a batch, then makes the CRC right again. */
export const recrc = (bytes: Buffer, change: (bytes: Buffer) => void): Buffer => {
  change(bytes);
  const view = new RecordBatch();
  view.moveTo(bytes, 0);
  bytes.writeUInt32BE(computeCrc(view), BATCH_LAYOUT.crc);
  return bytes;
};

/** Three records whose header claims another count or range. */
export const claiming = async (recordsCount: number, lastOffsetDelta: number): Promise<Buffer> =>
  recrc(await batch(), (bytes) => {
    bytes.writeInt32BE(recordsCount, BATCH_LAYOUT.recordsCount);
    bytes.writeInt32BE(lastOffsetDelta, BATCH_LAYOUT.lastOffsetDelta);
  });

/** An uncompressed payload of one-letter records with these offset deltas. */
export const payloadOf = (deltas: readonly number[]): Buffer => {
  const body = encodeRecordBody({ key: null, value: Buffer.from('x'), headers: [] });
  return encodeRecordFrames(deltas.map((offsetDelta) => ({ attributes: 0, timestampDelta: 0n, offsetDelta, body })));
};
