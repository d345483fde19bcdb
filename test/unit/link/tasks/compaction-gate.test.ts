/** A mirror is compacted when nothing can come any more that a compacted topic would refuse. */
import { describe, expect, it } from 'vitest';
import { CompactionGate } from '../../../../src/link/tasks/compaction-gate.ts';

const gateFor = (state: { ends: number[]; copied: number[]; hasItsStart?: boolean }) => {
  const asked: string[] = [];
  const gate = new CompactionGate({
    sourceEnd: async (topic, partition) => {
      asked.push(`${topic}-${partition}`);
      return state.ends[partition]!;
    },
    copiedUpTo: () => state.copied,
    hasItsStart: () => state.hasItsStart ?? true,
  });
  return { asked, allows: () => gate.allows('mirror', 'source'), forget: () => gate.forget('mirror') };
};

describe('a mirror may be compacted', () => {
  it('at the second look at the earliest: the source is not asked for its ends before', async () => {
    const gate = gateFor({ ends: [5, 7], copied: [5, 7] });
    expect(await gate.allows()).toBe(false);
    expect(gate.asked).toEqual([]);
    expect(await gate.allows()).toBe(true);
    expect(gate.asked).toEqual(['source-0', 'source-1']);
  });

  it('when everything is copied that the source had at that look, whatever has come since', async () => {
    const state = { ends: [5, 7], copied: [5, 6] };
    const gate = gateFor(state);
    await gate.allows();
    expect(await gate.allows()).toBe(false);
    state.ends = [50, 70];
    state.copied = [5, 7];
    expect(await gate.allows()).toBe(true);
    expect(gate.asked).toHaveLength(2);
  });

  it('when its log starts where it belongs: a compacted topic lets nobody delete records', async () => {
    const state = { ends: [5], copied: [5], hasItsStart: false };
    const gate = gateFor(state);
    await gate.allows();
    expect(await gate.allows()).toBe(false);
    state.hasItsStart = true;
    expect(await gate.allows()).toBe(true);
  });

  it('not by what was known before its source was not compacted for a while', async () => {
    const state = { ends: [5], copied: [5] };
    const gate = gateFor(state);
    await gate.allows();
    await gate.allows();
    gate.forget();
    state.ends = [9];
    expect(await gate.allows()).toBe(false);
    expect(await gate.allows()).toBe(false);
    state.copied = [9];
    expect(await gate.allows()).toBe(true);
  });
});
