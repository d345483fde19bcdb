/** The walk over a record set: where it goes, why it stops, what it refuses. */
import { describe, expect, it } from 'vitest';
import { buildBatch } from '../../../src/codec/batch-builder.ts';
import { BATCH_LAYOUT } from '../../../src/codec/record-batch.ts';
import { batchesOf, RecordSetCursor } from '../../../src/codec/record-set.ts';

const batch = (baseOffset: bigint, records = 1): Promise<Buffer> =>
  buildBatch(
    Array.from({ length: records }, (_, i) => ({ value: `value ${i}`, timestamp: 5n })),
    { baseOffset },
  );
const three = await Promise.all([batch(10n, 2), batch(12n), batch(20n, 3)]);
const set = Buffer.concat(three);

/** Size and magic of an entry, followed by nothing. */
const entry = (length: number, magic: number, bytes: number): Buffer => {
  const buffer = Buffer.alloc(Math.max(bytes, 17));
  buffer.writeBigInt64BE(77n);
  buffer.writeInt32BE(length, BATCH_LAYOUT.batchLength);
  buffer.writeInt8(magic, BATCH_LAYOUT.magic);
  return buffer.subarray(0, bytes);
};

describe('a walk', () => {
  it('visits every batch in order, with one view', () => {
    const cursor = new RecordSetCursor().open(set);
    const seen: unknown[] = [];
    const view = cursor.batch;
    while (cursor.next()) {
      expect(cursor.batch).toBe(view);
      seen.push([cursor.batch.position, cursor.batch.baseOffset, cursor.batch.nextOffset, cursor.position]);
    }
    const [a, b] = [three[0]!.length, three[0]!.length + three[1]!.length];
    expect(seen).toEqual([
      [0, 10n, 12n, a],
      [a, 12n, 13n, b],
      [b, 20n, 23n, set.length],
    ]);
    expect([cursor.stop, cursor.position]).toEqual(['end', set.length]);
    expect(cursor.next()).toBe(false);
  });

  it('of nothing ends at once', () => {
    const cursor = new RecordSetCursor();
    expect(cursor.next()).toBe(false);
    expect([cursor.open(Buffer.alloc(0)).next(), cursor.stop]).toEqual([false, 'end']);
  });

  it('starts over, forgetting why it stopped', () => {
    const cursor = new RecordSetCursor().open(entry(100, 1, 60));
    cursor.next();
    expect(cursor.stop).toBe('message-set');
    cursor.open(set);
    expect([cursor.stop, cursor.announcedBytes, cursor.magic, cursor.messageOffset, cursor.next()]).toEqual(['end', 0, 2, -1n, true]);
  });

  it('reads a view in the middle of a frame, and another frame after it', () => {
    const cursor = new RecordSetCursor().open(Buffer.concat([Buffer.alloc(13), set]).subarray(13));
    cursor.next();
    expect(cursor.batch.baseOffset).toBe(10n);
    cursor.open(Buffer.from(three[2]!));
    cursor.next();
    expect(cursor.batch.baseOffset).toBe(20n);
  });

  it('stops at messages of an old magic after batches of the new', () => {
    const cursor = new RecordSetCursor().open(Buffer.concat([three[0]!, entry(40, 1, 52)]));
    expect([cursor.next(), cursor.next()]).toEqual([true, false]);
    expect([cursor.stop, cursor.magic, cursor.messageOffset, cursor.position]).toEqual(['message-set', 1, 77n, three[0]!.length]);
  });

  it('reports how much a cut-off batch needs', () => {
    const last = three[2]!.length;
    const cursor = new RecordSetCursor();
    for (const [missing, announced] of [
      [1, last],
      [last - 17, last],
      [last - 16, last],
      [last - 12, last],
      [last - 11, 0],
      [last - 1, 0],
    ] as const) {
      cursor.open(set.subarray(0, set.length - missing));
      expect([cursor.next(), cursor.next(), cursor.next()]).toEqual([true, true, false]);
      expect([cursor.stop, cursor.announcedBytes, cursor.position]).toEqual(['cut', announced, set.length - last]);
    }
  });
});

describe('sizes and magics that are not believed', () => {
  it.each<[string, Buffer, RegExp]>([
    ['a negative size', entry(-1, 2, 61), /byte 0: batchLength -1/],
    ['a negative size, cut off', entry(-1, 2, 20), /claims -1 bytes/],
    ['the most negative size', entry(-0x80000000, 2, 61), /batchLength -2147483648/],
    ['a size below any message', entry(13, 0, 12), /claims 13 bytes/],
    ['a v2 size below its header', entry(48, 2, 61), /batchLength 48/],
    ['a v2 size below its header, cut off', entry(48, 2, 30), /batchLength 48/],
    ['a size beyond the limit', entry(1_000_001 - 12, 2, 61), /possible are 14 to 999988/],
    ['the largest size', entry(0x7fffffff, 2, 61), /claims 2147483647 bytes/],
    ['magic 3', entry(100, 3, 61), /magic 3/],
    ['magic −1', entry(100, -1, 17), /magic -1/],
  ])('%s', (_, bytes, message) => {
    const cursor = new RecordSetCursor(1_000_000);
    expect(() => cursor.open(bytes).next()).toThrow(message);
    expect(() => cursor.open(bytes).next()).toThrow(expect.objectContaining({ code: 'KLINK_CORRUPT_BATCH' }));
    // Behind good batches the position is the guilty entry's.
    cursor.open(Buffer.concat([set, bytes]));
    while (cursor.position < set.length) expect(cursor.next()).toBe(true);
    expect(() => cursor.next()).toThrow(`byte ${set.length}`);
    expect(cursor.position).toBe(set.length);
  });

  it('a size at the limit is believed', () => {
    const cursor = new RecordSetCursor(1_000_000).open(entry(1_000_000 - 12, 2, 61));
    expect([cursor.next(), cursor.stop, cursor.announcedBytes]).toEqual([false, 'cut', 1_000_000]);
  });
});

describe('batchesOf', () => {
  it('yields views that may be kept, without the cut-off one', () => {
    expect([...batchesOf(set.subarray(0, set.length - 1))].map((view) => view.baseOffset)).toEqual([10n, 12n]);
  });

  it('throws at messages of an old magic', () => {
    expect(() => [...batchesOf(entry(100, 0, 61))]).toThrow(/magic 0, offset 77/);
  });
});
