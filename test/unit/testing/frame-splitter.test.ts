/** Frames survive any cut of the stream; lengths no request has are refused before anything is allocated. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameSplitter } from '../../../src/testing/frame-splitter.ts';

const framed = (body: Uint8Array): Buffer => {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
};

describe('FrameSplitter', () => {
  it('gives back every frame, however the stream is cut', () => {
    const bodies = fc.array(fc.uint8Array({ minLength: 8, maxLength: 40 }), { maxLength: 6 });
    fc.assert(
      fc.property(bodies, fc.array(fc.nat(60)), (frames, cuts) => {
        const stream = Buffer.concat(frames.map(framed));
        const points = [...new Set([0, ...cuts.filter((cut) => cut < stream.length), stream.length])].sort((a, b) => a - b);
        const splitter = new FrameSplitter();
        const out: Buffer[] = [];
        for (let i = 1; i < points.length; i++) out.push(...splitter.push(stream.subarray(points[i - 1], points[i])));
        expect(out.map((frame) => frame.toString('hex'))).toEqual(frames.map((frame) => Buffer.from(frame).toString('hex')));
      }),
    );
  });

  it.each([-1, 0, 7, 1001, 0x7fffffff])('refuses a frame of %i bytes', (size) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(size);
    expect(() => [...new FrameSplitter(1000).push(length)]).toThrow(RangeError);
  });
});
