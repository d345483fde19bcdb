/** Logs as transactional producers leave them: several at once, over several partitions, in the ways of old and new brokers, from a seed. */
import { buildBatch, buildEndTxnMarker, type NewRecord } from '../../src/codec/index.ts';
import type { RawAppend } from './environment.ts';
import { CODECS } from './sample-batches.ts';
import { between, seeded } from './seeded.ts';

export interface TransactionalLogOptions {
  readonly topic: string;
  readonly seed: number;
  /** Where each partition's log ends. */
  readonly ends: readonly number[];
  /** Default 4. */
  readonly producers?: number;
  /** Batches, markers and plain batches in all. Default 60. */
  readonly events?: number;
  /** Probability that a record is missing, and half that of a whole batch, as the log cleaner leaves it. Default 0. */
  readonly missing?: number;
  /** Time of records and markers. Default: that of the clock. */
  readonly now?: number;
  /** Producers that have written before, to go on with. */
  readonly known?: readonly ScriptedProducer[];
}

/** A transactional producer between two transactions or in the middle of one. */
export interface ScriptedProducer {
  readonly producerId: bigint;
  /** Whether its epoch rises with each transaction (transaction.version 2, KIP-890). */
  readonly raisesEpoch: boolean;
  producerEpoch: number;
  coordinatorEpoch: number;
  /** By partition: the next sequence of this epoch. */
  sequences: Map<number, number>;
  /** Partitions of the open transaction. */
  open: Set<number>;
}

export interface TransactionalLog {
  readonly appends: readonly RawAppend[];
  readonly ends: readonly number[];
  readonly producers: readonly ScriptedProducer[];
}

/** A batch as it was written, and what is left of it. */
interface Batch {
  readonly count: number;
  readonly kept: readonly NewRecord[];
}

const NOT_TRANSACTIONAL = 70_000n;

/** Some of its transactions are still open at the end. */
export const transactionalLog = async (options: TransactionalLogOptions): Promise<TransactionalLog> => {
  const { topic, seed, producers: count = 4, events = 60, missing = 0, now = Date.now() } = options;
  const random = seeded(seed);
  const ends = [...options.ends];
  const parts: Buffer[][] = ends.map(() => []);
  const plainSequences = ends.map(() => 0);
  const producers =
    options.known ??
    Array.from(
      { length: count },
      (_, index): ScriptedProducer => ({
        producerId: BigInt(seed * 100 + index),
        raisesEpoch: index % 2 === 1,
        producerEpoch: between(random, 0, 3),
        coordinatorEpoch: 0,
        sequences: new Map(),
        open: new Set(),
      }),
    );
  let names = 0;
  const records = (who: string): Batch => {
    const all = Array.from({ length: between(random, 1, 6) }, (_, offsetDelta) => ({
      key: `key-${between(random, 0, 9)}`,
      value: `${who} ${seed}/${++names} ${'x'.repeat(between(random, 0, 80))}`,
      timestamp: BigInt(now),
      offsetDelta,
    }));
    const isGone = random() < missing / 2;
    return { count: all.length, kept: isGone ? [] : all.filter(() => random() >= missing) };
  };
  const append = async (partition: number, { kept, count: taken }: Batch, more: object): Promise<number> => {
    const where = { baseOffset: BigInt(ends[partition]!), partitionLeaderEpoch: 0, lastOffsetDelta: taken - 1 };
    const compression = CODECS[between(random, 0, CODECS.length - 1)]!;
    if (kept.length > 0) parts[partition]!.push(await buildBatch(kept, { ...where, compression, ...more }));
    ends[partition] = ends[partition]! + taken;
    return taken;
  };
  const writePlain = async (partition: number): Promise<void> => {
    const baseSequence = plainSequences[partition]!;
    const taken = await append(partition, records('plain'), {
      producerId: NOT_TRANSACTIONAL + BigInt(seed),
      producerEpoch: 0,
      baseSequence,
    });
    plainSequences[partition] = baseSequence + taken;
  };
  const write = async (producer: ScriptedProducer, partition: number): Promise<void> => {
    const { producerId, producerEpoch, sequences, open } = producer;
    const baseSequence = sequences.get(partition) ?? 0;
    const taken = await append(partition, records(`p${producerId}`), { producerId, producerEpoch, baseSequence, transactional: true });
    sequences.set(partition, baseSequence + taken);
    open.add(partition);
  };
  const end = (producer: ScriptedProducer): void => {
    const result = random() < 0.4 ? 'abort' : 'commit';
    if (producer.raisesEpoch) {
      producer.producerEpoch++;
      producer.sequences = new Map();
    }
    // The coordinator has moved.
    if (random() < 0.2) producer.coordinatorEpoch++;
    const { producerId, producerEpoch, coordinatorEpoch, open } = producer;
    for (const partition of open) {
      const where = { baseOffset: BigInt(ends[partition]!), partitionLeaderEpoch: 0 };
      const who = { producerId, producerEpoch, timestamp: BigInt(now) };
      parts[partition]!.push(buildEndTxnMarker({ result, coordinatorEpoch }, { ...where, ...who }));
      ends[partition] = ends[partition]! + 1;
    }
    open.clear();
  };
  for (let event = 0; event < events; event++) {
    const producer = producers[between(random, 0, producers.length - 1)]!;
    const partition = between(random, 0, ends.length - 1);
    const chance = random();
    if (chance < 0.2) await writePlain(partition);
    else if (chance < 0.7 || producer.open.size === 0) await write(producer, partition);
    else end(producer);
  }
  const appends = parts.flatMap((bytes, partition) => (bytes.length === 0 ? [] : [{ topic, partition, bytes: Buffer.concat(bytes) }]));
  return { appends, ends, producers };
};

/** Ends what is open: the markers to be written, by partition. */
export const openEnds = (
  producers: readonly ScriptedProducer[],
): readonly { readonly partition: number; readonly producerId: bigint; readonly producerEpoch: number }[] =>
  producers.flatMap(({ producerId, producerEpoch, open }) => [...open].map((partition) => ({ partition, producerId, producerEpoch })));
