/** One partition, driven by hand: what it sends, in which order, and how it accounts for every byte it was given. */
import { describe, expect, it } from 'vitest';
import { computeCrc } from '../../../src/codec/batch-crc.ts';
import { RecordBatch } from '../../../src/codec/record-batch.ts';
import { LinkError } from '../../../src/errors.ts';
import { MirrorFailure } from '../../../src/link/mirror-failure.ts';
import { ByteWindow } from '../../../src/link/replication/byte-window.ts';
import { type OutgoingBatch, PartitionMirror } from '../../../src/link/replication/partition-mirror.ts';
import { type BatchShape, makeBatch, makeOldMessage } from '../../property/link/simulation/batches.ts';

const PRODUCER = { producerId: 2n ** 40n + 7n, producerEpoch: 5 };
const LOST = new LinkError('KLINK_CONNECT', 'the connection was lost', { retriable: true });
const QUEUE_LIMIT = 10_000;

class Bench {
  readonly calls: string[] = [];
  readonly window = new ByteWindow(1_000_000, () => {});
  readonly mirror: PartitionMirror;
  #next = 0;

  constructor(startAt = 0, queueLimit = QUEUE_LIMIT) {
    const note = (what: string) => () => void this.calls.push(what);
    this.mirror = new PartitionMirror({ topic: 't', sourceTopic: 's', partition: 3 }, PRODUCER, queueLimit, {
      readyToAppend: note('readyToAppend'),
      readyToFetch: note('readyToFetch'),
      progressed: note('progressed'),
      drained: note('drained'),
      phaseChanged: (mirror, from) => this.calls.push(`${from}>${mirror.phase}`),
    });
    this.align(startAt);
  }

  align(offset: number): void {
    this.#next = offset;
    this.mirror.begin({ offset, lastFetchedEpoch: -1, sourceStart: 0, sourceEnd: offset });
  }

  /** One answer with these batches, one after the other. */
  fetch(...shapes: readonly (Partial<BatchShape> & { readonly raw?: Buffer })[]): Buffer {
    const batches = shapes.map(({ raw, base = this.#next, offsets = 1, ...shape }) => {
      this.#next = base + offsets;
      return raw ?? makeBatch({ base, offsets, leaderEpoch: 4, ...shape }, () => 0.3);
    });
    const records = Buffer.concat(batches);
    this.deliver(records);
    return records;
  }

  deliver(records: Buffer | null, highWatermark = this.#next): void {
    const lease = this.window.take(records?.length ?? 0);
    this.mirror.accept({ fetchOffset: this.mirror.fetchOffset, highWatermark, logStartOffset: 0, records, lease }, 1);
    lease.drop();
  }

  take(): OutgoingBatch {
    const batch = this.mirror.takeBatch();
    if (batch === null) throw new Error('nothing to send');
    return batch;
  }

  /** Sends everything and acknowledges it where it belongs. */
  copyAll(): void {
    for (let batch = this.mirror.takeBatch(); batch !== null; batch = this.mirror.takeBatch()) this.mirror.acknowledge(batch, batch.offset);
  }
}

const failureOf = ({ mirror }: Bench): string =>
  mirror.error instanceof MirrorFailure ? mirror.error.reason : `no failure: ${mirror.error}`;

describe('a batch on its way', () => {
  it('carries offset 0, the link’s producer, the sequence of its place and a right CRC, and keeps the rest', () => {
    const bench = new Bench(2 ** 31 + 10);
    const original = Buffer.from(bench.fetch({ offsets: 3, payloadBytes: 50 }));
    const { bytes, offset, nextOffset } = bench.take();
    const sent = RecordBatch.at(bytes);
    expect({ offset, nextOffset }).toEqual({ offset: 2 ** 31 + 10, nextOffset: 2 ** 31 + 13 });
    expect(sent).toMatchObject({ baseOffset: 0n, ...PRODUCER, baseSequence: 10, lastOffsetDelta: 2, recordsCount: 3 });
    expect(computeCrc(sent)).toBe(sent.crc);
    expect(bytes.subarray(21, 43)).toEqual(original.subarray(21, 43));
    expect(bytes.subarray(57)).toEqual(original.subarray(57));
  });

  it('goes alone until the leader has shown that it knows the producer, then with four others', () => {
    const bench = new Bench();
    bench.fetch({}, {}, {}, {}, {}, {}, {}, {});
    const first = bench.take();
    expect(bench.mirror.takeBatch()).toBeNull();
    bench.mirror.acknowledge(first, 0);
    const others = [1, 2, 3, 4, 5].map(() => bench.take());
    expect(others.map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5]);
    expect(bench.mirror.takeBatch()).toBeNull();
  });

  it('goes alone again after every alignment', () => {
    const bench = new Bench();
    bench.fetch({});
    bench.copyAll();
    bench.mirror.disturb(LOST);
    bench.align(1);
    bench.fetch({}, {});
    bench.take();
    expect(bench.mirror.takeBatch()).toBeNull();
  });

  it('that lands elsewhere stops the partition at once and is not taken for copied', () => {
    const bench = new Bench();
    bench.fetch({}, {}, {});
    bench.mirror.acknowledge(bench.take(), 0);
    const [second, third] = [bench.take(), bench.take()];
    bench.mirror.acknowledge(second, 3);
    expect(failureOf(bench)).toBe('DESTINATION_FOREIGN_WRITE');
    expect(bench.mirror.error?.message).toMatch(/source offset 1 landed at 3.*2 offset/);
    expect(bench.mirror.ackedOffset).toBe(1);
    expect(bench.mirror.takeBatch()).toBeNull();
    bench.mirror.acknowledge(third, 4);
    expect(bench.window.taken).toBe(0);
  });
});

