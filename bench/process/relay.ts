/** The floor: moves bytes from one TCP socket to another and does nothing else; reports its own time and CPU. */
import { connect, type Socket } from 'node:net';
import { processOptions, tell } from './arguments.ts';

/** What the parent passes. */
export interface RelayProcessOptions {
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
}

/** Node's own size of a read. Larger ones were tried: 256 KiB and 1 MiB cost about the same. */
const READ_BYTES = 64 * 1024;
const BUFFERS = 64;

const { from, to, bytes } = processOptions<RelayProcessOptions>();
// Buffers are used again when their write is done: a relay that allocates would not be the floor.
const free = Array.from({ length: BUFFERS }, () => Buffer.alloc(READ_BYTES));
const sink = connect({ port: to, host: '127.0.0.1', noDelay: true });
let room = free.pop()!;
let first = true;
let [startedAt, startedCpu] = [0, process.cpuUsage()];
let written = 0;

const source: Socket = connect({
  port: from,
  host: '127.0.0.1',
  onread: {
    buffer: () => {
      room = free.pop()!;
      return room;
    },
    callback: (size) => {
      if (first) [first, startedAt, startedCpu] = [false, performance.now(), process.cpuUsage()];
      const used = room;
      sink.write(used.subarray(0, size), () => {
        free.push(used);
        written += size;
        if (written === bytes) finish();
        else if (source.isPaused()) source.resume();
      });
      if (free.length < 2) source.pause();
      return true;
    },
  },
});

const finish = (): void => {
  const { user, system } = process.cpuUsage(startedCpu);
  tell({ seconds: (performance.now() - startedAt) / 1000, cpuSeconds: (user + system) / 1e6 });
  process.exit();
};
