/** The demo's proof can fail, and its picture keeps to the window. */
import { buildBatch, patchBatch, RecordBatch } from 'kafka-link/codec';
import { describe, expect, it } from 'vitest';
import { compareTopic, digestLog } from '../../scripts/demo/compare.ts';
import { clip, size, span, widthOf } from '../../scripts/demo/spans.ts';
import { svg } from '../../scripts/demo/svg.ts';

const batch = async (baseOffset: bigint, value: string): Promise<Buffer> => {
  const bytes = await buildBatch([{ value, timestamp: 1n }], { compression: 'lz4' });
  patchBatch(RecordBatch.at(bytes), { baseOffset });
  return bytes;
};
const log = async (): Promise<Buffer[]> => [await batch(0n, 'first'), await batch(1n, 'second'), await batch(2n, 'third')];

const isIdentical = async (change: (batches: Buffer[]) => unknown): Promise<boolean> => {
  const [source, mirror] = [await log(), await log()];
  await change(mirror);
  return compareTopic('orders', [digestLog(Buffer.concat(source))], [digestLog(Buffer.concat(mirror))]).identical;
};

describe('the comparison of both logs', () => {
  it('takes equal logs for equal', async () => {
    expect(await isIdentical(() => {})).toBe(true);
  });

  it('looks through what belongs to the cluster: leader epoch, producer, checksum', async () => {
    const changes = { partitionLeaderEpoch: 7, producerId: 4000n, producerEpoch: 3, baseSequence: 1 };
    expect(await isIdentical(([, second]) => patchBatch(RecordBatch.at(second!), changes))).toBe(true);
  });

  it.each<[string, (batches: Buffer[]) => unknown]>([
    ['a batch that is missing', (batches) => batches.pop()],
    ['a batch that is there twice', (batches) => batches.push(batches[2]!)],
    ['batches in another order', (batches) => batches.push(...batches.splice(0, 1))],
    ['another offset', ([, second]) => patchBatch(RecordBatch.at(second!), { baseOffset: 5n })],
    ['another timestamp', ([, second]) => patchBatch(RecordBatch.at(second!), { maxTimestamp: 2n })],
    ['other attributes', ([, second]) => patchBatch(RecordBatch.at(second!), { attributes: 0x10 | 3 })],
    ['a bit of the payload', ([, second]) => second!.writeUInt8(second!.readUInt8(70) ^ 1, 70)],
    ['a checksum that does not fit', ([, second]) => second!.writeUInt8(second!.readUInt8(18) ^ 1, 18)],
    ['another value', async (batches) => batches.splice(1, 1, await batch(1n, 'secund'))],
    ['nothing at all', (batches) => batches.splice(0)],
  ])('sees %s', async (_, change) => {
    expect(await isIdentical(change)).toBe(false);
  });

  it('proves nothing by two empty logs, or by partitions that are missing', () => {
    const empty = digestLog(Buffer.alloc(0));
    expect(compareTopic('orders', [empty], [empty]).identical).toBe(false);
    expect(compareTopic('orders', [empty], []).identical).toBe(false);
  });

  it('counts a log up to a batch that is cut off', async () => {
    const whole = Buffer.concat(await log());
    expect(digestLog(whole.subarray(0, whole.length - 1))).toMatchObject({ batches: 2, startOffset: 0n, endOffset: 2n, corrupt: 0 });
  });
});

describe('the picture', () => {
  it('is cut where the window ends', () => {
    const line = [span('abc'), span('defg', 'dim'), span('h')];
    expect(clip(line, 5).map(({ text }) => text)).toEqual(['abc', 'de', '']);
    expect(widthOf(clip(line, 5))).toBe(5);
  });

  it('says sizes as people do', () => {
    expect([999, 1_500, 2_500_000n].map(size)).toEqual(['999 B', '2 kB', '2.5 MB']);
  });

  it('escapes what XML would misread', () => {
    expect(svg([[span('a < b & c')]], 'x > y')).toContain('>a\u00a0&lt;\u00a0b\u00a0&amp;\u00a0c</text>');
  });
});
