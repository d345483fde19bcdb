/** The ceiling: Produce requests that a link has sent are sent again from memory, over as many connections with as many in flight. */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { dismissed, processOptions, tell } from './arguments.ts';

/** What the parent passes. */
export interface ReplayProcessOptions {
  readonly host: string;
  readonly port: number;
  /** What a link wrote, one file per connection. */
  readonly capture: string;
  readonly inFlight: number;
}

const LENGTH_BYTES = 4;
const READ_BYTES = 64 * 1024;

/** The frames of one connection, length prefixes included. One by one: together they may be more than one buffer holds. */
const framesOf = (file: string): Buffer[] => {
  const from = openSync(file, 'r');
  const frames: Buffer[] = [];
  const length = Buffer.alloc(LENGTH_BYTES);
  while (readSync(from, length) > 0) {
    const frame = Buffer.allocUnsafe(LENGTH_BYTES + length.readInt32BE());
    length.copy(frame);
    readSync(from, frame, { offset: LENGTH_BYTES });
    frames.push(frame);
  }
  closeSync(from);
  return frames;
};

/** Sends all frames, never more than `inFlight` unanswered. */
const replay = (frames: readonly Buffer[], { host, port, inFlight }: ReplayProcessOptions): Promise<void> =>
  new Promise((resolve, reject) => {
    let sent = 0;
    let answered = 0;
    const pump = (): void => {
      while (sent < frames.length && sent - answered < inFlight) socket.write(frames[sent++]!);
    };
    let held = Buffer.alloc(0);
    const took = (size: number, buffer: Uint8Array): boolean => {
      let bytes = Buffer.from(buffer.buffer, buffer.byteOffset, size);
      if (held.length > 0) bytes = Buffer.concat([held, bytes]);
      let at = 0;
      while (bytes.length - at >= LENGTH_BYTES && bytes.length - at >= LENGTH_BYTES + bytes.readInt32BE(at)) {
        at += LENGTH_BYTES + bytes.readInt32BE(at);
        answered++;
      }
      held = Buffer.from(bytes.subarray(at));
      pump();
      if (answered === frames.length) resolve();
      return true;
    };
    const socket = connect({ host, port, noDelay: true, onread: { buffer: Buffer.alloc(READ_BYTES), callback: took } });
    socket.once('connect', pump);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`the broker closed the connection after ${answered} of ${frames.length} answers`)));
  });

const options = processOptions<ReplayProcessOptions>();
const connections = readdirSync(options.capture).map((name) => framesOf(join(options.capture, name)));
tell({ requests: connections.reduce((sum, { length }) => sum + length, 0), connections: connections.length });
await Promise.all(connections.map((frames) => replay(frames, options)));
tell({ done: true });
await dismissed();
process.exit();
