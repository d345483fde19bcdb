/** Events of a link: a reader misses nothing it was there for, and a listener's defect stays outside the engine. */
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLink } from '../../../src/link/create-link.ts';
import { streamEvents } from '../../../src/link/event-stream.ts';
import type { LinkEvent, LinkEvents } from '../../../src/link/events.ts';
import type { ClusterLink } from '../../../src/link/link.ts';
import { MemoryLinkStore } from '../../../src/link/store/link-store.ts';
import { startCluster, type TestCluster } from '../../../src/testing/index.ts';

const close: LinkEvent = { type: 'close', error: null };
const progress = (offset: number): LinkEvent => ({
  type: 'progress',
  topic: 't',
  partition: 0,
  nextOffset: BigInt(offset),
  sourceEnd: 0n,
  lag: 0n,
  bytes: 0n,
});
const mirror = (to: 'ACTIVE' | 'FAILED'): LinkEvent => ({ type: 'mirror', topic: 't', from: 'PENDING_MIRROR', to, error: null });

class Emitter extends EventEmitter<LinkEvents> {
  isOver = false;

  tell(...events: readonly LinkEvent[]): void {
    for (const event of events) (this as EventEmitter).emit(event.type, event);
  }

  stream(signal?: AbortSignal): AsyncGenerator<LinkEvent, void, undefined> {
    return streamEvents(this, () => this.isOver, signal);
  }
}

const listeners = (emitter: EventEmitter): number => emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0);

describe('a stream of events', () => {
  it('gives what came between two reads, in order, and ends after close', async () => {
    const emitter = new Emitter();
    const stream = emitter.stream();
    const first = stream.next();
    const told = [mirror('ACTIVE'), progress(1), close];
    emitter.tell(...told);
    expect((await first).value).toEqual(told[0]);
    const rest: LinkEvent[] = [];
    for await (const event of stream) rest.push(event);
    expect(rest).toEqual(told.slice(1));
    expect(listeners(emitter)).toBe(0);
  });

  it('ends at once when the link is closed already', async () => {
    const emitter = new Emitter();
    emitter.isOver = true;
    expect(await emitter.stream().next()).toEqual({ done: true, value: undefined });
  });

  it('ends when its signal is aborted, while it waits and before it began', async () => {
    const emitter = new Emitter();
    const controller = new AbortController();
    const waiting = emitter.stream(controller.signal).next();
    controller.abort();
    expect((await waiting).done).toBe(true);
    expect((await emitter.stream(controller.signal).next()).done).toBe(true);
    expect(listeners(emitter)).toBe(0);
  });

  it('leaves nothing behind when its reader goes away', async () => {
    const emitter = new Emitter();
    const stream = emitter.stream();
    const first = stream.next();
    emitter.tell(progress(1));
    await first;
    await stream.return();
    expect(listeners(emitter)).toBe(0);
  });

  it('forgets progress first when its reader is slow, and never grows without bound', async () => {
    const emitter = new Emitter();
    const stream = emitter.stream();
    const first = stream.next();
    emitter.tell(mirror('ACTIVE'));
    await first;
    emitter.tell(mirror('FAILED'));
    for (let offset = 0; offset < 5_000; offset++) emitter.tell(progress(offset));
    emitter.tell(close);
    const kept: LinkEvent[] = [];
    for await (const event of stream) kept.push(event);
    expect(kept.length).toBeLessThanOrEqual(1_024);
    expect(kept[0]).toEqual(mirror('FAILED'));
    expect(kept.at(-2)).toEqual(progress(4_999));
    expect(kept.at(-1)).toEqual(close);
  });
});

describe('a link', () => {
  let source: TestCluster;
  let destination: TestCluster;

  beforeEach(async () => {
    [source, destination] = await Promise.all([startCluster({ topics: { orders: { partitions: 2 } } }), startCluster()]);
    for (const partition of [0, 1]) await source.log('orders', partition).append([{ value: 'a' }, { value: 'b' }]);
  });
  afterEach(async () => {
    await Promise.all([source.stop(), destination.stop()]);
  });

  const start = (store = new MemoryLinkStore()): Promise<ClusterLink> =>
    createLink({
      name: 'west',
      source: { bootstrap: source.bootstrap },
      destination: { bootstrap: destination.bootstrap },
      topics: ['orders'],
      store,
      settings: { progressIntervalMs: 10 },
    });

  it('goes on when a listener throws; the program hears of it as an uncaught exception', async () => {
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const heard: unknown[] = [];
    process.on('uncaughtException', (error) => heard.push(error));
    try {
      await using link = await start();
      for (const type of ['mirror', 'partition', 'progress', 'warning', 'close'] as const)
        link.on(type, () => {
          throw new Error(`listener of ${type}`);
        });
      await link.caughtUp({ timeoutMs: 5_000 });
      await source.log('orders', 1).append([{ value: 'c' }]);
      await link.caughtUp({ timeoutMs: 5_000 });
      expect(link.status().mirrors[0]).toMatchObject({ state: 'ACTIVE', lag: 0n, error: null });
      await link.close();
      expect(destination.log('orders', 1).endOffset).toBe(3n);
      await new Promise((resolve) => setImmediate(resolve));
      expect(heard).toContainEqual(new Error('listener of mirror'));
      expect(heard).toContainEqual(new Error('listener of close'));
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of others) process.on('uncaughtException', listener);
    }
  });

  it('keeps the last twenty errors on the way to another state', async () => {
    const store = new MemoryLinkStore();
    await using link = await start(store);
    await link.caughtUp({ timeoutMs: 5_000 });
    source.stall(1);
    for (let i = 0; i < 22; i++) {
      await link.promote(['orders'], { timeoutMs: 5 });
      await expect.poll(() => link.mirror('orders').state, { interval: 1 }).toBe('ACTIVE');
    }
    source.resume(1);
    const { transitionErrors } = link.mirror('orders');
    expect(transitionErrors).toHaveLength(20);
    expect(new Set(transitionErrors.map(({ verb, linkErrorCode }) => `${verb} ${linkErrorCode}`))).toEqual(
      new Set(['PROMOTE KLINK_TIMEOUT']),
    );
    await expect.poll(() => store.mirror('orders')?.transitionErrors).toEqual(transitionErrors);
  });

  it('closes in time although the destination does not answer', async () => {
    const link = await start();
    await link.caughtUp({ timeoutMs: 5_000 });
    destination.stall(1);
    await source.log('orders').append([{ value: 'c' }]);
    const looking = performance.now();
    await link.close({ timeoutMs: 100 });
    expect(performance.now() - looking).toBeLessThan(2_000);
    destination.resume(1);
  });

  it('waits no longer than it is told, and says so in its own words', async () => {
    await using link = await start();
    await link.caughtUp({ timeoutMs: 5_000 });
    source.stall(1);
    await expect(link.caughtUp({ timeoutMs: 50 })).rejects.toMatchObject({ code: 'KLINK_TIMEOUT' });
    await expect(link.caughtUp({ signal: AbortSignal.timeout(50) })).rejects.toMatchObject({ code: 'KLINK_ABORTED' });
    source.resume(1);
  });
});
