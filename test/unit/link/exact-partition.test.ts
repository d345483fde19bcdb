/** One partition with transactions, driven by hand: who may follow whom, under which sequence, and what an answer that was lost means. */
import { describe, expect, it } from 'vitest';
import { BrokerError } from '../../../src/client/broker-error.ts';
import { buildBatch, buildEndTxnMarker } from '../../../src/codec/batch-builder.ts';
import { verifyCrc } from '../../../src/codec/batch-crc.ts';
import { patchBatch } from '../../../src/codec/patch-header.ts';
import { RecordBatch } from '../../../src/codec/record-batch.ts';
import { LinkError } from '../../../src/errors.ts';
import type { OutgoingBatch } from '../../../src/link/replication/append-queue.ts';
import { PartitionMirror } from '../../../src/link/replication/partition-mirror.ts';
import type { Alignment } from '../../../src/link/replication/partition-ports.ts';
import { alignedAt, answerOf, given, PRODUCER } from './partition-bench.ts';

const MAPPED = 2n ** 62n;
const LOST = new LinkError('KLINK_CONNECT', 'the connection was lost', { retriable: true });

/** `a`: a batch of the source's producer 0xa, `A` its commit; likewise b and c; `.`: a batch of no transaction; `_`: nothing. Each of one offset. */
const logOf = async (script: string, epochs: Readonly<Record<string, number>> = {}, from = 0): Promise<Buffer> => {
  const parts: Buffer[] = [];
  for (const [index, letter] of [...script].entries()) {
    if (letter === '_') continue;
    const name = letter.toLowerCase();
    const producer = { producerId: BigInt(`0x${name === '.' ? 'f' : name}`), producerEpoch: epochs[letter] ?? epochs[name] ?? 0 };
    const where = { baseOffset: BigInt(from + index), partitionLeaderEpoch: 0 };
    parts.push(
      letter >= 'A' && letter <= 'Z'
        ? buildEndTxnMarker({ result: 'commit', coordinatorEpoch: 1 }, { ...where, ...producer, timestamp: 5n })
        : await buildBatch([{ value: letter, timestamp: 5n }], { ...where, ...producer, baseSequence: 900, transactional: letter !== '.' }),
    );
  }
  return Buffer.concat(parts);
};

class Bench {
  readonly mirror: PartitionMirror;

  constructor(alignment: Partial<Alignment> = {}) {
    this.mirror = new PartitionMirror({ topic: 't', sourceTopic: 't', partition: 0 }, given({ transactions: 'exact' }));
    this.mirror.begin(alignedAt(alignment.offset ?? 0, alignment));
  }

  fetch(records: Buffer, highWatermark = 1_000): void {
    this.mirror.accept(answerOf(this.mirror.fetchOffset, records, { lastStableOffset: 0, highWatermark }));
  }

  /** As many batches as may go now: producer (`own`, or as at the source), epoch and sequence of each. */
  takeAll(): { readonly sent: readonly OutgoingBatch[]; readonly text: string } {
    const sent: OutgoingBatch[] = [];
    for (let batch = this.mirror.takeBatch(); batch !== null; batch = this.mirror.takeBatch()) sent.push(batch);
    const text = sent.map(({ bytes }) => {
      const { producerId, producerEpoch, baseSequence, isTransactional } = RecordBatch.at(bytes);
      expect(verifyCrc(RecordBatch.at(bytes))).toBe(true);
      expect(isTransactional).toBe(producerId !== PRODUCER.producerId);
      return isTransactional ? `${(producerId - MAPPED).toString(16)}${producerEpoch}:${baseSequence}` : `own:${baseSequence}`;
    });
    return { sent, text: text.join(' ') };
  }

  /** Sends and acknowledges everything; what went together, one string each. */
  drain(): string[] {
    const flights: string[] = [];
    for (;;) {
      const fill = this.mirror.takeFill(100);
      if (fill !== null) {
        flights.push(`end ${fill.ends?.map(({ producerId }) => (producerId - MAPPED).toString(16)).join('') ?? 'fill'}`);
        this.mirror.filled(fill);
        continue;
      }
      const { sent, text } = this.takeAll();
      if (sent.length === 0) return flights;
      flights.push(text);
      for (const batch of sent) this.mirror.acknowledge(batch, batch.offset);
    }
  }
}

