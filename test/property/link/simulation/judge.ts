/** What is right and what is wrong with a mirror's log, told from the two logs alone. */
import type { FillPolicy } from '../../../../src/link/replication/fill-policy.ts';
import type { DestinationEntry, DestinationLog } from './destination-log.ts';
import { CODEC_BITS, CONTROL, EMPTY_BODY, factsOf, LOG_APPEND_TIME, TRANSACTIONAL } from './record-reader.ts';
import type { SourceLog } from './source-log.ts';

/**
 * What is wrong with what a consumer is shown at an offset, or null. Right is what a reader of committed records finds at the source, or has found
 * there: what the source has lost since may still be at the mirror, what it has must be.
 */
const wrongAt = (offset: number, shown: string | undefined, source: SourceLog, fillPolicy: FillPolicy): string | null => {
  const wanted = source.shownAt(offset);
  if (shown === undefined) return wanted === undefined ? null : `nothing is to be seen at ${offset}, the source has ${wanted}`;
  if (shown === source.ever.get(offset)) return null;
  // Fillers that are to be seen: that is what the policy says. Below the source's log start they are padding, and about to be deleted.
  const isFiller = shown.endsWith(` ${EMPTY_BODY}`);
  if (isFiller && wanted === undefined && (fillPolicy === 'records' || offset < source.start)) return null;
  return `${shown} is to be seen at ${offset}, where the source ${wanted === undefined ? 'has nothing' : `has ${wanted}`}`;
};

/** What is wrong with something that was just appended, or null. */
export const wrongAppend = ({ base, next, shown, bytes }: DestinationEntry, source: SourceLog, fillPolicy: FillPolicy): string | null => {
  if (next > source.lastStableOffset) return `the mirror reaches ${next}, the source is stable up to ${source.lastStableOffset}`;
  for (let offset = Math.max(base, source.start); offset < next; offset++) {
    const wrong = wrongAt(offset, shown.get(offset), source, fillPolicy);
    if (wrong !== null) return wrong;
  }
  // Fillers are nobody's copy.
  const isCopy = shown.size === next - base && [...shown].every(([offset, text]) => text === source.ever.get(offset));
  return isCopy && base >= source.start ? wrongBytes(bytes, source) : null;
};

/** Bits that a copy need not have: it goes as if it had never been in a transaction. */
const COPIED_BITS = ~TRANSACTIONAL;

/** A batch that could go as it was must be the same in every byte but the few that a link has to change. Positions as KIP-98 has them. */
const wrongBytes = (copy: Buffer, source: SourceLog): string | null => {
  const { base, next, attributes, count } = factsOf(copy);
  const originals = (source.versions.get(base) ?? []).filter((version) => {
    if (version.readInt8(16) !== 2) return false;
    const facts = factsOf(version);
    return facts.next === next && facts.count === count && count === next - base && (facts.attributes & (CONTROL | LOG_APPEND_TIME)) === 0;
  });
  if (originals.length === 0 || originals.some((original) => isCopyOf(original, copy))) return null;
  return `the batch at ${base} (attributes ${attributes & ~CODEC_BITS}) is not byte for byte what the source had there`;
};

const isCopyOf = (source: Buffer, copy: Buffer): boolean =>
  source.length === copy.length &&
  ((source.readInt16BE(21) ^ copy.readInt16BE(21)) & COPIED_BITS) === 0 &&
  source.compare(copy, 23, 43, 23, 43) === 0 &&
  source.compare(copy, 57, copy.length, 57, source.length) === 0;

/** The first thing that is wrong between a mirror's start and its end, or null. */
export const wrongLog = (mirror: DestinationLog, source: SourceLog, fillPolicy: FillPolicy): string | null => {
  for (let offset = mirror.start; offset < mirror.end; offset++) {
    // Somebody else's record in place of a filler: where a request for fillers was half refused, no count and no batch of the link tells of it.
    if (mirror.entryAt(offset)?.kind === 'foreign' && source.shownAt(offset) === undefined) continue;
    const wrong = wrongAt(offset, mirror.shownAt(offset), source, fillPolicy);
    if (wrong !== null) return wrong;
  }
  const { lastStableOffset } = source;
  return mirror.end <= lastStableOffset ? null : `the mirror reaches ${mirror.end}, the source is stable up to ${lastStableOffset}`;
};