it('tells a mirror that has become shorter from one that somebody wrote into', () => {
  const bench = new Bench(7);
  bench.fetch({});
  bench.mirror.acknowledge(bench.take(), 0);
  expect(failureOf(bench)).toBe('DESTINATION_DIVERGED');
  expect(bench.mirror.error?.message).toMatch(/source offset 7 landed at 0.*lost 7 offset/);
});

describe('what is fetched', () => {
  it.each([
    ['a marker', { kind: 'control' }, 'UNSUPPORTED_TRANSACTION'],
    ['a compacted batch', { kind: 'sparse', offsets: 2 }, 'UNSUPPORTED_SPARSE_BATCH'],
    ['a hole', { base: 9 }, 'UNSUPPORTED_OFFSET_GAP'],
    ['a message of the old format', { raw: makeOldMessage(2) }, 'UNSUPPORTED_MESSAGE_FORMAT'],
    ['a batch that cannot be', { raw: corrupt() }, 'CORRUPT_SOURCE_BATCH'],
    ['a batch that was there before', { base: 0, offsets: 2 }, 'CORRUPT_SOURCE_BATCH'],
    ['a batch beyond every offset', { raw: makeBatch({ base: 2 ** 62, offsets: 1, leaderEpoch: 0 }, () => 0.1) }, 'CORRUPT_SOURCE_BATCH'],
    ['a batch that overlaps', { base: 1, offsets: 4 }, 'CORRUPT_SOURCE_BATCH'],
  ] as const)('up to %s is copied before the partition stops', (_, last, reason) => {
    const bench = new Bench();
    bench.fetch({}, {}, last);
    expect(bench.mirror.phase).toBe('mirroring');
    expect(bench.mirror.wantsRecords).toBe(false);
    bench.copyAll();
    expect(failureOf(bench)).toBe(reason);
    expect(bench.mirror.ackedOffset).toBe(2);
    expect(bench.window.taken).toBe(0);
  });

  it('is taken without what was there before', () => {
    const bench = new Bench(5);
    bench.fetch({ base: 1, offsets: 4 }, { base: 5 }, { base: 6 });
    bench.copyAll();
    expect(bench.mirror.ackedOffset).toBe(7);
    expect(bench.mirror.batches).toBe(2);
  });

  it('twice, for a question that is out of date, is ignored', () => {
    const bench = new Bench();
    const records = makeBatch({ base: 0, offsets: 1, leaderEpoch: 0 }, () => 0.1);
    const lease = bench.window.take(records.length);
    const answer = { fetchOffset: 0, highWatermark: 1, logStartOffset: 0, records, lease };
    bench.mirror.accept(answer, 1);
    bench.mirror.accept(answer, 2);
    lease.drop();
    bench.copyAll();
    expect(bench.mirror.batches).toBe(1);
    expect(bench.window.taken).toBe(0);
  });

  it('holds the partition back while its queue is full, and calls it back when there is room', () => {
    const bench = new Bench(0, 100);
    bench.fetch({ payloadBytes: 60 });
    expect(bench.mirror).toMatchObject({ wantsRecords: false, isHeldBack: true });
    bench.calls.length = 0;
    bench.copyAll();
    expect(bench.mirror).toMatchObject({ wantsRecords: true, isHeldBack: false });
    expect(bench.calls).toContain('readyToFetch');
  });

  it('keeps its frame until the last batch of it has been answered', () => {
    const bench = new Bench();
    const frame = bench.fetch({}, {}, {}).length;
    const first = bench.take();
    bench.mirror.acknowledge(first, 0);
    const second = bench.take();
    const third = bench.take();
    bench.mirror.acknowledge(third, 2);
    expect(bench.window.taken).toBe(frame);
    bench.mirror.acknowledge(second, 1);
    expect(bench.window.taken).toBe(0);
  });

  it('whose last batch is cut off gives the whole ones', () => {
    const bench = new Bench();
    const whole = makeBatch({ base: 0, offsets: 1, leaderEpoch: 0 }, () => 0.1);
    bench.deliver(Buffer.concat([whole, whole.subarray(0, 40)]), 2);
    bench.copyAll();
    expect(bench.mirror).toMatchObject({ ackedOffset: 1, fetchOffset: 1, hasBacklog: true, lag: 1 });
  });
});

