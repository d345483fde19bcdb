/**
 * Whatever transactions a source log holds, a leader that goes by its rules ends up with the same ones at the same offsets: while it refuses batches in the middle of
 * others, loses answers, forgets producers, and while the link begins anew from what the leader remembers.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BrokerError } from '../../../src/client/broker-error.ts';
import { decodeEndTxnMarker, RecordBatch, readRecords } from '../../../src/codec/index.ts';
import { LinkError } from '../../../src/errors.ts';
import type { OutgoingBatch } from '../../../src/link/replication/append-queue.ts';
import { ByteWindow } from '../../../src/link/replication/byte-window.ts';
import { PartitionMirror } from '../../../src/link/replication/partition-mirror.ts';
import { rebuildBatch } from '../../../src/link/replication/rebuild-batch.ts';
import { ErrorCode } from '../../../src/protocol/error-codes.ts';
import { type LogHandle, startCluster, type TestCluster } from '../../../src/testing/index.ts';
import { attemptAsync, Refusal } from '../../../src/testing/refusal.ts';
import { between, seeded } from '../../scenarios/seeded.ts';
import { transactionalLog } from '../../scenarios/transactional-log.ts';
import { alignedAt, given, NO_MAKER, PRODUCER } from '../../unit/link/partition-bench.ts';

const MAPPED = 2n ** 62n;
const LOST = new LinkError('KLINK_CONNECT', 'the connection was lost', { retriable: true });

let kafka: TestCluster;
beforeAll(async () => {
  kafka = await startCluster({ release: '4.1' });
});
afterAll(() => kafka.stop());

interface Story {
  readonly seed: number;
  readonly events: number;
  readonly producers: number;
  readonly missing: number;
  /** Milliseconds before now of the source's records: old ones are forgotten sooner. */
  readonly age: number;
  /** Probabilities. */
  readonly refuse: number;
  readonly lose: number;
  readonly forget: number;
}

const story: fc.Arbitrary<Story> = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  events: fc.integer({ min: 1, max: 60 }),
  producers: fc.integer({ min: 1, max: 5 }),
  missing: fc.constantFrom(0, 0, 0.3),
  age: fc.constantFrom(0, 400 * 86_400_000),
  refuse: fc.constantFrom(0, 0.05, 0.3),
  lose: fc.constantFrom(0, 0.05, 0.2),
  forget: fc.constantFrom(0, 0.3),
});

/** The leader's side: what is in flight is carried out in order, each batch on its own merits. */
class Copy {
  readonly #random: () => number;
  readonly #story: Story;
  readonly #source: Buffer;
  readonly #end: number;
  readonly #log: LogHandle;
  readonly mirror: PartitionMirror;
  readonly #window = new ByteWindow(1, () => {});
  #steps = 0;

  constructor(log: LogHandle, source: { readonly bytes: Buffer; readonly end: number }, told: Story) {
    this.#log = log;
    this.#source = source.bytes;
    this.#end = source.end;
    this.#story = told;
    this.#random = seeded(told.seed + 1);
    const maker = { ...NO_MAKER, rebuild: rebuildBatch };
    this.mirror = new PartitionMirror({ topic: 't', sourceTopic: 't', partition: 0 }, given({ transactions: 'exact', maker }));
  }

