/** What a stop reports when the process that ends it has heard less of the source than the one that was asked for it. */
import { expect, it } from 'vitest';
import type { MirrorTopic } from '../../../src/link/mirror-topic.ts';
import { STOP_STEPS, type StopContext } from '../../../src/link/operations/stop-steps.ts';
import type { StoredStop } from '../../../src/link/store/link-store.ts';

const finish = STOP_STEPS.FAILOVER.at(-1)!;

it.each([
  { what: 'it never heard of the source', heard: [0, 0], told: [9, 5], lags: [4, 0] },
  { what: 'it has heard more', heard: [12, 5], told: [9, 5], lags: [7, 0] },
  { what: 'nobody ever has', heard: [0, 0], told: undefined, lags: [0, 0] },
])('the lag is the last known one: $what', async ({ heard, told, lags }) => {
  const saved: [StoredStop, boolean][] = [];
  const stop: StoredStop = { by: 'FAILOVER', at: 1, ...(told !== undefined && { sourceEnds: told }) };
  const mirror = { topic: 't', stored: { stop }, partitions: heard.map((sourceEnd) => ({ sourceEnd })) } as unknown as MirrorTopic;
  const context: Partial<StopContext> = {
    mirrorEnds: async () => [5, 5],
    save: async (_, how, isOver) => void saved.push([how, isOver]),
  };
  await finish.take(context as StopContext, mirror, new AbortController().signal);
  expect(saved).toEqual([[{ ...stop, offsets: [5, 5], lags }, true]]);
});
