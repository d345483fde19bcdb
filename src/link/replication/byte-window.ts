/** Bounds the bytes between fetch and acknowledgement: a window per fetcher, and a lease per fetched frame. */

/** A budget of bytes. It may be overdrawn by one answer: a broker returns the first batch whole, however little was asked for. */
export class ByteWindow {
  #limit: number;
  #taken = 0;
  readonly #onRoom: () => void;

  /** `onRoom` is called whenever bytes are given back. */
  constructor(limit: number, onRoom: () => void) {
    this.#limit = limit;
    this.#onRoom = onRoom;
  }

  get available(): number {
    return this.#limit - this.#taken;
  }

  /** Bytes fetched and not yet acknowledged. */
  get taken(): number {
    return this.#taken;
  }

  resize(limit: number): void {
    this.#limit = limit;
    this.#onRoom();
  }

  /** `onFree` is called when nobody can be looking at the frame any more; never, if that is not certain. */
  take(bytes: number, onFree?: () => void): FrameLease {
    this.#taken += bytes;
    return new FrameLease((isSpoilt) => {
      if (!isSpoilt) onFree?.();
      this.#taken -= bytes;
      this.#onRoom();
    });
  }
}

/** One fetched frame. Its memory is held by every record set in it, so its bytes count until the last of them is acknowledged or dropped. */
export class FrameLease {
  #holders = 1;
  #isSpoilt = false;
  readonly #release: (isSpoilt: boolean) => void;

  constructor(release: (isSpoilt: boolean) => void) {
    this.#release = release;
  }

  hold(): void {
    this.#holders++;
  }

  drop(): void {
    if (--this.#holders === 0) this.#release(this.#isSpoilt);
  }

  /** Somebody who holds nothing may go on looking at the frame, a socket for example: its bytes must stay as they are, whoever drops it. */
  spoil(): void {
    this.#isSpoilt = true;
  }
}
