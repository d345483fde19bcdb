/** One partition, driven by hand: what it sends, in which order, and how it accounts for every byte it was given. */
import { describe, expect, it } from 'vitest';
import { BrokerError } from '../../../src/client/broker-error.ts';
import { computeCrc } from '../../../src/codec/batch-crc.ts';
import { RecordBatch } from '../../../src/codec/record-batch.ts';
import { LinkError } from '../../../src/errors.ts';
import { MirrorFailure } from '../../../src/link/mirror-failure.ts';
import type { AbortedTransaction } from '../../../src/link/replication/aborted-transactions.ts';
import type { BatchMaker, OutgoingBatch, OutgoingFill } from '../../../src/link/replication/append-queue.ts';
import { ByteWindow } from '../../../src/link/replication/byte-window.ts';
import { PartitionMirror } from '../../../src/link/replication/partition-mirror.ts';
import type { Alignment, PartitionOptions } from '../../../src/link/replication/partition-ports.ts';
import { type BatchShape, makeBatch, makeOldMessage } from '../../property/link/simulation/batches.ts';
import { alignedAt, answerOf, given, NO_MAKER, PRODUCER, turns } from './partition-bench.ts';

const LOST = new LinkError('KLINK_CONNECT', 'the connection was lost', { retriable: true });

class Bench {
  readonly calls: string[] = [];
  readonly window = new ByteWindow(1_000_000, () => {});
  readonly mirror: PartitionMirror;
  #next = 0;

  constructor(startAt = 0, options: Partial<Omit<PartitionOptions, 'listener'>> = {}) {
    const note = (what: string) => () => void this.calls.push(what);
    const listener = {
      readyToAppend: note('readyToAppend'),
      readyToFill: note('readyToFill'),
      readyToFetch: note('readyToFetch'),
      progressed: note('progressed'),
      drained: note('drained'),
      phaseChanged: (mirror: PartitionMirror, from: string) => void this.calls.push(`${from}>${mirror.phase}`),
    };
    this.mirror = new PartitionMirror({ topic: 't', sourceTopic: 's', partition: 3 }, given({ ...options, listener }));
    this.align(startAt);
  }

