/** A link without a network: plans answers, queues their steps, carries them out one after the other, and dies whenever the test says so. */
import fc from 'fast-check';
import { RecordBatch } from '../../../../src/codec/record-batch.ts';
import { AppendQueue, type BatchMaker, type Fill } from '../../../../src/link/replication/append-queue.ts';
import { type RememberedProducer, sequenceAfter, sequenceOf } from '../../../../src/link/replication/batch-stamp.ts';
import { ByteWindow } from '../../../../src/link/replication/byte-window.ts';
import { fillerBatch, fillerBatchLimit, PADDING_TIMESTAMP } from '../../../../src/link/replication/filler-batch.ts';
import { isMappedId } from '../../../../src/link/replication/mapped-producer.ts';
import { planRecords } from '../../../../src/link/replication/plan.ts';
import { rebuildBatch } from '../../../../src/link/replication/rebuild-batch.ts';
import type { TransactionMode } from '../../../../src/link/replication/transaction-mode.ts';
import type { MirrorLog } from './mirror-log.ts';
import type { Random, SourceLog } from './source-log.ts';

/** Below this clusters hand out ids. */
const FIRST_FREE_ID = 2n ** 62n;
export const PRODUCER = { producerId: 2n ** 40n + 3n, producerEpoch: 2 };

export interface CopyOptions {
  readonly fill: Fill['as'];
  readonly transactions: TransactionMode;
  readonly random: Random;
  /** Most bytes of a rebuilt batch. */
  readonly maxBytes: number;
}

/** What one life of a link came to. */
export type Outcome = 'caught up' | 'died';

/** Mirrors until all is copied that can be read, or until `lifetime` steps are done. */
export const copy = async (source: SourceLog, mirror: MirrorLog, lifetime: number, options: CopyOptions): Promise<Outcome> => {
  const { random } = options;
  const below = (limit: number): number => Math.floor(random() * limit);
  const maker: BatchMaker = {
    rebuild: (batch, from, given) => rebuildBatch(batch, from, { ...given, maxBytes: options.maxBytes }),
    filler: async (kind, wanted, timestamp) => {
      // Smaller than they could be, so that there are several.
      const count = Math.min(wanted, fillerBatchLimit(kind), 1 + below(6));
      return { offset: 0, count, bytes: await fillerBatch(kind, count, timestamp) };
    },
  };
  const window = new ByteWindow(1, () => {});
  const queue = new AppendQueue(PRODUCER, maker);
  const remembered = mirror.producers.map(({ producerId, producerEpoch, batches }): readonly [bigint, RememberedProducer] => [
    producerId,
    { producerEpoch, lastSequence: batches.at(-1)?.lastSequence ?? -1 },
  ]);
  const own = new Map(remembered).get(PRODUCER.producerId);
  const mapped = new Map(remembered.filter(([producerId]) => isMappedId(producerId)));
  queue.begin(own === undefined ? sequenceOf(mirror.end) : sequenceAfter(own.lastSequence, 1), mapped);
  let fetchOffset = Math.max(mirror.end, source.start);
  if (fetchOffset > mirror.end) {
    // What the source has deleted may have held the ends of what is open here.
    const aborts = mirror.producers
      .filter(({ currentTxnFirstOffset }) => currentTxnFirstOffset !== null)
      .map(({ producerId, producerEpoch, coordinatorEpoch }) => ({ producerId, producerEpoch, commit: false, coordinatorEpoch }));
    // With fewer offsets than that some of them could not be ended.
    fc.pre(aborts.length <= fetchOffset - mirror.end);
    queue.owe(aborts);
    queue.pushFill(mirror.end, fetchOffset, { as: 'records', timestamp: PADDING_TIMESTAMP });
  }
  let left = lifetime;
  let isCaughtUp = false;
  while (left > 0 && !(isCaughtUp && queue.isEmpty)) {
    if (!isCaughtUp && (queue.isEmpty || random() < 0.3)) {
      const { transactions } = options;
      const { records, aborted } = source.slice(fetchOffset, transactions === 'exact' ? 'read_uncommitted' : 'read_committed');
      const lease = window.take(records.length);
      const plan = planRecords(records, {
        label: 't-0',
        expected: fetchOffset,
        lastFetchedEpoch: -1,
        aborted,
        mayFill: true,
        transactions,
      });
      if (plan.stop !== null) throw plan.stop;
      expectWhole(plan.steps, fetchOffset, plan.nextOffset);
      queue.push(plan.steps, records, lease, { as: options.fill, timestamp: mirror.lastTimestamp });
      lease.drop();
      isCaughtUp = plan.nextOffset === fetchOffset;
      fetchOffset = plan.nextOffset;
      continue;
    }
    left = (await step(queue, mirror, below)) ? left - 1 : 0;
  }
  // Also in the middle of making something, of which nobody is told any more.
  if (queue.next === 'make' && random() < 0.5) {
    queue.make(() => {
      throw new Error('told of what was given up');
    });
  }
  queue.clear();
  if (queue.bytes !== 0 || window.taken !== 0)
    throw new Error(`${queue.bytes} bytes and ${window.taken} of the window were not given back`);
  return isCaughtUp && left > 0 ? 'caught up' : 'died';
};

