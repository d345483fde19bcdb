/** The floor: fetches from the source broker with requests that were made before, moves every byte of the answers to another socket, and does nothing else. */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { processOptions, tell } from './arguments.ts';

/** What the parent passes. */
export interface RelayProcessOptions {
  /** The source broker. */
  readonly from: { readonly host: string; readonly port: number };
  /** A server on this machine that takes bytes. */
  readonly to: number;
  /** File of Fetch requests, length prefixes included, to be sent one after another. */
  readonly requests: string;
}

const LENGTH_BYTES = 4;
/** Node's own size of a read. Larger ones were tried: 256 KiB and 1 MiB cost about the same. */
const READ_BYTES = 64 * 1024;
const BUFFERS = 64;

const { from, to, requests } = processOptions<RelayProcessOptions>();
const asked = readFileSync(requests);
// Buffers are used again when their write is done: a relay that allocates would not be the floor.
const free = Array.from({ length: BUFFERS }, () => Buffer.alloc(READ_BYTES));
const sink = connect({ port: to, host: '127.0.0.1', noDelay: true });
let [startedAt, startedCpu] = [0, process.cpuUsage()];
let room = free.pop()!;
let next = 0;
let isAnswered = true;
/** Of the answer that is coming; the bytes of its length come first. */
let left = 0;
let length = 0;
let lengthBytes = 0;
let read = 0;
let written = 0;

const ask = (): void => {
  isAnswered = next === asked.length;
  if (isAnswered) return;
  const end = next + LENGTH_BYTES + asked.readInt32BE(next);
  source.write(asked.subarray(next, end));
  next = end;
};

/** Follows the answers only as far as it takes to know where one ends. */
const follow = (bytes: Buffer): void => {
  for (let at = 0; at < bytes.length; ) {
    if (left === 0) {
      length = (length << 8) | bytes[at++]!;
      if (++lengthBytes === LENGTH_BYTES) [left, length, lengthBytes] = [length, 0, 0];
      continue;
    }
    const part = Math.min(left, bytes.length - at);
    at += part;
    left -= part;
    if (left === 0) ask();
  }
};

const source: Socket = connect({
  ...from,
  noDelay: true,
  onread: {
    buffer: () => {
      room = free.pop()!;
      return room;
    },
    callback: (size) => {
      const used = room;
      const bytes = used.subarray(0, size);
      if (read === 0) [startedAt, startedCpu] = [performance.now(), process.cpuUsage()];
      read += size;
      follow(bytes);
      sink.write(bytes, () => {
        free.push(used);
        written += size;
        if (isAnswered && written === read) finish();
        else if (source.isPaused()) source.resume();
      });
      if (free.length < 2) source.pause();
      return true;
    },
  },
});
source.once('connect', ask);

const finish = (): void => {
  const { user, system } = process.cpuUsage(startedCpu);
  tell({ bytes: read, seconds: (performance.now() - startedAt) / 1000, cpuSeconds: (user + system) / 1e6 });
  process.exit();
};
