/** The state of a mirror topic for every combination of what is known of it. */
import { expect, it } from 'vitest';
import { mirrorStateOf } from '../../../src/link/mirror-state.ts';

it.each([
  [false, true, false, 'PENDING_MIRROR'],
  [true, true, false, 'ACTIVE'],
  [false, false, false, 'SOURCE_UNAVAILABLE'],
  [true, false, false, 'SOURCE_UNAVAILABLE'],
  [false, true, true, 'FAILED'],
  [true, true, true, 'FAILED'],
  [false, false, true, 'FAILED'],
  [true, false, true, 'FAILED'],
] as const)('set up %s, source available %s, failed %s: %s', (setUp, sourceAvailable, failed, state) => {
  expect(mirrorStateOf({ setUp, sourceAvailable, failed })).toBe(state);
});
