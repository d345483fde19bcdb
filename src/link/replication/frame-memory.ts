/** Memory of fetched frames, used again: fresh memory costs the kernel a fault per page, and V8 a full collection for every few frames. */

import { ownMemory } from '../../client/frame-assembler.ts';

/** A frame in one piece of memory is followed by frames of about its size: rounded up, most of them fit. Pages that are not touched cost nothing. */
const STEP_BYTES = 256 * 1024;
/** Smaller frames are not worth it, and may lie in memory that they share. */
const MIN_BYTES = 64 * 1024;

/**
 * Keeps memory that is free, `limitBytes` at most; what is out is not known here. Whoever gives a frame back vouches that nobody looks at it any more, neither
 * a decoded answer nor a socket that still has some of it to send. What is never given back is left to the garbage collector.
 */
export class FrameMemory {
  readonly #free: ArrayBuffer[] = [];
  #freeBytes = 0;
  #limitBytes: number;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  resize(limitBytes: number): void {
    this.#limitBytes = limitBytes;
    if (this.#freeBytes > limitBytes) this.clear();
  }

  /** Memory for a frame of `size` bytes, with anything in it. */
  take(size: number): Buffer {
    if (size < MIN_BYTES) return ownMemory(size);
    let best = -1;
    for (let i = 0; i < this.#free.length; i++) {
      const { byteLength } = this.#free[i]!;
      if (byteLength >= size && (best < 0 || byteLength < this.#free[best]!.byteLength)) best = i;
    }
    if (best >= 0) {
      const [memory] = this.#free.splice(best, 1);
      this.#freeBytes -= memory!.byteLength;
      return Buffer.from(memory!, 0, size);
    }
    // All that is free is too small for what comes now.
    this.clear();
    return Buffer.allocUnsafeSlow(Math.ceil(size / STEP_BYTES) * STEP_BYTES).subarray(0, size);
  }

  /** Takes back what {@link take} has given. */
  give(frame: Buffer): void {
    if (frame.length < MIN_BYTES) return;
    const memory = frame.buffer as ArrayBuffer;
    // One is kept whatever the limit: an answer may be larger than all that was to be fetched.
    if (this.#free.length > 0 && this.#freeBytes + memory.byteLength > this.#limitBytes) return;
    this.#free.push(memory);
    this.#freeBytes += memory.byteLength;
  }

  /** Lets go of what is free: nothing comes that could use it. */
  clear(): void {
    this.#free.length = 0;
    this.#freeBytes = 0;
  }
}