describe('batches of several producers', () => {
  it('go producer by producer, the first of each alone, and the ends of their transactions when all is answered', async () => {
    const bench = new Bench();
    bench.fetch(await logOf('...aaaab.AB..'));
    expect(bench.drain()).toEqual(['own:0', 'own:1 own:2', 'a0:0', 'a0:1 a0:2 a0:3', 'b0:0', 'own:3', 'end ab', 'own:4 own:5']);
    expect(bench.mirror.ackedOffset).toBe(13);
  });

  it('are numbered from 0 in each epoch, and go on in an epoch that goes on', async () => {
    const bench = new Bench();
    bench.fetch(await logOf('aaA', { a: 3, A: 4 }));
    bench.fetch(await logOf('aAbB', { a: 4, A: 5, b: 0, B: 0 }, 3));
    bench.fetch(await logOf('bbB', {}, 7));
    expect(bench.drain()).toEqual(['a3:0', 'a3:1', 'end a', 'a4:0', 'end a', 'b0:0', 'end b', 'b0:1 b0:2', 'end b']);
  });

  it('go on where the leader remembers them to be', async () => {
    const producers = new Map([
      [MAPPED + 10n, { producerEpoch: 2, lastSequence: 40 }],
      [MAPPED + 11n, { producerEpoch: 7, lastSequence: -1 }],
      [MAPPED + 12n, { producerEpoch: 1, lastSequence: 2 ** 31 - 1 }],
    ]);
    const bench = new Bench({ offset: 100, sequence: 60, producers });
    bench.fetch(await logOf('a.bc', { a: 2, b: 7, c: 1 }, 100));
    expect(bench.drain()).toEqual(['a2:41', 'own:60', 'b7:0', 'c1:0']);
    bench.mirror.disturb(LOST);
    bench.mirror.begin(alignedAt(104, { producers: new Map() }));
    bench.fetch(await logOf('ac', { a: 2, c: 1 }, 104));
    expect(bench.drain()).toEqual(['a2:0', 'c1:0']);
  });

  it('are named for whoever puts requests together', async () => {
    const bench = new Bench();
    expect(bench.mirror.nextProducer).toBeNull();
    bench.fetch(await logOf('a.'));
    expect(bench.mirror.nextProducer).toEqual({ producerId: MAPPED + 10n, producerEpoch: 0 });
    const { sent } = bench.takeAll();
    expect(bench.mirror.nextProducer).toBeNull();
    expect(bench.mirror.hasBatchToSend).toBe(false);
    bench.mirror.acknowledge(sent[0]!, 0);
    expect(bench.mirror.hasBatchToSend).toBe(true);
  });
});

describe('the ends of transactions', () => {
  it('go together when they follow each other, but never two of one producer', async () => {
    const bench = new Bench();
    bench.fetch(await logOf('ABCAAB'));
    const fill = bench.mirror.takeFill(2)!;
    expect(fill).toMatchObject({ offset: 0, nextOffset: 2 });
    expect(fill.ends).toEqual([
      { producerId: MAPPED + 10n, producerEpoch: 0, commit: true, coordinatorEpoch: 1 },
      { producerId: MAPPED + 11n, producerEpoch: 0, commit: true, coordinatorEpoch: 1 },
    ]);
    expect(bench.mirror.takeFill(100)).toBeNull();
    bench.mirror.filled(fill);
    expect(bench.drain()).toEqual(['end ca', 'end ab']);
    expect(bench.mirror.filledOffsets).toBe(6);
  });

  it('wait for every batch before them, and let none overtake them', async () => {
    const bench = new Bench();
    bench.fetch(await logOf('aaA.'));
    const first = bench.takeAll().sent;
    bench.mirror.acknowledge(first[0]!, 0);
    const second = bench.takeAll().sent;
    expect(bench.mirror.takeFill(1)).toBeNull();
    bench.mirror.acknowledge(second[0]!, 1);
    const fill = bench.mirror.takeFill(1)!;
    expect(bench.mirror.takeBatch()).toBeNull();
    bench.mirror.filled(fill);
    expect(bench.takeAll().text).toBe('own:0');
  });
});

