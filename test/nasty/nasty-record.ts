/** Records with everything a record may have: nulls, empty fields, names twice, sizes and times of all kinds. */
import { between } from '../scenarios/seeded.ts';
import type { ScriptedRecord } from './script.ts';

/** What of a record is not left to chance. */
export interface RecordRules {
  /** No null keys, and few different ones: what compacted topics take and what compaction finds something to do with. */
  readonly keyed: boolean;
  readonly wildTimes: boolean;
  /** The time of an ordinary record; undefined leaves it to the producer. */
  readonly time: number | undefined;
}

type Random = () => number;

const KEYS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'ключ', '', '\u0000\uffff'];
const HEADER_NAMES = ['h', 'h', 'hé', '見出し', '', 'a-longer-name-than-the-others'];
const LONG_AGO = 946_684_800_000;
const FAR_AHEAD = 4_102_444_800_000;
const HOUR = 3_600_000;

/** A member of `from`, each as likely as any other. */
export const pick = <T>(random: Random, from: readonly T[]): T => from[between(random, 0, from.length - 1)]!;

/** `share` of all throws say yes. */
export const chance = (random: Random, share: number): boolean => random() < share;

const noise = (random: Random, bytes: number): Buffer => {
  const made = Buffer.allocUnsafe(bytes);
  for (let i = 0; i < bytes; i++) made[i] = random() * 256;
  return made;
};

const words = (random: Random, bytes: number): Buffer => Buffer.alloc(bytes, `${random().toString(36)} mirror offset `);

/** By how often they come; the rest is short text. */
const VALUES: readonly (readonly [number, (random: Random) => Buffer | null])[] = [
  [0.12, () => null],
  [0.05, () => Buffer.alloc(0)],
  [0.15, (random) => noise(random, between(random, 1, 200))],
  [0.04, (random) => words(random, between(random, 2_000, 20_000))],
  [0.01, (random) => noise(random, between(random, 2_000, 20_000))],
  [0.002, (random) => words(random, between(random, 100_000, 400_000))],
];

const value = (random: Random): Buffer | null => {
  let left = random();
  for (const [share, make] of VALUES) {
    left -= share;
    if (left < 0) return make(random);
  }
  return words(random, between(random, 1, 120));
};

const time = (random: Random, { wildTimes, time }: RecordRules): number | undefined => {
  if (!wildTimes || time === undefined) return time;
  const jump = random();
  if (jump < 0.1) return between(random, 0, 1);
  if (jump < 0.2) return LONG_AGO + between(random, 0, HOUR);
  if (jump < 0.25) return FAR_AHEAD + between(random, 0, HOUR);
  return jump < 0.5 ? time + between(random, -HOUR, HOUR) : time;
};

const key = (random: Random, keyed: boolean): Buffer | null => {
  if (!keyed && chance(random, 0.3)) return null;
  // Some keys come once only, so that compaction leaves records of every age.
  return chance(random, keyed ? 0.05 : 0.3) ? noise(random, between(random, 1, 24)) : Buffer.from(pick(random, KEYS));
};

/** A record without a place to go. */
export const nastyRecord = (random: Random, rules: RecordRules): Omit<ScriptedRecord, 'topic' | 'partition'> => {
  const timestamp = time(random, rules);
  return {
    key: key(random, rules.keyed),
    value: value(random),
    headers: Array.from({ length: chance(random, 0.6) ? 0 : between(random, 1, 4) }, () => ({
      key: pick(random, HEADER_NAMES),
      value: chance(random, 0.3) ? null : noise(random, between(random, 0, 12)),
    })),
    ...(timestamp !== undefined && { timestamp }),
  };
};
