/** A change of a mirror whose record may or may not have been stored did not happen: the next process must not find that it did. */
import { createLink, type LinkStore, MemoryLinkStore } from 'kafka-link';
import { startCluster, type TestCluster } from 'kafka-link/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';

let source: TestCluster;
let destination: TestCluster;
beforeEach(async () => {
  source = await startCluster({ topics: { orders: {} } });
  destination = await startCluster();
});
afterEach(() => Promise.all([source.stop(), destination.stop()]));

/** Stores a state like this, and never says so; then refuses so many records. */
const silentAbout = (state: string, refusals: number): LinkStore => {
  const store = new MemoryLinkStore();
  const save = store.saveMirror.bind(store);
  let left = 0;
  store.saveMirror = async (mirror, signal?: AbortSignal) => {
    if (left-- > 0) throw new Error('not now');
    await save(mirror);
    if (mirror.state !== state) return;
    left = refusals;
    await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true }));
  };
  return store;
};

it.each([
  ['promote', 'PENDING_STOPPED', 0],
  ['pause', 'PAUSED', 0],
  ['pause', 'PAUSED', 3],
] as const)('a %s that was given up (%s), with a store that refuses %i records then', async (verb, state, refusals) => {
  const store = silentAbout(state, refusals);
  const options = { name: 'dr', source: { bootstrap: source.bootstrap }, destination: { bootstrap: destination.bootstrap }, store };
  await using link = await createLink({ ...options, topics: ['orders'], settings: { availabilityCheckMs: 100 } });
  // The last thing that is stored by itself.
  await expect.poll(() => store.mirror('orders')?.hasCaughtUp, { timeout: 10_000 }).toBe(true);
  expect(await link[verb](['orders'], { timeoutMs: 50 })).toMatchObject([{ state: 'ACTIVE', error: { code: 'KLINK_TIMEOUT' } }]);
  await expect.poll(() => store.mirror('orders')?.state ?? 'ACTIVE').toBe('ACTIVE');
  expect(store.mirror('orders')?.history ?? []).toEqual(link.mirror('orders').history);
});
