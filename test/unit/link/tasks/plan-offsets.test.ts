/** Whether a position is carried over, by example. */
import { describe, expect, it } from 'vitest';
import { type CarriedOver, type OffsetFacts, planOffset } from '../../../../src/link/tasks/plan-offsets.ts';

const at = (offset: number, metadata = ''): { readonly offset: bigint; readonly metadata: string } => ({
  offset: BigInt(offset),
  metadata,
});
/** A commit that names no leader epoch, as ours do; `by` a consumer, it does. */
const there = (offset: number, { by = 'us', metadata = '' }: { by?: 'us' | 'consumer'; metadata?: string } = {}) => ({
  ...at(offset, metadata),
  leaderEpoch: by === 'us' ? -1 : 4,
});
const carried = (sourceOffset: number, ours: number | null, metadata = ''): CarriedOver => ({
  sourceOffset: BigInt(sourceOffset),
  ours: ours === null ? null : at(ours, metadata),
  writtenAt: 1_000,
});

const plan = (facts: Partial<OffsetFacts>) =>
  planOffset({
    source: at(50),
    destination: null,
    last: null,
    range: { start: 0n, end: 100n },
    isUntouched: true,
    now: 2_000,
    refreshMs: 10_000,
    ...facts,
  });
const write = (offset: number, { why = 'moved', isWaiting = false, metadata = '' } = {}) => ({
  action: 'write',
  why,
  isWaiting,
  position: at(offset, metadata),
});

describe('where nothing is committed', () => {
  it('the position of the source is', () => {
    expect(plan({})).toEqual(write(50, { why: 'new' }));
  });

  it('with what the client keeps beside it', () => {
    expect(plan({ source: at(50, 'kept') })).toEqual(write(50, { why: 'new', metadata: 'kept' }));
  });

  it('not beyond the end of the mirror, and the rest follows with the data', () => {
    expect(plan({ source: at(150) })).toEqual(write(100, { why: 'new', isWaiting: true }));
    expect(plan({ source: at(100) })).toEqual(write(100, { why: 'new' }));
    expect(plan({ source: at(5), range: { start: 0n, end: 0n } })).toEqual(write(0, { why: 'new', isWaiting: true }));
  });

  it('not before its start', () => {
    expect(plan({ source: at(5), range: { start: 20n, end: 100n } })).toEqual(write(20, { why: 'new' }));
  });

  it('nor while nobody knows how far the mirror is', () => {
    expect(plan({ range: null })).toEqual({ action: 'keep', why: 'unknown', isWaiting: true });
  });

  it('although it was there before: it has expired, or was deleted', () => {
    expect(plan({ last: carried(50, 50) })).toEqual(write(50, { why: 'new' }));
  });
});

describe('what is equal', () => {
  it('is not written again', () => {
    expect(plan({ destination: there(50), last: carried(50, 50) })).toEqual({
      action: 'keep',
      why: 'same',
      isOurs: true,
      isWaiting: false,
    });
    expect(plan({ destination: there(100), source: at(150), last: carried(150, 100) })).toMatchObject({ action: 'keep', isWaiting: true });
  });

  it('until it is old', () => {
    expect(plan({ destination: there(50), last: carried(50, 50), now: 10_999 })).toMatchObject({ action: 'keep' });
    expect(plan({ destination: there(50), last: carried(50, 50), now: 11_000 })).toEqual(write(50, { why: 'refresh' }));
  });

  it("is not refreshed when it is a consumer's own", () => {
    const facts = { destination: there(50, { by: 'consumer' }), last: carried(50, 50), now: 99_000 };
    expect(plan(facts)).toEqual({ action: 'keep', why: 'same', isOurs: false, isWaiting: false });
  });

  it('has equal metadata too', () => {
    expect(plan({ destination: there(50), source: at(50, 'new'), last: carried(50, 50) })).toEqual(write(50, { metadata: 'new' }));
  });
});

describe('what was ours', () => {
  it('follows the source forwards and backwards', () => {
    expect(plan({ destination: there(40), last: carried(40, 40) })).toEqual(write(50));
    expect(plan({ destination: there(90), last: carried(90, 90) })).toEqual(write(50));
  });

  it('follows the data', () => {
    expect(plan({ source: at(150), destination: there(80), last: carried(150, 80) })).toEqual(write(100, { isWaiting: true }));
  });

  it('is known without a memory in a group that nobody ever joined', () => {
    expect(plan({ destination: there(90) })).toEqual(write(50));
    expect(plan({ destination: there(90), isUntouched: false })).toMatchObject({ action: 'keep', why: 'theirs' });
    expect(plan({ destination: there(90, { by: 'consumer' }) })).toMatchObject({ action: 'keep', why: 'theirs' });
  });
});

describe("somebody else's commit", () => {
  it('is passed forwards by a source that has moved', () => {
    expect(plan({ destination: there(45, { by: 'consumer' }), last: carried(40, 40) })).toEqual(write(50));
    expect(plan({ destination: there(45, { by: 'consumer' }), last: null })).toEqual(write(50));
  });

  it('is never taken back', () => {
    expect(plan({ destination: there(60), last: carried(40, 40) })).toEqual({ action: 'keep', why: 'theirs', isWaiting: false });
    expect(plan({ destination: there(60, { by: 'consumer' }), last: null })).toMatchObject({ action: 'keep', why: 'theirs' });
    expect(plan({ destination: there(60), last: carried(40, null) })).toMatchObject({ action: 'keep', why: 'theirs' });
  });

  it('stays when the source has not moved since, even where it went back', () => {
    expect(plan({ destination: there(45), last: carried(50, 50) })).toMatchObject({ action: 'keep', why: 'theirs' });
  });
});
