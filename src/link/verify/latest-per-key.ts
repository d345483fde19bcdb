/** What must be equal when both sides are compacted, each by its own cleaner at its own time: the last record of every key. */
import { decodeRecordBody } from '../../codec/record.ts';
import type { Side } from './comparison-rules.ts';
import type { DifferenceList } from './difference.ts';
import { recordText } from './difference-text.ts';
import { hashKey, type KeyState, KeyTable, type LastRecord } from './key-table.ts';
import type { LogReader } from './log-reader.ts';
import { LogWalk } from './log-walk.ts';
import type { VisibleRecord } from './visible-records.ts';

export interface LatestPerKeyLogs {
  readonly source: LogReader;
  readonly destination: LogReader;
  /** Both logs were gone through up to here. */
  readonly to: number;
  readonly excerptBytes: number;
}

/** The side whose last record of a key the other one lacks; null when a reader of either ends with the same. */
const aheadOf = ({ source, destination }: KeyState): Side | null => {
  // A deleted key is one that is not there: cleaners drop tombstones after `delete.retention.ms`.
  if (isGone(source) && isGone(destination)) return null;
  const distance = (source?.offset ?? -1) - (destination?.offset ?? -1);
  return distance === 0 ? null : distance > 0 ? 'source' : 'destination';
};

/** The last record of a key, which the other side does not have. */
interface Unmatched {
  readonly ahead: Side;
  readonly offset: number;
}

const isGone = (last: LastRecord | null): boolean => last === null || last.isTombstone;

const other = (side: Side): Side => (side === 'source' ? 'destination' : 'source');

export class LatestPerKey {
  readonly #keys: KeyTable;

  /** Throws `KLINK_CONFIG` from its methods when there are more keys than `maxKeys`. */
  constructor(maxKeys: number) {
    this.#keys = new KeyTable(maxKeys);
  }

  /** Both sides have this record. */
  both(record: VisibleRecord): void {
    this.alone('source', record);
    this.alone('destination', record);
  }

  /** One side has this record. Cleaners drop records without a key, so those say nothing. */
  alone(side: Side, { offset, body }: VisibleRecord): void {
    const { key, value } = decodeRecordBody(body);
    if (key !== null) this.#keys.set(hashKey(key), side, { offset, isTombstone: value === null });
  }

  /**
   * When both logs were gone through: adds the keys that end differently. What one side lacks, a later record beyond the common end may have made
   * superfluous there, so those are looked at too.
   */
  async finish(logs: LatestPerKeyLogs, differences: DifferenceList, signal: AbortSignal): Promise<void> {
    const sides = new Set<Side>();
    const open = this.#keys.mark((state) => {
      const ahead = aheadOf(state);
      if (ahead !== null) sides.add(other(ahead));
      return ahead !== null;
    });
    if (open === 0) return;
    for (const lacking of sides) await this.#excuse(lacking, logs, signal);
    for (const { ahead, offset } of this.#first(differences.room)) {
      differences.settle();
      if (differences.fullAt !== null) return;
      const text = await describe(logs, ahead, offset, signal);
      const isMissing = ahead === 'source';
      differences.add({
        kind: isMissing ? 'missing' : 'extra',
        offset,
        tell: () => ({
          source: isMissing ? text : null,
          destination: isMissing ? null : text,
          detail: `the last record of its key; the ${isMissing ? 'mirror' : 'source'} has no later one`,
        }),
      });
    }
  }

  /** The marked keys with the lowest offsets: all of them might be too many to hold. */
  #first(count: number): readonly Unmatched[] {
    const lowest: Unmatched[] = [];
    for (const state of this.#keys.marked()) {
      const ahead = aheadOf(state);
      const last = ahead === null ? null : state[ahead];
      if (ahead === null || last === null || (lowest.length === count && last.offset > lowest[count - 1]!.offset)) continue;
      const at = lowest.findIndex(({ offset }) => offset > last.offset);
      lowest.splice(at < 0 ? lowest.length : at, 0, { ahead, offset: last.offset });
      lowest.length = Math.min(lowest.length, count);
    }
    return lowest;
  }

  /** Later records of keys on the side that lacks one: its cleaner was right to drop it. */
  async #excuse(lacking: Side, logs: LatestPerKeyLogs, signal: AbortSignal): Promise<void> {
    const { end } = await logs[lacking].range(signal);
    if (end <= logs.to) return;
    for await (const entry of new LogWalk(logs[lacking], logs.to, end).entries(signal)) {
      if (entry.kind !== 'data' || !entry.isIntact) continue;
      await entry.open();
      for (const { body } of entry.takeBefore(entry.next)) {
        const { key } = decodeRecordBody(body);
        if (key !== null) this.#keys.unmark(hashKey(key), (state) => aheadOf(state) === other(lacking));
      }
    }
  }
}

/** The record at an offset that was read before; null when it is gone meanwhile. */
const describe = async (logs: LatestPerKeyLogs, side: Side, offset: number, signal: AbortSignal): Promise<string | null> => {
  for await (const entry of new LogWalk(logs[side], offset, offset + 1).entries(signal)) {
    await entry.open();
    const [record] = entry.takeBefore(offset + 1);
    if (record !== undefined) return recordText(record, logs.excerptBytes);
  }
  return null;
};
