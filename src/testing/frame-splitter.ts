/** Cuts a byte stream into Kafka frames. */

/** Key, version and correlation id: no request is shorter. */
const MIN_REQUEST_BYTES = 8;
/** `socket.request.max.bytes` of a real broker: a frame that claims more closes the connection without an answer. */
const MAX_REQUEST_BYTES = 100 * 1024 * 1024;

/** Collects 4 length bytes, then that many: each frame becomes a Buffer of its own, copied once. */
export class FrameSplitter {
  readonly #maxBytes: number;
  readonly #length: Buffer = Buffer.alloc(4);
  #frame: Buffer | null = null;
  #filled = 0;

  constructor(maxBytes: number = MAX_REQUEST_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** The frames that `chunk` completes, without their length bytes. Throws RangeError for a length no request has. */
  *push(chunk: Buffer): Generator<Buffer, void, undefined> {
    for (let at = 0; at < chunk.length; ) {
      const target: Buffer = this.#frame ?? this.#length;
      const copied = chunk.copy(target, this.#filled, at);
      at += copied;
      this.#filled += copied;
      if (this.#filled < target.length) return;
      this.#filled = 0;
      if (this.#frame === null) {
        const size = this.#length.readInt32BE(0);
        if (size < MIN_REQUEST_BYTES || size > this.#maxBytes) throw new RangeError(`a frame claims ${size} bytes`);
        this.#frame = Buffer.allocUnsafeSlow(size);
      } else {
        const frame = this.#frame;
        this.#frame = null;
        yield frame;
      }
    }
  }
}
