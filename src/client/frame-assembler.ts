/** Cuts a byte stream into frames; each frame is read straight into a buffer of its own, of exactly the announced size. */
import { LinkError } from '../errors.ts';

/** Where a transport puts the bytes it receives. */
export interface ByteSink {
  /** Where the next bytes go. Valid until the following {@link took}. */
  room(): Buffer;
  /** So many bytes were put into {@link room}. Throws a `LinkError` when the peer cannot be a Kafka broker. */
  took(size: number): void;
}

/** Gives the memory for a frame of so many bytes: exactly so many, and nobody else's until the frame has been dealt with. */
export type FrameAllocator = (size: number) => Buffer;

const LENGTH_BYTES = 4;
/** Small: what it holds of a large frame has to be copied. Large: one read takes in many small frames. */
const STAGING_BYTES = 32 * 1024;
/** Short answers come by the thousand: Node's pool is cheaper for them than an ArrayBuffer each. */
const POOLED_BELOW_BYTES = 4 * 1024;

/** Memory that is the frame's own for as long as somebody looks at it. */
export const ownMemory: FrameAllocator = (size) => (size < POOLED_BELOW_BYTES ? Buffer.allocUnsafe(size) : Buffer.allocUnsafeSlow(size));

/**
 * A frame that has begun is filled by the socket itself, without a copy; only what shares a read with the frame's first bytes goes through the staging buffer.
 * An announced length is checked against `maxFrameBytes` before anything is allocated.
 */
export class FrameAssembler implements ByteSink {
  /** May be changed between frames: what is expected of a peer that has not yet proved to be a broker is far less than a fetch. */
  maxFrameBytes: number;
  readonly #onFrame: (frame: Buffer) => void;
  readonly #allocate: FrameAllocator;
  readonly #staging = Buffer.allocUnsafeSlow(STAGING_BYTES);
  /** Bytes of {@link #staging} that wait for the rest of a length prefix (0 to 3). */
  #held = 0;
  #frame: Buffer | null = null;
  #filled = 0;

  constructor(maxFrameBytes: number, onFrame: (frame: Buffer) => void, allocate: FrameAllocator = ownMemory) {
    this.maxFrameBytes = maxFrameBytes;
    this.#onFrame = onFrame;
    this.#allocate = allocate;
  }

  room(): Buffer {
    return this.#frame === null ? this.#staging.subarray(this.#held) : this.#frame.subarray(this.#filled);
  }

  took(size: number): void {
    if (this.#frame !== null) {
      this.#filled += size;
      this.#deliverIfFull();
      return;
    }
    const end = this.#held + size;
    let at = 0;
    while (end - at >= LENGTH_BYTES) {
      const length = this.#announced(at);
      at += LENGTH_BYTES;
      this.#frame = this.#allocate(length);
      this.#filled = this.#staging.copy(this.#frame, 0, at, Math.min(end, at + length));
      at += this.#filled;
      this.#deliverIfFull();
    }
    this.#staging.copyWithin(0, at, end);
    this.#held = end - at;
  }

  #deliverIfFull(): void {
    const frame = this.#frame;
    if (frame === null || this.#filled < frame.length) return;
    this.#frame = null;
    this.#onFrame(frame);
  }

  #announced(at: number): number {
    const length = this.#staging.readInt32BE(at);
    if (length >= LENGTH_BYTES && length <= this.maxFrameBytes) return length;
    throw new LinkError(
      'KLINK_MALFORMED',
      `${this.#guess(at)} (it announced a frame of ${length} bytes; 4 to ${this.maxFrameBytes} are accepted)`,
    );
  }

  /** People point clients at the wrong port; the first bytes of the answer usually tell which. */
  #guess(at: number): string {
    const start = this.#staging.subarray(at, at + LENGTH_BYTES);
    if (start.toString('latin1') === 'HTTP') return 'An HTTP server answers at this address, not a Kafka broker: check host and port';
    if (start[0] === 0x15 && start[1] === 0x03)
      return 'This port expects TLS: configure TLS for this cluster, or use its plaintext listener';
    return 'The peer does not speak the Kafka protocol, or sends more than is accepted: check host and port';
  }
}
