/** What to do with the batches that a fetch brought, decided from their headers, the aborted list and the mirror's end alone. Pure. */
import { endTxnMarkerOfBatch } from '../../codec/control-record.ts';
import { corruptBatch } from '../../codec/corrupt-batch.ts';
import { BATCH_ATTRIBUTES, RecordBatch } from '../../codec/record-batch.ts';
import { RecordSetCursor } from '../../codec/record-set.ts';
import { LinkError } from '../../errors.ts';
import { MirrorFailure, type MirrorTopicError } from '../mirror-failure.ts';
import { type AbortedTransaction, AbortedTransactions } from './aborted-transactions.ts';
import { mapProducerId, sameProducer, type TransactionalProducer, type TransactionEnd } from './mapped-producer.ts';
import { appendTimeBase } from './rebuild-batch.ts';
import type { TransactionMode } from './transaction-mode.ts';

/** Batches `position` to `end` of the answer, appended with no more than their header changed. */
export interface AppendStep {
  readonly kind: 'append';
  readonly offset: number;
  nextOffset: number;
  readonly position: number;
  end: number;
  /** Whose transaction they belong to; null where they go under the link's own producer. */
  readonly producer: TransactionalProducer | null;
}
/** One batch that no broker would take as it is: its records from `offset` on are put into batches of their own, with fill between. */
export interface RebuildStep {
  readonly kind: 'rebuild';
  readonly offset: number;
  readonly nextOffset: number;
  readonly position: number;
  readonly end: number;
  readonly producer: TransactionalProducer | null;
  /** As of {@link FillStep}. */
  readonly after: number;
}
/** Offsets under which a consumer of the source finds nothing. */
export interface FillStep {
  readonly kind: 'fill';
  readonly offset: number;
  nextOffset: number;
  /** Position of the last batch with records before them; -1 when the answer has none. Records that fill get its time. */
  readonly after: number;
}
/** The end of a transaction, to be written as it stands at the source. */
export interface EndStep {
  readonly kind: 'end';
  readonly offset: number;
  readonly nextOffset: number;
  readonly end: TransactionEnd;
}
export type Step = AppendStep | RebuildStep | FillStep | EndStep;

/** The steps for one answer, in the order of their offsets, without a gap between them. */
export interface Plan {
  readonly steps: readonly Step[];
  /** Where the mirror ends once the steps are done, and where to fetch next. */
  readonly nextOffset: number;
  /** Leader epoch of the last batch that was looked at, or the one that was given. */
  readonly lastFetchedEpoch: number;
  /** Time of the last batch with records, in milliseconds; null when there is none. */
  readonly lastTimestamp: bigint | null;
  /** Bytes of the largest batch, one that the answer has cut off included; 0 when there is none. */
  readonly largestBatch: number;
  /** What ends the mirror after these steps. */
  readonly stop: MirrorFailure | null;
}

export interface PlanContext {
  /** For messages: `orders-0`. */
  readonly label: string;
  /** The mirror's end: where the first step begins. */
  readonly expected: number;
  readonly lastFetchedEpoch: number;
  readonly aborted: readonly AbortedTransaction[] | null;
  /** Offsets without a record may be filled. */
  readonly mayFill: boolean;
  /** Default `committed`. */
  readonly transactions?: TransactionMode;
}

/**
 * - `append`: as it is, but for its header. A leader takes a batch only if it fills every offset of its range (lastOffsetDelta + 1 = count).
 * - `rebuild`: its records must be put into other batches: compaction took some, the mirror begins inside of it, or its timestamps are a broker's.
 * - `fill`: there is nothing in it that a consumer sees.
 * - `skip`: it lies below the mirror's end.
 */
export type BatchVerdict = 'append' | 'rebuild' | 'fill' | 'skip';