  async run(): Promise<void> {
    while (this.mirror.ackedOffset < this.#end) {
      if (this.#steps > 5_000) throw new Error(`it never gets beyond ${this.mirror.ackedOffset} of ${this.#end}`);
      if (this.mirror.phase === 'failed') throw this.mirror.error;
      if (this.mirror.phase === 'aligning') this.#align();
      else if (this.#random() < 0.4) this.#fetch();
      else await this.#write();
    }
    expect(this.#window.taken).toBe(0);
  }

  #align(): void {
    if (this.#random() < this.#story.forget) kafka.expireProducerIds();
    const all = this.#log.producers.map(({ producerId, producerEpoch, batches }) => ({
      producerId,
      producerEpoch,
      lastSequence: batches.at(-1)?.lastSequence ?? -1,
    }));
    const own = all.find(({ producerId }) => producerId === PRODUCER.producerId)?.lastSequence ?? -1;
    const offset = Number(this.#log.endOffset);
    const producers = new Map(all.filter(({ producerId }) => producerId >= MAPPED).map((one) => [one.producerId, one]));
    this.mirror.begin(alignedAt(offset, { producers, sequence: own < 0 ? offset : own + 1 }));
  }

  #fetch(): void {
    if (!this.mirror.wantsRecords) return;
    const { fetchOffset } = this.mirror;
    const parts: Buffer[] = [];
    for (let at = 0, left = between(this.#random, 1, 8); at < this.#source.length && left > 0; ) {
      const batch = RecordBatch.at(this.#source, at);
      at += batch.sizeInBytes;
      if (batch.nextOffsetNumber <= fetchOffset) continue;
      parts.push(Buffer.from(batch.bytes));
      left--;
    }
    const records = Buffer.concat(parts);
    const lease = this.#window.take(records.length);
    const ends = { lastStableOffset: 0, highWatermark: this.#end, logStartOffset: 0 };
    this.mirror.accept({ at: 0, fetchOffset, ...ends, aborted: null, records, lease });
    lease.drop();
  }

  async #write(): Promise<void> {
    // What has to be made first takes its time; everything else is a step.
    if (!this.mirror.hasBatchToSend && !this.mirror.hasOffsetsToFill) return new Promise((resolve) => setImmediate(resolve));
    this.#steps++;
    const fill = this.mirror.takeFill(between(this.#random, 1, 4));
    if (fill !== null) {
      const count =
        this.#random() < this.#story.refuse ? between(this.#random, 0, fill.nextOffset - fill.offset) : fill.nextOffset - fill.offset;
      for (let index = 0; index < count; index++) {
        const end = fill.ends?.[index] ?? { producerId: -2n - BigInt(index), producerEpoch: 0, commit: true, coordinatorEpoch: 0 };
        const { producerId, producerEpoch, commit, coordinatorEpoch } = end;
        // As if as much time had passed since as the records are old.
        const timestamp = BigInt(Date.now() - this.#story.age);
        this.#log.appendMarker({ result: commit ? 'commit' : 'abort', coordinatorEpoch }, { producerId, producerEpoch, timestamp });
      }
      const isAnswered = count === fill.nextOffset - fill.offset && this.#random() >= this.#story.lose;
      if (isAnswered) this.mirror.filled(fill);
      else this.mirror.unanswered(fill, LOST);
      return;
    }
    const sent: OutgoingBatch[] = [];
    for (let batch = this.mirror.takeBatch(); batch !== null; batch = this.mirror.takeBatch()) sent.push(batch);
    for (const batch of sent) {
      if (this.#random() < this.#story.refuse) {
        this.mirror.unanswered(batch, new BrokerError(ErrorCode.NOT_ENOUGH_REPLICAS, 'append'));
        continue;
      }
      const outcome = await attemptAsync(() => this.#log.appendBatch(Buffer.from(batch.bytes)));
      if (outcome instanceof Refusal) this.mirror.unanswered(batch, new BrokerError(outcome.errorCode, 'append'));
      else if (this.#random() < this.#story.lose) this.mirror.unanswered(batch, LOST);
      else this.mirror.acknowledge(batch, Number(outcome));
    }
  }
}

/** What a log says of each of its offsets that is not empty. */
const layout = async (batches: readonly RecordBatch[], isMirror: boolean): Promise<Map<number, string>> => {
  const found = new Map<number, string>();
  for (const batch of batches) {
    const { producerId, producerEpoch, isTransactional, isControl } = batch;
    if (isControl && producerId < 0n) continue;
    const id = isMirror ? producerId - MAPPED : producerId;
    const who = isTransactional ? `${id}/${producerEpoch}` : 'nobody';
    for (const record of await readRecords(batch)) {
      const what = isControl ? JSON.stringify(decodeEndTxnMarker(record)) : `${record.timestamp} ${record.key} ${record.value}`;
      found.set(Number(record.offset), `${who} ${what}`);
    }
  }
  return found;
};

let topics = 0;

it('transactions are the same, batch by batch, marker by marker', { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(story, async (told) => {
      const { seed, events, producers, missing, age } = told;
      const log = await transactionalLog({ topic: 't', seed, ends: [0], events, producers, missing, now: Date.now() - age });
      const bytes = log.appends[0]?.bytes ?? Buffer.alloc(0);
      const name = `copy-${++topics}`;
      await kafka.createTopic(name, { configs: { 'message.timestamp.before.max.ms': '9223372036854775807' } });
      try {
        const source: RecordBatch[] = [];
        for (let at = 0; at < bytes.length; at += source.at(-1)!.sizeInBytes) source.push(RecordBatch.at(bytes, at));
        const copy = new Copy(kafka.log(name), { bytes, end: source.at(-1)?.nextOffsetNumber ?? 0 }, told);
        await copy.run();
        expect(await layout(kafka.log(name).batches(), true)).toEqual(await layout(source, false));
        const open = log.producers.filter(({ open: partitions }) => partitions.size > 0).map(({ producerId }) => producerId + MAPPED);
        const openThere = kafka.log(name).producers.filter(({ currentTxnFirstOffset }) => currentTxnFirstOffset !== null);
        // Of a transaction that has lost all its records nothing is left.
        for (const { producerId } of openThere) expect(open).toContain(producerId);
        if (missing === 0) expect(openThere.map(({ producerId }) => producerId).sort()).toEqual(open.sort());
      } finally {
        await kafka.deleteTopic(name);
      }
    }),
    { numRuns: 300 },
  );
});
