/** However a stream of frames is cut into reads, the same frames come out; whatever the bytes are, no length is believed beyond its bound. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameAssembler } from '../../../src/client/frame-assembler.ts';
import { LinkError } from '../../../src/errors.ts';

const MAX_FRAME = 80_000;

/** Sizes around every boundary of the implementation: the smallest frame, Node's pool, the staging buffer. */
const frameSize = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 4, max: 200 }) },
  fc.integer({ min: 4_090, max: 4_100 }),
  fc.integer({ min: 32_760, max: 32_776 }),
  fc.integer({ min: 4, max: MAX_FRAME }),
);
const readSize = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 9 }) },
  fc.integer({ min: 1, max: 5_000 }),
  fc.integer({ min: 1, max: 300_000 }),
);

const PATTERN = Buffer.from(Array.from({ length: MAX_FRAME + 5_000 }, (_, i) => (i * 31 + (i >> 8) * 7) & 0xff));
/** Bytes that differ from frame to frame and within one. */
const content = (size: number, seed: number): Buffer => PATTERN.subarray(seed * 101, seed * 101 + size);

const withLength = (body: Buffer): Buffer => {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
};

/** Plays a socket: fills the room it is given, never more than one read holds. The sizes are repeated until the stream is over. */
const feed = (assembler: FrameAssembler, stream: Buffer, sizes: readonly number[]): void => {
  for (let at = 0, turn = 0; at < stream.length; turn++) {
    const room = assembler.room();
    if (room.length === 0) throw new Error('a socket that is given no room fails with ENOBUFS');
    const size = Math.min(room.length, sizes[turn % sizes.length] as number, stream.length - at);
    stream.copy(room, 0, at, at + size);
    at += size;
    assembler.took(size);
  }
};

describe('a frame assembler', () => {
  it('gives out the frames that went in, in order, whatever the reads were', () => {
    fc.assert(
      fc.property(
        fc.array(frameSize, { minLength: 1, maxLength: 12 }),
        fc.array(readSize, { minLength: 1, maxLength: 20 }),
        (frameSizes, sizes) => {
          const bodies = frameSizes.map(content);
          const frames: Buffer[] = [];
          feed(new FrameAssembler(MAX_FRAME, (frame) => frames.push(frame)), Buffer.concat(bodies.map(withLength)), sizes);
          // Compared after the end of the stream: a frame must not share memory with a later one.
          expect(frames.length).toBe(bodies.length);
          for (const [index, body] of bodies.entries()) expect(body.equals(frames[index] as Buffer)).toBe(true);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('refuses a length out of bounds as soon as it is read, however the reads were, and before it makes room for it', () => {
    const hostile = fc.oneof(
      fc.integer({ min: -0x8000_0000, max: 3 }),
      fc.integer({ min: MAX_FRAME + 1, max: 0x7fff_ffff }),
      fc.constantFrom(0, 3, -1, MAX_FRAME + 1, 0x7fff_ffff, -0x8000_0000),
    );
    fc.assert(
      fc.property(fc.array(frameSize, { maxLength: 3 }), hostile, fc.array(readSize, { minLength: 1 }), (frameSizes, length, sizes) => {
        const frames: Buffer[] = [];
        const assembler = new FrameAssembler(MAX_FRAME, (frame) => frames.push(frame));
        const lie = Buffer.alloc(4);
        lie.writeInt32BE(length);
        const good = Buffer.concat(frameSizes.map((size, index) => withLength(content(size, index))));
        let error: unknown;
        try {
          feed(assembler, Buffer.concat([good, lie, Buffer.alloc(10)]), sizes);
        } catch (thrown) {
          error = thrown;
        }
        expect(LinkError.is(error, 'KLINK_MALFORMED')).toBe(true);
        expect((error as LinkError).message).toContain(`a frame of ${length} bytes`);
        expect(frames.length).toBe(frameSizes.length);
        expect(assembler.room().length).toBeLessThanOrEqual(32 * 1024);
      }),
      { numRuns: 150 },
    );
  });

  it('makes of any bytes either frames that are within them, or an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 4_000 }), fc.array(readSize, { minLength: 1 }), (bytes, sizes) => {
        const stream = Buffer.from(bytes);
        let taken = 0;
        const assembler = new FrameAssembler(1_000, (frame) => {
          expect(frame.length).toBeGreaterThanOrEqual(4);
          expect(frame.equals(stream.subarray(taken + 4, taken + 4 + frame.length))).toBe(true);
          taken += 4 + frame.length;
        });
        try {
          feed(assembler, stream, sizes);
        } catch (error) {
          expect(LinkError.is(error, 'KLINK_MALFORMED')).toBe(true);
        }
        expect(taken).toBeLessThanOrEqual(stream.length);
      }),
    );
  });
});
