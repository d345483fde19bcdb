/** Frames without a copy, bounds before memory, and what the first bytes of another protocol tell. */
import { describe, expect, it } from 'vitest';
import { FrameAssembler } from '../../../src/client/frame-assembler.ts';

const take = (assembler: FrameAssembler, bytes: Buffer): void => {
  bytes.copy(assembler.room());
  assembler.took(bytes.length);
};
const length = (size: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(size);
  return bytes;
};
const none = (): void => expect.unreachable('no frame is complete');

describe('a frame assembler', () => {
  it('lets the socket write the bulk of a large frame into the frame itself', () => {
    const frames: Buffer[] = [];
    const assembler = new FrameAssembler(1 << 20, (frame) => frames.push(frame));
    take(assembler, Buffer.concat([length(100_000), Buffer.alloc(1_000, 1)]));
    const room = assembler.room();
    // Exactly the rest: the next frame's bytes must not end up here.
    expect(room.length).toBe(99_000);
    room.fill(2);
    assembler.took(99_000);
    expect(frames).toHaveLength(1);
    expect(frames[0]?.buffer).toBe(room.buffer);
    expect(frames[0]?.byteOffset).toBe(room.byteOffset - 1_000);
    // A large frame shares its memory with nothing: its owner may patch it in place and keep it.
    expect(frames[0]?.buffer.byteLength).toBe(100_000);
  });

  it('delivers several frames of one read, and holds the beginning of the next', () => {
    const frames: string[] = [];
    const assembler = new FrameAssembler(100, (frame) => frames.push(frame.toString()));
    take(assembler, Buffer.concat([length(4), Buffer.from('aaaa'), length(5), Buffer.from('bbbbb'), length(6).subarray(0, 3)]));
    expect(frames).toEqual(['aaaa', 'bbbbb']);
    take(assembler, Buffer.concat([length(6).subarray(3), Buffer.from('cccccc')]));
    expect(frames).toEqual(['aaaa', 'bbbbb', 'cccccc']);
  });

  it.each([
    ['an HTTP server', Buffer.from('HTTP/1.1 400 Bad Request\r\n'), /HTTP server/],
    ['a TLS alert', Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x16]), /expects TLS/],
    ['an SSH banner', Buffer.from('SSH-2.0-OpenSSH_9.7\r\n'), /does not speak the Kafka protocol/],
    ['a negative length', length(-1), /-1 bytes/],
    ['a frame too small for a correlation id', length(3), /3 bytes/],
    ['one byte more than is accepted', length(1_048_577), /1048577 bytes; 4 to 1048576/],
  ])('refuses %s', (_, bytes, says) => {
    const assembler = new FrameAssembler(1 << 20, none);
    expect(() => take(assembler, bytes)).toThrow(
      expect.objectContaining({ code: 'KLINK_MALFORMED', message: expect.stringMatching(says) }),
    );
  });

  it('accepts more once it is told to', () => {
    const assembler = new FrameAssembler(10, none);
    expect(() => take(assembler, length(11))).toThrow();
    const trusting = new FrameAssembler(10, none);
    trusting.maxFrameBytes = 1 << 20;
    take(trusting, length(1 << 20));
    expect(trusting.room().length).toBe(1 << 20);
  });
});
