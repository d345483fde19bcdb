/** Memory of frames that is used again: whose it is, how much of it is kept, and what is never taken for it. */
import { expect, it } from 'vitest';
import { FrameMemory } from '../../../src/link/replication/frame-memory.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

it('gives what was given back, to frames of any size that fit', () => {
  const memory = new FrameMemory(32 * MIB);
  const first = memory.take(5 * MIB + 1);
  expect(first.length).toBe(5 * MIB + 1);
  memory.give(first);
  const second = memory.take(5 * MIB + 200 * KIB);
  expect([second.buffer === first.buffer, second.byteOffset, second.length]).toEqual([true, 0, 5 * MIB + 200 * KIB]);
});

it('never gives the same memory twice', () => {
  const memory = new FrameMemory(32 * MIB);
  memory.give(memory.take(MIB));
  const frames = [memory.take(MIB), memory.take(MIB), memory.take(100 * KIB)];
  expect(new Set(frames.map(({ buffer }) => buffer)).size).toBe(3);
});

it('takes the smallest that is large enough', () => {
  const memory = new FrameMemory(32 * MIB);
  const frames = [4, 2, 3].map((size) => memory.take(size * MIB));
  for (const frame of frames) memory.give(frame);
  expect(memory.take(2 * MIB - 7).buffer).toBe(frames[1]!.buffer);
  expect(memory.take(2 * MIB - 7).buffer).toBe(frames[2]!.buffer);
});

it('keeps no more than its limit, but for one', () => {
  const memory = new FrameMemory(3 * MIB);
  const large = memory.take(10 * MIB);
  memory.give(large);
  expect(memory.take(10 * MIB).buffer, 'one that is larger than the limit').toBe(large.buffer);
  const frames = [1, 2, 3, 4].map(() => memory.take(MIB));
  for (const frame of frames) memory.give(frame);
  const again = new Set(frames.map(() => memory.take(MIB).buffer));
  expect(frames.filter(({ buffer }) => again.has(buffer)).length).toBe(3);
  for (const frame of frames.slice(0, 3)) memory.give(frame);
  memory.resize(2 * MIB);
  expect(frames.some(({ buffer }) => buffer === memory.take(MIB).buffer)).toBe(false);
});

it('lets go of what has become too small, and of everything when it is told to', () => {
  const memory = new FrameMemory(32 * MIB);
  const small = memory.take(MIB);
  memory.give(small);
  memory.give(memory.take(2 * MIB));
  expect(memory.take(MIB).buffer).not.toBe(small.buffer);
  const last = memory.take(MIB);
  memory.give(last);
  memory.clear();
  expect(memory.take(MIB).buffer).not.toBe(last.buffer);
});

it('has nothing to do with small frames, which may lie in memory that is not theirs alone', () => {
  const memory = new FrameMemory(32 * MIB);
  const small = memory.take(1_000);
  expect(small.length).toBe(1_000);
  memory.give(small);
  expect(memory.take(MIB).buffer).not.toBe(small.buffer);
  const { poolSize } = Buffer;
  Buffer.poolSize = 8 * MIB;
  try {
    Buffer.allocUnsafe(4 * MIB);
    const pooled = memory.take(1_000);
    memory.give(pooled);
    expect(memory.take(MIB).buffer).not.toBe(pooled.buffer);
  } finally {
    Buffer.poolSize = poolSize;
  }
});
