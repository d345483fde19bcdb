/** The budget between fetch and acknowledgement: what was taken is given back exactly once, by the last who holds it, and its memory too unless somebody spoilt it. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ByteWindow, type FrameLease } from '../../../src/link/replication/byte-window.ts';

const step = fc.oneof(
  fc.record({ kind: fc.constant('take' as const), bytes: fc.nat(1_000) }),
  fc.record({ kind: fc.constantFrom('hold' as const, 'drop' as const, 'drop' as const, 'spoil' as const), which: fc.nat() }),
  fc.record({ kind: fc.constant('resize' as const), limit: fc.nat(2_000) }),
);

it('counts a frame until its last holder has dropped it, and tells when there is room', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let told = 0;
      let expectedTold = 0;
      let limit = 1_000;
      const window = new ByteWindow(limit, () => told++);
      const frames: { readonly lease: FrameLease; readonly bytes: number; holders: number; isSpoilt: boolean; readonly freed: number }[] =
        [];
      for (const action of steps) {
        if (action.kind === 'take') {
          const frame = {
            bytes: action.bytes,
            holders: 1,
            isSpoilt: false,
            freed: 0,
            lease: window.take(action.bytes, () => frame.freed++),
          };
          frames.push(frame);
        } else if (action.kind === 'resize') {
          limit = action.limit;
          window.resize(limit);
          expectedTold++;
        } else {
          const held = frames.filter(({ holders }) => holders > 0);
          const frame = held[action.which % Math.max(1, held.length)];
          if (frame === undefined) continue;
          if (action.kind === 'hold') frame.lease.hold();
          else if (action.kind === 'drop') frame.lease.drop();
          else frame.lease.spoil();
          frame.isSpoilt ||= action.kind === 'spoil';
          if (action.kind !== 'spoil') frame.holders += action.kind === 'hold' ? 1 : -1;
          if (frame.holders === 0) expectedTold++;
        }
        const taken = frames.reduce((sum, { bytes, holders }) => sum + (holders > 0 ? bytes : 0), 0);
        expect(window.taken).toBe(taken);
        expect(window.available).toBe(limit - taken);
        expect(told).toBe(expectedTold);
        for (const { holders, isSpoilt, freed } of frames) expect(freed).toBe(holders === 0 && !isSpoilt ? 1 : 0);
      }
    }),
  );
});
