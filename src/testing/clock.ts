/** Time and chance as ports, so that a test may hold both in its hands. */
import { randomBytes } from 'node:crypto';

/** A source of time and timers, in milliseconds. Has the shape of the client's clock: one fake serves both. */
export interface Clock {
  /** Monotonic: for waits and deadlines. */
  now(): number;
  /** Milliseconds since 1970: what brokers compare record times with and stamp LogAppendTime batches and markers with. */
  wallTime(): number;
  /** Calls `task` once after `ms`; the returned function cancels it. */
  schedule(ms: number, task: () => void): () => void;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  schedule: (ms, task) => {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
};

/** Bytes for ids: truly random, or the same in every run when a seed is given. */
export type RandomBytes = (size: number) => Buffer;

/** The generator of a seed (mulberry32): ids that differ from each other, never secrets. */
export const randomBytesOf = (seed: number | undefined): RandomBytes => {
  if (seed === undefined) return randomBytes;
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return mixed ^ (mixed >>> 14);
  };
  return (size) => {
    const bytes = Buffer.alloc(size);
    for (let i = 0; i < size; i++) bytes[i] = next();
    return bytes;
  };
};

/** A Kafka id: 16 bytes as base64url. Kafka draws again when the text begins with a dash, which its command line takes for an option. */
export const kafkaId = (random: RandomBytes): string => {
  const id = random(16).toString('base64url');
  return id.startsWith('-') ? kafkaId(random) : id;
};
