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

/** Stores a state like this, and never says so. */
const silentAbout = (state: string): LinkStore => {
  const store = new MemoryLinkStore();
  const save = store.saveMirror.bind(store);
  store.saveMirror = async (mirror, signal?: AbortSignal) => {
    await save(mirror);
    if (mirror.state !== state) return;
    await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true }));
  };
  return store;
};

it.each([
  ['promote', 'PENDING_STOPPED'],
  ['pause', 'PAUSED'],
] as const)('a %s that was given up', async (verb, state) => {
  const store = silentAbout(state);
  const options = { name: 'dr', source: { bootstrap: source.bootstrap }, destination: { bootstrap: destination.bootstrap }, store };
  await using link = await createLink({ ...options, topics: ['orders'] });
  // The last thing that is stored by itself.
  await expect.poll(() => store.mirror('orders')?.hasCaughtUp, { timeout: 10_000 }).toBe(true);
  expect(await link[verb](['orders'], { timeoutMs: 50 })).toMatchObject([{ state: 'ACTIVE', error: { code: 'KLINK_TIMEOUT' } }]);
  await expect.poll(() => store.mirror('orders')?.state ?? 'ACTIVE').toBe('ACTIVE');
  expect(store.mirror('orders')?.history ?? []).toEqual(link.mirror('orders').history);
});
