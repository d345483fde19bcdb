/** What a partition remembers of each producer id, and the rules by which it takes or refuses the next batch (KIP-98, KIP-360). Pure. */
import { Refusal } from '../refusal.ts';

/** One of the last batches of a producer: enough to recognise it when it is sent again. */
export interface SentBatch {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
  readonly timestamp: bigint;
}

/** Producer ids up to 2^63 − 1 have a state; −1 (none) and the negative ids below it have not. */
export interface ProducerState {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  /** −1 until a marker came. */
  readonly coordinatorEpoch: number;
  /** Time of the last batch or marker as its records tell it: what expiry is counted from. */
  readonly lastTimestamp: bigint;
  /** At most five, oldest first. */
  readonly batches: readonly SentBatch[];
  /** Where the open transaction began, or null. */
  readonly currentTxnFirstOffset: bigint | null;
}

/** What the rules need to know of a data batch. */
export interface ProducedBatch {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly lastOffsetDelta: number;
  readonly isTransactional: boolean;
  readonly maxTimestamp: bigint;
}

/** Who appends: a client is checked in full, a coordinator for its epochs, a follower takes what its leader took. */
export type AppendOrigin = 'client' | 'coordinator' | 'replication';

/** `NUM_BATCHES_TO_RETAIN`: why an idempotent producer may have at most five requests in flight. */
const REMEMBERED_BATCHES = 5;
const MAX_SEQUENCE = 0x7fff_ffff;

/** Only ids above −1 have state. Batches of lower ids pass every check of this file unseen. */
export const hasProducerId = (producerId: bigint): boolean => producerId > -1n;

/** Sequences wrap from 2^31 − 1 to 0. */
export const sequenceAfter = (sequence: number, count: number): number => (sequence + count) % (MAX_SEQUENCE + 1);

const lastSequenceOf = ({ batches }: ProducerState): number => batches.at(-1)?.lastSequence ?? -1;

/** The remembered batch that `batch` repeats, if it does: same epoch, same first and last sequence. */
export const duplicateOf = (state: ProducerState | undefined, batch: ProducedBatch): SentBatch | undefined => {
  if (state === undefined || state.producerEpoch !== batch.producerEpoch) return undefined;
  const lastSequence = sequenceAfter(batch.baseSequence, batch.lastOffsetDelta);
  return state.batches.find((sent) => sent.firstSequence === batch.baseSequence && sent.lastSequence === lastSequence);
};

const checkEpoch = (state: ProducerState, producerEpoch: number, origin: AppendOrigin): void => {
  if (producerEpoch < state.producerEpoch && origin !== 'replication') {
    throw new Refusal(
      'INVALID_PRODUCER_EPOCH',
      `Epoch ${producerEpoch} of producer ${state.producerId} is smaller than the last seen epoch ${state.producerEpoch}`,
    );
  }
};

/** A producer without state may begin anywhere; a new epoch begins at 0; otherwise the sequences go on without a gap. */
const checkSequence = (state: ProducerState, { producerEpoch, baseSequence, producerId }: ProducedBatch): void => {
  const last = producerEpoch === state.producerEpoch ? lastSequenceOf(state) : -1;
  const inSequence = baseSequence === last + 1 || (baseSequence === 0 && last === MAX_SEQUENCE);
  if (!inSequence) {
    throw new Refusal(
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
      `Out of order sequence number for producer ${producerId}: ${baseSequence} (incoming seq. number), ${last} (current end sequence number)`,
    );
  }
};

/** The state after a data batch at `firstOffset`. Throws the refusal of a batch that breaks the rules. */
export const afterBatch = (
  state: ProducerState | undefined,
  batch: ProducedBatch,
  firstOffset: bigint,
  origin: AppendOrigin,
): ProducerState => {
  const { producerId, producerEpoch, baseSequence, lastOffsetDelta, isTransactional, maxTimestamp } = batch;
  if (state !== undefined) {
    checkEpoch(state, producerEpoch, origin);
    if (origin === 'client') checkSequence(state, batch);
    if (state.currentTxnFirstOffset !== null && !isTransactional) {
      throw new Refusal('INVALID_TXN_STATE', `Expected transactional write from producer ${producerId}`);
    }
  }
  const sent: SentBatch = {
    firstSequence: baseSequence,
    lastSequence: sequenceAfter(baseSequence, lastOffsetDelta),
    firstOffset,
    lastOffset: firstOffset + BigInt(lastOffsetDelta),
    timestamp: maxTimestamp,
  };
  const before = state !== undefined && state.producerEpoch === producerEpoch ? state.batches : [];
  return {
    producerId,
    producerEpoch,
    coordinatorEpoch: state?.coordinatorEpoch ?? -1,
    lastTimestamp: maxTimestamp,
    batches: [...before, sent].slice(-REMEMBERED_BATCHES),
    currentTxnFirstOffset: state?.currentTxnFirstOffset ?? (isTransactional ? firstOffset : null),
  };
};

/** The end of a transaction as its control batch tells it. */
export interface ProducerMarker {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
  readonly timestamp: bigint;
}

/** The state after an end-of-transaction marker: the transaction is over, the time is the marker's, the sequence stays. */
export const afterMarker = (state: ProducerState | undefined, marker: ProducerMarker, origin: AppendOrigin): ProducerState => {
  const { producerId, producerEpoch, coordinatorEpoch, timestamp } = marker;
  if (state !== undefined) {
    checkEpoch(state, producerEpoch, origin);
    if (coordinatorEpoch < state.coordinatorEpoch && origin !== 'replication') {
      throw new Refusal(
        'TRANSACTION_COORDINATOR_FENCED',
        `Coordinator epoch ${coordinatorEpoch} for producer ${producerId} is older than the last seen ${state.coordinatorEpoch}`,
      );
    }
  }
  return {
    producerId,
    producerEpoch,
    coordinatorEpoch,
    lastTimestamp: timestamp,
    batches: state?.producerEpoch === producerEpoch ? state.batches : [],
    currentTxnFirstOffset: null,
  };
};