describe('a disturbance', () => {
  it('drops the queue, waits for what is on its way, then asks to be aligned once', () => {
    const bench = new Bench();
    bench.fetch({}, {}, {});
    bench.mirror.acknowledge(bench.take(), 0);
    const [second, third] = [bench.take(), bench.take()];
    bench.calls.length = 0;
    bench.mirror.unanswered(second, LOST);
    expect(bench.mirror.phase).toBe('draining');
    bench.mirror.disturb(LOST);
    bench.mirror.acknowledge(third, 2);
    expect(bench.mirror.phase).toBe('aligning');
    expect(bench.calls.filter((call) => call === 'drained').length).toBe(1);
    expect(bench.mirror.disturbances).toBe(1);
    expect(bench.window.taken).toBe(0);
    expect(bench.mirror.inFlight).toBe(0);
  });

  it('counts until a batch is acknowledged or nothing is left to copy', () => {
    const bench = new Bench();
    for (let n = 1; n <= 3; n++) {
      bench.mirror.disturb(LOST);
      expect(bench.mirror.disturbances).toBe(n);
      bench.align(0);
    }
    bench.deliver(null, 0);
    expect(bench.mirror).toMatchObject({ disturbances: 0, error: null });
  });

  it('forgets a stop that was waiting for the queue: the source is read again', () => {
    const bench = new Bench();
    bench.fetch({}, { kind: 'control' });
    bench.mirror.unanswered(bench.take(), LOST);
    bench.align(0);
    expect(bench.mirror.phase).toBe('mirroring');
    expect(bench.mirror.wantsRecords).toBe(true);
  });

  it('does nothing to a partition that has failed or is closed', () => {
    const bench = new Bench();
    const failure = new MirrorFailure('DESTINATION_DIVERGED', 'other content');
    bench.mirror.fail(failure);
    bench.mirror.disturb(LOST);
    bench.mirror.fail(new MirrorFailure('RETRY_TIMEOUT', 'later'));
    bench.mirror.close();
    expect(bench.mirror).toMatchObject({ phase: 'failed', error: failure });
  });
});

describe('closing', () => {
  it('gives back what is queued at once and what is on its way when it is answered', () => {
    const bench = new Bench();
    bench.fetch({}, {});
    const first = bench.take();
    bench.mirror.close();
    expect(bench.mirror.phase).toBe('closed');
    expect(bench.mirror.takeBatch()).toBeNull();
    expect(bench.window.taken).toBeGreaterThan(0);
    bench.mirror.unanswered(first, LOST);
    expect(bench.window.taken).toBe(0);
    bench.deliver(makeBatch({ base: 0, offsets: 1, leaderEpoch: 0 }, () => 0.1));
    bench.align(0);
    expect(bench.mirror.phase).toBe('closed');
    expect(bench.window.taken).toBe(0);
  });
});

function corrupt(): Buffer {
  return makeBatch({ base: 2, offsets: 2, leaderEpoch: 0 }, () => 0.1, { recordsCount: 9 });
}
