/** A link in a process of its own, with default settings unless told otherwise; can keep the Produce requests it sends, for the replay. */
import { openSync, writeSync } from 'node:fs';
import { openTcp } from '../../src/client/transport.ts';
import { createLink, type LinkConfigOptions, MemoryLinkStore, type OpenTransport } from '../../src/index.ts';
import { dismissed, processOptions, tell } from './arguments.ts';

/** What the parent passes. */
export interface LinkProcessOptions {
  readonly name: string;
  readonly source: readonly string[];
  readonly destination: readonly string[];
  readonly topic: string;
  readonly settings?: LinkConfigOptions;
  /** Directory for one file per produce connection, with the bytes that were written to it. */
  readonly capture?: string;
}

const PRODUCE_KEY = 0;
const API_KEY_AT = 4;

/** Counts connections that produce, and keeps what is written to them. */
const capturing = (directory: string): OpenTransport => {
  let count = 0;
  return async (endpoint, events, limits) => {
    const transport = await openTcp(endpoint, events, limits);
    let file: number | undefined;
    return {
      write: (chunks) => {
        if (chunks[0]!.readInt16BE(API_KEY_AT) === PRODUCE_KEY) {
          file ??= openSync(`${directory}/connection-${count++}`, 'w');
          for (const chunk of chunks) writeSync(file, chunk);
        }
        transport.write(chunks);
      },
      destroy: () => transport.destroy(),
    };
  };
};

const { name, source, destination, topic, settings = {}, capture } = processOptions<LinkProcessOptions>();
await using link = await createLink({
  name,
  source: { bootstrap: source },
  destination: { bootstrap: destination },
  topics: [topic],
  settings,
  // The store in a topic would produce too.
  ...(capture !== undefined && { openTransport: capturing(capture), store: new MemoryLinkStore() }),
});
await link.caughtUp();
tell({ done: true });
await dismissed();
