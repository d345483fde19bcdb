/** Batches with random bytes for records, for those who look at headers alone, and messages of old formats. */

import type { Random } from '../../../../src/client/clock.ts';
import { assembleBatch, type BatchHeader } from '../../../../src/codec/batch-builder.ts';
import { BATCH_ATTRIBUTES } from '../../../../src/codec/record-batch.ts';

export type BatchKind = 'data' | 'control' | 'transactional' | 'append-time' | 'sparse' | 'empty';

const ATTRIBUTES: Readonly<Record<BatchKind, number>> = {
  data: 0,
  control: BATCH_ATTRIBUTES.control | BATCH_ATTRIBUTES.transactional,
  transactional: BATCH_ATTRIBUTES.transactional,
  'append-time': BATCH_ATTRIBUTES.logAppendTime,
  sparse: 0,
  empty: 0,
};

export interface BatchShape {
  readonly kind?: BatchKind;
  readonly base: number;
  /** Offsets that the batch takes. */
  readonly offsets: number;
  readonly leaderEpoch: number;
  readonly payloadBytes?: number;
}

/** One batch; its payload is random bytes, so that no two batches are alike. */
export const makeBatch = (
  { kind = 'data', base, offsets, leaderEpoch, payloadBytes = 8 }: BatchShape,
  random: Random,
  changes: Partial<BatchHeader> = {},
): Buffer =>
  assembleBatch(
    {
      baseOffset: BigInt(base),
      partitionLeaderEpoch: leaderEpoch,
      attributes: ATTRIBUTES[kind],
      lastOffsetDelta: offsets - 1,
      baseTimestamp: 1_600_000_000_000n,
      maxTimestamp: 1_600_000_000_000n + BigInt(Math.floor(random() * 1000)),
      // A producer of the source, whose numbers must not reach the destination.
      producerId: BigInt(Math.floor(random() * 4)),
      producerEpoch: 0,
      baseSequence: Math.floor(random() * 1000),
      recordsCount: kind === 'sparse' ? offsets - 1 : kind === 'empty' ? 0 : offsets,
      ...changes,
    },
    Buffer.from(Array.from({ length: payloadBytes }, () => Math.floor(random() * 256))),
  );

/** A message of format v1, as far as a header walk looks at it. */
export const makeOldMessage = (offset: number): Buffer => {
  const message = Buffer.alloc(34);
  message.writeBigInt64BE(BigInt(offset), 0);
  message.writeInt32BE(message.length - 12, 8);
  message.writeInt8(1, 16);
  return message;
};