describe('ends that the source has lost', () => {
  const owed = (id: bigint) => ({ producerId: MAPPED + id, producerEpoch: 0, commit: false, coordinatorEpoch: 0 });

  it('take the first offsets without a record', async () => {
    const bench = new Bench({ aborts: [owed(10n), owed(11n)] });
    bench.fetch(await logOf('.._.__.'));
    expect(bench.drain()).toEqual(['own:0', 'own:1', 'end a', 'own:2', 'end b', 'end fill', 'own:3']);
    expect(bench.mirror.ackedOffset).toBe(7);
  });

  it('are not owed any more once their producer goes on or ends its transaction after all', async () => {
    const bench = new Bench({ aborts: [owed(10n), owed(11n), owed(12n)] });
    bench.fetch(await logOf('aB____'));
    bench.fetch(await logOf('.', {}, 6));
    expect(bench.drain()).toEqual(['a0:0', 'end bc', 'end fill', 'own:0']);
  });

  it('are looked for anew after every alignment', async () => {
    const bench = new Bench({ aborts: [owed(10n)] });
    bench.mirror.disturb(LOST);
    bench.mirror.begin(alignedAt(0));
    bench.fetch(await logOf('_.'));
    expect(bench.drain()).toEqual(['end fill', 'own:0']);
  });
});

describe('an answer that was lost', () => {
  const unanswered = async (script: string, error: LinkError): Promise<PartitionMirror> => {
    const bench = new Bench();
    bench.fetch(await logOf(script));
    const { sent } = bench.takeAll();
    bench.mirror.unanswered(sent[0]!, error);
    return bench.mirror;
  };

  it('of a batch of a transaction makes the end of the mirror doubtful: nothing of the link’s own guards it', async () => {
    expect(await unanswered('a', LOST)).toMatchObject({ phase: 'aligning', isUnsettled: true });
  });

  it('is none when the broker has said what became of it', async () => {
    expect(await unanswered('a', new BrokerError(19, 'append'))).toMatchObject({ phase: 'aligning', isUnsettled: false });
  });

  it('of a batch of the link’s own leaves it to the sequence', async () => {
    expect(await unanswered('.', LOST)).toMatchObject({ phase: 'aligning', isUnsettled: false });
  });
});

it('copies up to the high watermark, whatever is open', async () => {
  const bench = new Bench();
  bench.fetch(await logOf('aa'), 5);
  expect(bench.mirror).toMatchObject({ sourceEnd: 5, sourceHighWatermark: 5, lag: 5 });
});

describe('more producers than need be kept in mind', () => {
  const MANY = 50_001;
  const AT_ONCE = 500;

  const fetchMany = async (bench: Bench): Promise<void> => {
    const one = await buildBatch([{ value: 'a', timestamp: 5n }], {
      producerId: 0n,
      producerEpoch: 0,
      baseSequence: 0,
      transactional: true,
    });
    for (let from = 0; from < MANY; from += AT_ONCE) {
      const count = Math.min(AT_ONCE, MANY - from);
      const some = Buffer.alloc(count * one.length);
      for (let index = 0; index < count; index++) {
        one.copy(some, index * one.length);
        patchBatch(RecordBatch.at(some, index * one.length), { baseOffset: BigInt(from + index), producerId: BigInt(from + index) });
      }
      bench.fetch(some, 60_000);
      for (let batch = bench.mirror.takeBatch(); batch !== null; batch = bench.mirror.takeBatch())
        bench.mirror.acknowledge(batch, batch.offset);
    }
    expect(bench.mirror.ackedOffset).toBe(MANY);
    bench.fetch(await logOf('a', {}, MANY));
  };

  it('are forgotten, and the leader is asked whom it remembers', async () => {
    const bench = new Bench();
    await fetchMany(bench);
    expect(bench.mirror).toMatchObject({ phase: 'aligning', isUnsettled: false, error: { code: 'KLINK_STATE', retriable: true } });
  });

  it('are kept in mind when the leader does so too', async () => {
    const known = Array.from({ length: MANY }, (_, index) => [MAPPED + BigInt(index), { producerEpoch: 0, lastSequence: 6 }] as const);
    const bench = new Bench({ producers: new Map(known) });
    await fetchMany(bench);
    expect(bench.takeAll().text).toBe('a0:8');
  });
});
