/** Waiting for something that changes: hundreds may do so on one signal, and Node must not warn on the console about them. */
import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { Change } from '../../../src/link/change.ts';
import { ManualClock } from '../../support/manual-clock.ts';

it('has one listener on a signal, however many wait, and none when they are done', async () => {
  const change = new Change(new ManualClock());
  const { signal } = new AbortController();
  let isDone = false;
  const waiting = Array.from({ length: 50 }, () =>
    change.until(
      () => isDone,
      Number.POSITIVE_INFINITY,
      signal,
      () => 'it is not done',
    ),
  );
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  isDone = true;
  change.happened();
  await Promise.all(waiting);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
