/** For every key of two logs, where its last record is on each side: a hash table in flat arrays, so that millions of keys cost what they must. */
import { createHash } from 'node:crypto';
import { LinkError } from '../../errors.ts';
import type { Side } from './comparison-rules.ts';

/** 64 bits of SHA-256: among ten million keys, two share one with a chance of 1 to 400,000. */
export interface KeyHash {
  readonly high: number;
  readonly low: number;
}

export const hashKey = (key: Buffer): KeyHash => {
  const digest = createHash('sha256').update(key).digest();
  return { high: digest.readUInt32BE(0), low: digest.readUInt32BE(4) };
};

/** The last record of a key on one side. */
export interface LastRecord {
  readonly offset: number;
  /** A null value: the key is deleted. */
  readonly isTombstone: boolean;
}

export interface KeyState {
  readonly source: LastRecord | null;
  readonly destination: LastRecord | null;
}

const NONE = -1;
const FIRST_CAPACITY = 1_024;
/** Slots in use before the table grows. */
const MAX_LOAD = 0.7;
const TOMBSTONE: Readonly<Record<Side, number>> = { source: 1, destination: 2 };
const USED = 4;
const MARKED = 8;

/**
 * Bytes that a key costs: 8 of hash, 8 of offset for each side and a flag, in slots of which at least 35 % are in use; while the table grows, half as much
 * again.
 */
export const BYTES_PER_KEY = 72;

export class KeyTable {
  readonly #maxKeys: number;
  #hashes = new Uint32Array(0);
  #offsets: Record<Side, Float64Array> = { source: new Float64Array(0), destination: new Float64Array(0) };
  #flags = new Uint8Array(0);
  #size = 0;

  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys;
    this.#allocate(FIRST_CAPACITY);
  }

  get size(): number {
    return this.#size;
  }

  /** The last record of a key on one side is this one. Throws `KLINK_CONFIG` for a key too many. */
  set(hash: KeyHash, side: Side, { offset, isTombstone }: LastRecord): void {
    const slot = this.#claim(hash);
    this.#offsets[side][slot] = offset;
    this.#flags[slot] = (this.#flags[slot]! & ~TOMBSTONE[side]) | (isTombstone ? TOMBSTONE[side] : 0);
  }

  /** Marks the keys for which `wants` holds; {@link unmark} takes the mark from one. */
  mark(wants: (state: KeyState) => boolean): number {
    let marked = 0;
    for (let slot = 0; slot < this.#flags.length; slot++) {
      if ((this.#flags[slot]! & USED) === 0 || !wants(this.#state(slot))) continue;
      this.#flags[slot]! |= MARKED;
      marked++;
    }
    return marked;
  }

  unmark(hash: KeyHash, when: (state: KeyState) => boolean): void {
    const slot = this.#slotOf(hash);
    if ((this.#flags[slot]! & MARKED) !== 0 && when(this.#state(slot))) this.#flags[slot]! &= ~MARKED;
  }

  *marked(): Generator<KeyState, void, undefined> {
    for (let slot = 0; slot < this.#flags.length; slot++) if ((this.#flags[slot]! & MARKED) !== 0) yield this.#state(slot);
  }

  #state(slot: number): KeyState {
    return { source: this.#last(slot, 'source'), destination: this.#last(slot, 'destination') };
  }

  #last(slot: number, side: Side): LastRecord | null {
    const offset = this.#offsets[side][slot]!;
    return offset === NONE ? null : { offset, isTombstone: (this.#flags[slot]! & TOMBSTONE[side]) !== 0 };
  }

  #claim(hash: KeyHash): number {
    let slot = this.#slotOf(hash);
    if ((this.#flags[slot]! & USED) !== 0) return slot;
    if (this.#size >= this.#maxKeys) {
      throw new LinkError(
        'KLINK_CONFIG',
        `The partition has more than ${this.#maxKeys} keys: raise maxKeys, at about ${BYTES_PER_KEY} bytes of memory for each`,
      );
    }
    if (this.#size >= this.#flags.length * MAX_LOAD) {
      this.#grow();
      slot = this.#slotOf(hash);
    }
    this.#size++;
    this.#hashes[2 * slot] = hash.high;
    this.#hashes[2 * slot + 1] = hash.low;
    this.#flags[slot] = USED;
    return slot;
  }

  /** The key's slot, or the free one where it would go. */
  #slotOf({ high, low }: KeyHash): number {
    const mask = this.#flags.length - 1;
    let slot = low & mask;
    while ((this.#flags[slot]! & USED) !== 0 && (this.#hashes[2 * slot] !== high || this.#hashes[2 * slot + 1] !== low))
      slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const [hashes, offsets, flags] = [this.#hashes, this.#offsets, this.#flags];
    this.#allocate(flags.length * 2);
    for (let old = 0; old < flags.length; old++) {
      if ((flags[old]! & USED) === 0) continue;
      const slot = this.#slotOf({ high: hashes[2 * old]!, low: hashes[2 * old + 1]! });
      this.#hashes.set(hashes.subarray(2 * old, 2 * old + 2), 2 * slot);
      this.#offsets.source[slot] = offsets.source[old]!;
      this.#offsets.destination[slot] = offsets.destination[old]!;
      this.#flags[slot] = flags[old]!;
    }
  }

  #allocate(capacity: number): void {
    this.#hashes = new Uint32Array(2 * capacity);
    this.#offsets = { source: new Float64Array(capacity).fill(NONE), destination: new Float64Array(capacity).fill(NONE) };
    this.#flags = new Uint8Array(capacity);
  }
}
