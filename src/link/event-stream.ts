/** A link's events as an async iterable, with a bounded memory of what its reader has not taken yet. */
import type { EventEmitter } from 'node:events';
import { type LinkEvent, type LinkEvents, linkChannels } from './events.ts';

const EVENTS_KEPT = 1_024;
const TYPES = Object.keys(linkChannels) as LinkEvent['type'][];

/** Every event from the first `next` on, until `close` or until the signal is aborted. A slow reader loses `progress` events first, then the oldest others. */
export async function* streamEvents(
  emitter: EventEmitter<LinkEvents>,
  isOver: () => boolean,
  signal: AbortSignal | undefined,
): AsyncGenerator<LinkEvent, void, undefined> {
  if (isOver()) return;
  const kept: LinkEvent[] = [];
  let wake = (): void => {};
  const take = (event: LinkEvent): void => {
    if (kept.length >= EVENTS_KEPT) {
      const leastMissed = kept.findIndex(({ type }) => type === 'progress');
      kept.splice(Math.max(0, leastMissed), 1);
    }
    kept.push(event);
    wake();
  };
  const aborted = (): void => wake();
  for (const type of TYPES) emitter.on(type, take);
  signal?.addEventListener('abort', aborted, { once: true });
  try {
    while (signal?.aborted !== true) {
      const event = kept.shift();
      if (event !== undefined) {
        yield event;
        if (event.type === 'close') return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    for (const type of TYPES) emitter.off(type, take);
    signal?.removeEventListener('abort', aborted);
  }
}