  align(offset: number, more: Partial<Alignment> = {}): void {
    this.#next = more.fetchOffset ?? offset;
    this.mirror.begin(alignedAt(offset, more));
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

  deliver(records: Buffer | null, sourceEnd = this.#next, aborted: readonly AbortedTransaction[] = []): void {
    const lease = this.window.take(records?.length ?? 0);
    const ends = { lastStableOffset: sourceEnd, highWatermark: sourceEnd };
    this.mirror.accept(answerOf(this.mirror.fetchOffset, records, { ...ends, aborted, lease }));
    lease.drop();
  }

  take(): OutgoingBatch {
    const batch = this.mirror.takeBatch();
    if (batch === null) throw new Error('nothing to send');
    return batch;
  }

  takeFill(count = 1_000): OutgoingFill {
    const fill = this.mirror.takeFill(count);
    if (fill === null) throw new Error('nothing to fill');
    return fill;
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

describe('a batch without an answer', () => {
  const unanswered = (): Bench => {
    const bench = new Bench(5);
    bench.fetch({});
    bench.mirror.unanswered(bench.take(), LOST);
    return bench;
  };

  it('that is found at another offset has a foreign record before it', () => {
    const bench = unanswered();
    bench.align(7, { ownTail: { baseOffset: 6, baseSequence: 5 } });
    expect(failureOf(bench)).toBe('DESTINATION_FOREIGN_WRITE');
    expect(bench.mirror.error?.message).toMatch(/source offset 5 landed at 6/);
  });

  it.each([
    ['is found in its place', { baseOffset: 5, baseSequence: 5 }],
    ['is not found', { baseOffset: 4, baseSequence: 4 }],
    ['is not the last one any more', { baseOffset: 9, baseSequence: 8 }],
  ])('that %s is no trouble', (_, ownTail) => {
    const bench = unanswered();
    bench.align(ownTail.baseOffset + 1, { ownTail });
    expect(bench.mirror.phase).toBe('mirroring');
  });

  it('is remembered until the next alignment and no longer', () => {
    const bench = unanswered();
    bench.align(5);
    bench.mirror.disturb(LOST);
    bench.align(7, { ownTail: { baseOffset: 6, baseSequence: 5 } });
    expect(bench.mirror.phase).toBe('mirroring');
  });
});

describe('a batch that may still be on its way', () => {
  const haunted = (error: LinkError): Bench => {
    const bench = new Bench();
    bench.fetch({});
    bench.mirror.unanswered(bench.take(), error);
    bench.align(0);
    bench.calls.length = 0;
    return bench;
  };

  it('is waited for before its offset is filled with a marker, once', () => {
    const bench = haunted(LOST);
    bench.fetch({ kind: 'control' });
    expect(bench.calls).toContain('mirroring>draining');
    expect(bench.calls).not.toContain('readyToFill');
    expect(bench.mirror.isUnsettled).toBe(true);
    bench.align(0);
    bench.fetch({ kind: 'control' });
    expect(bench.takeFill()).toMatchObject({ offset: 0, nextOffset: 1 });
  });

  it('is not waited for when it is sent again, nor when it was answered', () => {
    const again = haunted(LOST);
    again.fetch({});
    expect(again.take().offset).toBe(0);
    const answered = haunted(new BrokerError(19, 'append'));
    answered.fetch({ kind: 'control' });
    expect(answered.calls).toContain('readyToFill');
  });
});

describe('what is fetched', () => {
  it.each([
    ['a marker', { kind: 'control' }, 'UNSUPPORTED_TRANSACTION'],
    ['a compacted batch', { kind: 'sparse', offsets: 2 }, 'UNSUPPORTED_SPARSE_BATCH'],
    ['an emptied batch', { kind: 'empty' }, 'UNSUPPORTED_SPARSE_BATCH'],
    ['a hole', { base: 9 }, 'UNSUPPORTED_OFFSET_GAP'],
  ] as const)('up to %s is copied before a partition stops that may not fill', (_, last, reason) => {
    const bench = new Bench(0, { fillPolicy: 'refuse' });
    bench.fetch({}, {}, last, {});
    expect(bench.mirror).toMatchObject({ phase: 'mirroring', wantsRecords: false, fetchOffset: 2 });
    bench.copyAll();
    expect(failureOf(bench)).toBe(reason);
    expect(bench.mirror).toMatchObject({ ackedOffset: 2, filledOffsets: 0 });
    expect(bench.window.taken).toBe(0);
  });

  it.each([
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
    const answer = answerOf(0, records, { lastStableOffset: 1, highWatermark: 1, lease });
    bench.mirror.accept(answer);
    bench.mirror.accept(answer);
    lease.drop();
    bench.copyAll();
    expect(bench.mirror.batches).toBe(1);
    expect(bench.window.taken).toBe(0);
  });

  it('holds the partition back while its queue is full, and calls it back when there is room', () => {
    const bench = new Bench(0, { queueLimitBytes: 100 });
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
    const bench = new Bench(0, { fillPolicy: 'refuse' });
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

describe('offsets without a record', () => {
  it('are filled when nothing is on its way, and nothing goes before the markers are answered', () => {
    const bench = new Bench();
    bench.fetch({}, {}, { kind: 'control', offsets: 1 }, { base: 6 });
    bench.mirror.acknowledge(bench.take(), 0);
    const second = bench.take();
    expect(bench.mirror.takeFill(10)).toBeNull();
    bench.calls.length = 0;
    bench.mirror.acknowledge(second, 1);
    expect(bench.calls).toContain('readyToFill');
    expect(bench.mirror).toMatchObject({ hasBatchToSend: false, hasOffsetsToFill: true });
    // The marker of the source, and the hole that follows it.
    const fill = bench.takeFill(10);
    expect(fill).toEqual({ offset: 2, nextOffset: 6 });
    expect(bench.mirror).toMatchObject({ hasBatchToSend: false, hasOffsetsToFill: false, inFlight: 1 });
    expect(bench.mirror.takeBatch()).toBeNull();
    bench.calls.length = 0;
    bench.mirror.filled(fill);
    expect(bench.calls).toContain('readyToAppend');
    const last = bench.take();
    // Markers take offsets and no sequence.
    expect([last.offset, RecordBatch.at(last.bytes).baseSequence]).toEqual([6, 2]);
    bench.mirror.acknowledge(last, 6);
    expect(bench.mirror).toMatchObject({ ackedOffset: 7, filledOffsets: 4, batches: 3, inFlight: 0 });
    expect(bench.window.taken).toBe(0);
  });

  it('go in as many requests as they take, one after the other', () => {
    const bench = new Bench();
    bench.fetch({ base: 8 });
    const taken: OutgoingFill[] = [];
    while (bench.mirror.hasOffsetsToFill) {
      const fill = bench.takeFill(3);
      expect(bench.mirror.takeFill(3)).toBeNull();
      expect(bench.mirror.takeBatch()).toBeNull();
      taken.push(fill);
      bench.mirror.filled(fill);
    }
    expect(taken).toEqual([
      { offset: 0, nextOffset: 3 },
      { offset: 3, nextOffset: 6 },
      { offset: 6, nextOffset: 8 },
    ]);
    expect(bench.take().offset).toBe(8);
  });

  it('of which nobody knows whether they were filled leave the partition unsettled until it is aligned', () => {
    const bench = new Bench();
    bench.fetch({}, { base: 5 });
    bench.copyAll();
    const fill = bench.takeFill();
    bench.mirror.unanswered(fill, LOST);
    expect(bench.mirror).toMatchObject({ phase: 'aligning', isUnsettled: true, inFlight: 0, error: LOST });
    expect(bench.window.taken).toBe(0);
    bench.align(3, { sequence: 1 });
    expect(bench.mirror).toMatchObject({ phase: 'mirroring', isUnsettled: false });
    bench.fetch({ base: 5 });
    expect(bench.takeFill()).toEqual({ offset: 3, nextOffset: 5 });
  });

  it('count once, also when the answer comes after a disturbance', () => {
    const bench = new Bench();
    bench.fetch({ base: 4 });
    const fill = bench.takeFill();
    bench.mirror.disturb(LOST);
    expect(bench.mirror.phase).toBe('draining');
    bench.mirror.filled(fill);
    expect(bench.mirror).toMatchObject({ phase: 'aligning', filledOffsets: 4, ackedOffset: 4, isUnsettled: false });
    bench.align(4, { sequence: 0 });
    bench.fetch({});
    expect(RecordBatch.at(bench.take().bytes).baseSequence).toBe(0);
  });

  it('that were lost with a batch behind them leave nothing behind after an alignment', () => {
    const bench = new Bench();
    bench.fetch({ base: 2 }, { kind: 'control' }, {});
    bench.mirror.unanswered(bench.takeFill(), LOST);
    bench.align(0);
    bench.fetch({});
    expect(bench.mirror.hasOffsetsToFill).toBe(false);
    expect(bench.take().offset).toBe(0);
  });

  it('come to nothing when the partition has failed or is closed', () => {
    for (const end of [(bench: Bench) => bench.mirror.close(), (bench: Bench) => bench.mirror.fail(LOST)]) {
      const bench = new Bench();
      bench.fetch({ base: 2 });
      const fill = bench.takeFill();
      end(bench);
      const { phase } = bench.mirror;
      bench.mirror.filled(fill);
      expect(bench.mirror).toMatchObject({ phase, inFlight: 0, filledOffsets: 0 });
      expect(bench.mirror.takeFill(1)).toBeNull();
    }
  });

  it('behind which the partition must stop are filled before it stops', () => {
    const bench = new Bench();
    bench.fetch({}, { kind: 'control' }, { raw: makeOldMessage(2) });
    bench.copyAll();
    expect(bench.mirror.phase).toBe('mirroring');
    bench.mirror.filled(bench.takeFill());
    expect(failureOf(bench)).toBe('UNSUPPORTED_MESSAGE_FORMAT');
    expect(bench.mirror.ackedOffset).toBe(2);
  });

  it('of aborted transactions are filled, and those of committed ones lose the transactional bit', () => {
    const bench = new Bench();
    const batch = (base: number, producerId: bigint) =>
      makeBatch({ base, offsets: 2, leaderEpoch: 0, kind: 'transactional' }, () => 0.4, { producerId });
    bench.deliver(Buffer.concat([batch(0, 1n), batch(2, 2n), batch(4, 1n)]), 6, [{ producerId: 2n, firstOffset: 2n }]);
    const first = bench.take();
    expect(RecordBatch.at(first.bytes)).toMatchObject({ isTransactional: false, ...PRODUCER, baseSequence: 0 });
    expect(computeCrc(RecordBatch.at(first.bytes))).toBe(RecordBatch.at(first.bytes).crc);
    bench.mirror.acknowledge(first, 0);
    const fill = bench.takeFill();
    expect(fill).toEqual({ offset: 2, nextOffset: 4 });
    bench.mirror.filled(fill);
    expect(RecordBatch.at(bench.take().bytes)).toMatchObject({ isTransactional: false, baseSequence: 2 });
  });
});

describe('batches that are made', () => {
  const filler = (count: number): Buffer => makeBatch({ base: 0, offsets: count, leaderEpoch: -1 }, () => 0.5);
  const maker: BatchMaker = {
    rebuild: async (batch) => [{ offset: batch.baseOffsetNumber, count: 1, bytes: filler(1) }],
    filler: async (_, count) => ({ offset: 0, count: Math.min(count, 3), bytes: filler(Math.min(count, 3)) }),
  };

  it('fill offsets under a policy of records, in sequence like all others, five on their way at most', async () => {
    const bench = new Bench(0, { maker, fillPolicy: 'records' });
    bench.fetch({}, { base: 24 });
    bench.copyAll();
    expect(bench.mirror).toMatchObject({ hasBatchToSend: false, hasOffsetsToFill: false });
    await turns();
    const sent = [1, 2, 3, 4, 5].map(() => bench.take());
    expect(bench.mirror.takeBatch()).toBeNull();
    expect(sent.map(({ offset, nextOffset, origin }) => [offset, nextOffset, origin])).toEqual(
      [1, 4, 7, 10, 13].map((offset) => [offset, offset + 3, 'filler']),
    );
    expect(sent.map(({ bytes }) => RecordBatch.at(bytes).baseSequence)).toEqual([1, 4, 7, 10, 13]);
    for (const batch of sent) bench.mirror.acknowledge(batch, batch.offset);
    await turns();
    bench.copyAll();
    await turns();
    bench.copyAll();
    expect(bench.mirror).toMatchObject({ ackedOffset: 25, filledOffsets: 23, batches: 2 });
    expect(bench.window.taken).toBe(0);
  });

  it('pad what lies before the first offset to copy, while that is fetched already', async () => {
    const bench = new Bench(0, { maker });
    bench.mirror.disturb(LOST);
    bench.align(2, { fetchOffset: 9, padding: { as: 'records', timestamp: 1n } });
    expect(bench.mirror).toMatchObject({ fetchOffset: 9, ackedOffset: 2, wantsRecords: true });
    bench.fetch({ base: 9 });
    await turns();
    bench.copyAll();
    await turns();
    bench.copyAll();
    expect(bench.mirror).toMatchObject({ ackedOffset: 10, filledOffsets: 7, batches: 1 });
  });

  it('pad what is left when transactions have been aborted there first', async () => {
    const bench = new Bench(0, { maker });
    bench.mirror.disturb(LOST);
    const aborts = [2n ** 62n, 2n ** 62n + 1n].map((producerId) => ({ producerId, producerEpoch: 1, commit: false, coordinatorEpoch: 0 }));
    bench.align(3, { fetchOffset: 8, aborts, padding: { as: 'records', timestamp: 1n } });
    const fill = bench.takeFill();
    expect(fill).toEqual({ offset: 3, nextOffset: 5, ends: aborts });
    bench.mirror.filled(fill);
    await turns();
    expect(bench.take()).toMatchObject({ offset: 5, nextOffset: 8, origin: 'filler' });
  });

  it('take the place of a sparse batch, with what is missing filled', async () => {
    const bench = new Bench(0, { maker });
    bench.fetch({ kind: 'sparse', offsets: 3 }, {});
    await turns();
    const made = bench.take();
    expect([made.offset, made.nextOffset, made.origin]).toEqual([0, 1, 'rebuilt']);
    bench.mirror.acknowledge(made, 0);
    const fill = bench.takeFill();
    expect(fill).toEqual({ offset: 1, nextOffset: 3 });
    bench.mirror.filled(fill);
    bench.copyAll();
    expect(bench.mirror).toMatchObject({ ackedOffset: 4, filledOffsets: 2, batches: 2, rebuiltBatches: 1 });
    expect(bench.window.taken).toBe(0);
  });

  it('that cannot be made stop the partition behind what was copied, with the reason', async () => {
    const broken = new LinkError('KLINK_CORRUPT_BATCH', 'the payload ends too early');
    const bench = new Bench(0, { maker: { ...NO_MAKER, rebuild: () => Promise.reject(broken) } });
    bench.fetch({}, { kind: 'sparse', offsets: 3 });
    bench.copyAll();
    await turns();
    expect(failureOf(bench)).toBe('CORRUPT_SOURCE_BATCH');
    expect(bench.mirror.error?.message).toMatch(/t-3.*offset 1 .*the payload ends too early/);
    expect(bench.mirror.error?.cause).toBe(broken);
    expect(bench.window.taken).toBe(0);
  });

  it('are not waited for by a partition that was disturbed meanwhile', async () => {
    const bench = new Bench(0, { maker });
    bench.fetch({ kind: 'sparse', offsets: 3 });
    bench.mirror.disturb(LOST);
    bench.align(0);
    bench.fetch({});
    await turns();
    expect(bench.take().origin).toBe('copied');
    expect(bench.mirror.takeBatch()).toBeNull();
  });
});

describe('a pause', () => {
  it('begins when everything on its way has been answered, and drops the rest', () => {
    const bench = new Bench();
    bench.fetch({}, {}, {});
    const first = bench.take();
    bench.calls.length = 0;
    bench.mirror.pause();
    expect(bench.mirror).toMatchObject({ phase: 'draining', wantsRecords: false, hasBatchToSend: false, error: null });
    bench.mirror.acknowledge(first, 0);
    expect(bench.mirror).toMatchObject({ phase: 'paused', ackedOffset: 1, inFlight: 0 });
    expect(bench.calls).not.toContain('drained');
    expect(bench.window.taken).toBe(0);
  });

  it('ends where the mirror ends, with an alignment', () => {
    const bench = new Bench();
    bench.fetch({});
    bench.copyAll();
    bench.mirror.pause();
    expect(bench.mirror.phase).toBe('paused');
    bench.calls.length = 0;
    bench.mirror.resume();
    expect(bench.calls).toEqual(['paused>aligning', 'drained']);
    bench.align(1);
    bench.fetch({});
    bench.copyAll();
    expect(bench.mirror).toMatchObject({ phase: 'mirroring', ackedOffset: 2 });
  });

  it('while both logs are being compared begins at once, and the comparison comes to nothing', () => {
    const bench = new Bench();
    bench.mirror.disturb(LOST);
    bench.mirror.pause();
    expect(bench.mirror.phase).toBe('paused');
    bench.align(0);
    expect(bench.mirror.phase).toBe('paused');
  });

  it('that is taken back before it has begun is none', () => {
    const bench = new Bench();
    bench.fetch({});
    const first = bench.take();
    bench.mirror.pause();
    bench.mirror.resume();
    bench.calls.length = 0;
    bench.mirror.acknowledge(first, 0);
    expect(bench.calls.slice(-2)).toEqual(['draining>aligning', 'drained']);
  });

  it('that finds markers of unknown fate on their way leaves that to the alignment after it', () => {
    const bench = new Bench();
    bench.fetch({ base: 4 });
    const fill = bench.takeFill();
    bench.mirror.pause();
    bench.mirror.unanswered(fill, LOST);
    expect(bench.mirror).toMatchObject({ phase: 'paused', isUnsettled: true });
  });

  it('changes nothing about a partition that has failed, and does not outlive the end', () => {
    const bench = new Bench();
    bench.mirror.fail(LOST);
    bench.mirror.pause();
    bench.mirror.resume();
    expect(bench.mirror.phase).toBe('failed');
    const other = new Bench();
    other.mirror.pause();
    other.mirror.close();
    other.mirror.resume();
    expect(other.mirror.phase).toBe('closed');
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