/** Steps follow each other without a gap, from the mirror's end to the next offset to fetch. */
const expectWhole = (steps: readonly { readonly offset: number; readonly nextOffset: number }[], from: number, to: number): void => {
  let at = from;
  for (const { offset, nextOffset } of steps) {
    if (offset !== at || nextOffset <= offset) throw new Error(`a step from ${offset} to ${nextOffset} where one from ${at} was due`);
    at = nextOffset;
  }
  if (at !== to) throw new Error(`the steps end at ${at}, the next fetch begins at ${to}`);
};

/** False when the link is to die, with batches on their way. */
const step = async (queue: AppendQueue, mirror: MirrorLog, below: (limit: number) => number): Promise<boolean> => {
  switch (queue.next) {
    case 'nothing':
      return true;
    case 'make': {
      const error = await new Promise<unknown>((done) => queue.make(done));
      if (error !== null) throw error;
      return true;
    }
    case 'markers': {
      const fill = queue.takeFill(1 + below(5))!;
      if (fill.offset !== mirror.end)
        throw new Error(`offsets from ${fill.offset} were to be filled, but the mirror ends at ${mirror.end}`);
      if (fill.ends === undefined) mirror.fill(fill.nextOffset - fill.offset);
      else for (const end of fill.ends) mirror.endTransaction(end);
      if (mirror.end !== fill.nextOffset) throw new Error(`markers up to ${fill.nextOffset} end at ${mirror.end}`);
      return true;
    }
    case 'batch': {
      // Up to five on their way, of which the last ones may be lost with the link.
      const sent = [...Array(1 + below(5)).keys()].flatMap(() => queue.takeBatch() ?? []);
      const landed = below(4) === 0 ? below(sent.length + 1) : sent.length;
      for (const [index, batch] of sent.entries()) {
        if (index < landed) {
          const { producerId, producerEpoch } = RecordBatch.at(batch.bytes);
          const from = batch.producer ?? PRODUCER;
          if (batch.producer !== null && producerId < FIRST_FREE_ID)
            throw new Error(`somebody at the destination may have id ${producerId}`);
          if (producerId !== from.producerId || producerEpoch !== from.producerEpoch) throw new Error(`sent as producer ${producerId}`);
          const offset = await mirror.produce(batch.bytes);
          if (offset !== batch.offset) throw new Error(`the batch for offset ${batch.offset} landed at ${offset}`);
          if (mirror.end !== batch.nextOffset)
            throw new Error(`the batch for ${batch.offset} ends at ${mirror.end}, not at ${batch.nextOffset}`);
        }
        queue.landed(batch);
      }
      return landed === sent.length;
    }
  }
};