/** Pure. `isAborted`: the batch belongs to a transaction that was aborted. */
export const judgeBatch = (expected: number, batch: RecordBatch, isAborted: boolean): BatchVerdict => {
  if (batch.nextOffsetNumber <= expected) return 'skip';
  const { attributes, recordsCount } = batch;
  if ((attributes & BATCH_ATTRIBUTES.control) !== 0 || isAborted || recordsCount === 0) return 'fill';
  // A log may begin inside a batch, where its records were deleted up to there.
  if (batch.baseOffsetNumber < expected || !batch.isDense) return 'rebuild';
  return (attributes & BATCH_ATTRIBUTES.logAppendTime) === 0 || appendTimeBase(batch) !== null ? 'append' : 'rebuild';
};

/** Plans a whole `records` field. Reads headers and nothing else, and changes nothing. */
export const planRecords = (records: Buffer, context: PlanContext): Plan => {
  const cursor = new RecordSetCursor().open(records);
  const planner = new Planner(records, context);
  try {
    while (planner.stop === null && cursor.next()) planner.take(cursor.batch, cursor.position);
  } catch (error) {
    if (!LinkError.is(error)) throw error;
    planner.corrupt(error.message, error);
  }
  planner.largestBatch = Math.max(planner.largestBatch, cursor.announcedBytes);
  if (planner.stop === null && cursor.stop === 'message-set') {
    const where = `the source has messages of format v${cursor.magic} from offset ${cursor.messageOffset}`;
    planner.refuse('UNSUPPORTED_MESSAGE_FORMAT', `${where}; only v2 record batches (Kafka 0.11 and later) are mirrored`);
  }
  return planner;
};

class Planner implements Plan {
  readonly steps: Step[] = [];
  nextOffset: number;
  lastFetchedEpoch: number;
  largestBatch = 0;
  stop: MirrorFailure | null = null;
  readonly #records: Buffer;
  readonly #context: PlanContext;
  readonly #aborted: AbortedTransactions;
  #lastWithRecords = -1;

  constructor(records: Buffer, context: PlanContext) {
    this.#records = records;
    this.#context = context;
    this.nextOffset = context.expected;
    this.lastFetchedEpoch = context.lastFetchedEpoch;
    this.#aborted = new AbortedTransactions(context.aborted);
  }

  get lastTimestamp(): bigint | null {
    return this.#lastWithRecords < 0 ? null : RecordBatch.at(this.#records, this.#lastWithRecords).maxTimestamp;
  }

  /** `end`: the byte after the batch. */
  take(batch: RecordBatch, end: number): void {
    if (batch.sizeInBytes > this.largestBatch) this.largestBatch = batch.sizeInBytes;
    const isAborted = this.#aborted.includes(batch);
    const base = batch.baseOffsetNumber;
    const verdict = judgeBatch(this.nextOffset, batch, isAborted);
    if (base < this.nextOffset && this.steps.length > 0) {
      this.corrupt(`a batch at offset ${base} follows those up to ${this.nextOffset - 1}`);
      return;
    }
    if (verdict === 'skip') return;
    if (base > this.nextOffset) this.#fill(base, 'UNSUPPORTED_OFFSET_GAP', batch);
    if (this.stop !== null) return;
    const next = batch.nextOffsetNumber;
    const producer = this.#context.transactions === 'exact' && batch.isTransactional ? this.#producerOf(batch) : null;
    if (this.stop !== null) return;
    const ending = producer !== null && batch.isControl && batch.recordsCount > 0 ? endOf(batch, producer) : null;
    if (ending !== null) this.steps.push({ kind: 'end', offset: this.nextOffset, nextOffset: next, end: ending });
    else if (verdict === 'fill') this.#fill(next, batch.recordsCount === 0 ? 'UNSUPPORTED_SPARSE_BATCH' : 'UNSUPPORTED_TRANSACTION', batch);
    else if (verdict === 'append') this.#append(next, batch.position, end, producer);
    else if (!batch.isDense && !this.#context.mayFill) this.#refuseBatch('UNSUPPORTED_SPARSE_BATCH', batch);
    else {
      const after = this.#lastWithRecords;
      this.steps.push({ kind: 'rebuild', offset: this.nextOffset, nextOffset: next, position: batch.position, end, producer, after });
    }
    if (this.stop !== null) return;
    if (verdict !== 'fill') this.#lastWithRecords = batch.position;
    this.nextOffset = next;
    this.lastFetchedEpoch = batch.partitionLeaderEpoch;
  }

  corrupt(what: string, cause?: LinkError): void {
    const { label } = this.#context;
    this.stop = new MirrorFailure(
      'CORRUPT_SOURCE_BATCH',
      `${label}: what the source sent for offset ${this.nextOffset} cannot be: ${what}`,
      cause,
    );
  }

  refuse(reason: MirrorTopicError, what: string): void {
    this.stop = new MirrorFailure(reason, `${this.#context.label}: ${what}`);
  }

  /** Batches that follow each other are one step, however many they are. */
  #append(nextOffset: number, position: number, end: number, producer: TransactionalProducer | null): void {
    const last = this.steps.at(-1);
    if (last?.kind === 'append' && sameProducer(last.producer, producer)) {
      last.nextOffset = nextOffset;
      last.end = end;
    } else {
      this.steps.push({ kind: 'append', offset: this.nextOffset, nextOffset, position, end, producer });
    }
  }

