/** What must hold for any batch: built, read, patched, walked. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { buildBatch } from '../../../src/codec/batch-builder.ts';
import { computeCrc, payloadCrc, verifyCrc } from '../../../src/codec/batch-crc.ts';
import { crc32c, crc32cShift } from '../../../src/codec/crc32c.ts';
import { patchBatch, rebaseBatch } from '../../../src/codec/patch-header.ts';
import { readRecords } from '../../../src/codec/read-records.ts';
import { BATCH_LAYOUT, RecordBatch } from '../../../src/codec/record-batch.ts';
import { RecordSetCursor } from '../../../src/codec/record-set.ts';
import { batchOptions, headerChanges, int16, int32, newRecord } from './arbitraries.ts';

const records = fc.array(newRecord, { minLength: 1, maxLength: 20 });

it('what is built is what is read', async () => {
  await fc.assert(
    fc.asyncProperty(records, batchOptions, fc.array(fc.nat(5), { minLength: 20, maxLength: 20 }), async (written, options, holes) => {
      let offset = -1;
      const sparse = written.map((record, i) => {
        offset += 1 + holes[i]!;
        return { ...record, offsetDelta: offset };
      });
      const batch = RecordBatch.at(await buildBatch(sparse, options));
      expect(verifyCrc(batch)).toBe(true);
      expect(payloadCrc(batch)).toBe(crc32c(batch.payload));
      expect({
        baseOffset: batch.baseOffset,
        partitionLeaderEpoch: batch.partitionLeaderEpoch,
        compression: batch.compression,
        producerId: batch.producerId,
        producerEpoch: batch.producerEpoch,
        baseSequence: batch.baseSequence,
        transactional: batch.isTransactional,
        control: batch.isControl,
        hasDeleteHorizon: batch.hasDeleteHorizon,
        logAppendTime: batch.timestampType === 'LogAppendTime' ? batch.maxTimestamp : undefined,
        recordsCount: batch.recordsCount,
        lastOffsetDelta: batch.lastOffsetDelta,
      }).toEqual({
        baseOffset: options.baseOffset ?? 0n,
        partitionLeaderEpoch: options.partitionLeaderEpoch ?? -1,
        compression: options.compression ?? 'none',
        producerId: options.producerId ?? -1n,
        producerEpoch: options.producerEpoch ?? -1,
        baseSequence: options.baseSequence ?? -1,
        transactional: options.transactional ?? false,
        control: options.control ?? false,
        hasDeleteHorizon: options.deleteHorizon !== undefined,
        logAppendTime: options.logAppendTime,
        recordsCount: written.length,
        lastOffsetDelta: offset,
      });
      expect(await readRecords(batch)).toEqual(
        sparse.map(({ offsetDelta, timestamp, ...content }) => ({
          ...content,
          offset: batch.baseOffset + BigInt(offsetDelta),
          timestamp: options.logAppendTime ?? timestamp,
        })),
      );
    }),
  );
});

it('a patched CRC is the CRC of the patched bytes, and the payload keeps its own', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 0, maxLength: 5000 }),
      fc.array(headerChanges, { minLength: 1, maxLength: 3 }),
      (payload, patches) => {
        const batch = RecordBatch.at(rawBatch(payload));
        const payloadBefore = payloadCrc(batch);
        for (const changes of patches) {
          patchBatch(batch, changes);
          expect(batch.crc).toBe(computeCrc(batch));
          expect(payloadCrc(batch)).toBe(payloadBefore);
          for (const [name, value] of Object.entries(changes)) expect(batch[name as keyof typeof changes]).toBe(value);
        }
      },
    ),
  );
});

it('rebasing is the patch it stands for', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), int32, int32, int16, int32, (payload, high, low, epoch, sequence) => {
      const rebased = RecordBatch.at(rawBatch(payload));
      const patched = RecordBatch.at(rawBatch(payload));
      rebaseBatch(rebased, high, low, epoch, sequence);
      const producerId = (BigInt(high) << 32n) + BigInt(low >>> 0);
      patchBatch(patched, { baseOffset: 0n, producerId, producerEpoch: epoch, baseSequence: sequence });
      expect(rebased.bytes.equals(patched.bytes)).toBe(true);
      expect(verifyCrc(rebased)).toBe(true);
    }),
  );
});

it('shifting the difference of two checksums is appending the same bytes to both messages', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.uint8Array({ maxLength: 3000 }), (a, tail) => {
      const b = a.map((byte) => byte ^ 0xa5);
      const difference = crc32c(a) ^ crc32c(b);
      expect(crc32cShift(difference, tail.length)).toBe((crc32c(tail, crc32c(a)) ^ crc32c(tail, crc32c(b))) | 0);
    }),
  );
});

it('a walk over a set cut anywhere gives the whole batches before the cut, and says what the cut one needs', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (payloads, share) => {
        const batches = payloads.map((payload, i) => rawBatch(payload, BigInt(i)));
        const set = Buffer.concat(batches);
        const end = Math.round(share * set.length);
        const cursor = new RecordSetCursor().open(set.subarray(0, end));
        let whole = 0;
        let at = 0;
        while (whole < batches.length && at + batches[whole]!.length <= end) {
          expect(cursor.next()).toBe(true);
          expect([cursor.batch.position, cursor.batch.baseOffset]).toEqual([at, BigInt(whole)]);
          at += batches[whole++]!.length;
        }
        expect(cursor.next()).toBe(false);
        expect([cursor.stop, cursor.position]).toEqual([at === end ? 'end' : 'cut', at]);
        expect(cursor.announcedBytes).toBe(end - at >= 12 ? batches[whole]!.length : 0);
      },
    ),
  );
});

/** A valid batch with random bytes where its records would be. */
const rawBatch = (payload: Uint8Array, baseOffset = 9n): Buffer => {
  const bytes = Buffer.concat([Buffer.alloc(61), payload]);
  bytes.writeBigInt64BE(baseOffset, BATCH_LAYOUT.baseOffset);
  bytes.writeInt32BE(bytes.length - 12, BATCH_LAYOUT.batchLength);
  bytes.writeInt8(2, BATCH_LAYOUT.magic);
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), BATCH_LAYOUT.crc);
  return bytes;
};