  /** Null for ids that producers do not have: with them a batch belongs to no transaction, whatever its header says. */
  #producerOf({ producerId, producerEpoch, baseOffset }: RecordBatch): TransactionalProducer | null {
    if (producerId < 0n) return null;
    const mapped = mapProducerId(producerId);
    if (mapped !== null) return { producerId: mapped, producerEpoch };
    this.refuse(
      'UNSUPPORTED_TRANSACTION',
      `the source batch at offset ${baseOffset} has the producer id ${producerId}, which has no place among those of mirrored transactions. Mirror the topic with transactions: 'committed'`,
    );
    return null;
  }

  #fill(nextOffset: number, reason: FillReason, batch: RecordBatch): void {
    if (!this.#context.mayFill) {
      this.#refuseBatch(reason, batch);
      return;
    }
    const last = this.steps.at(-1);
    if (last?.kind === 'fill') last.nextOffset = nextOffset;
    else this.steps.push({ kind: 'fill', offset: this.nextOffset, nextOffset, after: this.#lastWithRecords });
    this.nextOffset = nextOffset;
  }

  #refuseBatch(reason: FillReason, batch: RecordBatch): void {
    this.refuse(reason, `${fillReasons[reason](this.nextOffset, batch)}, and the link may not fill such offsets. ${FILL_ADVICE}`);
  }
}

/** The end of a transaction that a control batch holds; null for control records of other types. */
const endOf = (batch: RecordBatch, producer: TransactionalProducer): TransactionEnd | null => {
  const marker = endTxnMarkerOfBatch(batch);
  if (marker !== null && batch.lastOffsetDelta > 0)
    throw corruptBatch(`a marker at offset ${batch.baseOffset} has ${batch.lastOffsetDelta + 1} offsets`);
  return marker === null ? null : { ...producer, commit: marker.result === 'commit', coordinatorEpoch: marker.coordinatorEpoch };
};

type FillReason = 'UNSUPPORTED_OFFSET_GAP' | 'UNSUPPORTED_TRANSACTION' | 'UNSUPPORTED_SPARSE_BATCH';

const rangeOf = (batch: RecordBatch): string => `the source batch at offsets ${batch.baseOffset} to ${batch.lastOffset}`;

/** What stands at `expected` that a mirror without fill cannot hold, for people. */
const fillReasons: Readonly<Record<FillReason, (expected: number, batch: RecordBatch) => string>> = {
  UNSUPPORTED_OFFSET_GAP: (expected, batch) =>
    `the source has no records from offset ${expected} to ${batch.baseOffset - 1n} (compacted, or markers of transactions)`,
  UNSUPPORTED_TRANSACTION: (_, batch) => `${rangeOf(batch)} is the marker of a transaction, or was aborted with one`,
  UNSUPPORTED_SPARSE_BATCH: (_, batch) =>
    `${rangeOf(batch)} holds ${batch.recordsCount} records for ${batch.lastOffsetDelta + 1} offsets (compacted)`,
};

const FILL_ADVICE = 'See fill policies in docs/guarantees.md: markers need ALTER or CLUSTER_ACTION on the destination cluster';
