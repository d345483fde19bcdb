/** Batches with real records in them, as producers, transaction coordinators and the log cleaner leave them at the source. */
import { gzipSync } from 'node:zlib';
import type { Random } from '../../../../src/client/clock.ts';
import { assembleBatch } from '../../../../src/codec/batch-builder.ts';
import { encodeRecordBody, encodeRecordFrames } from '../../../../src/codec/record.ts';
import { CONTROL, DELETE_HORIZON, LOG_APPEND_TIME, TRANSACTIONAL } from './record-reader.ts';

export interface SimRecord {
  readonly offset: number;
  /** The producer's, also in a batch that shows its append time. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[];
}

export interface BatchFields {
  readonly base: number;
  readonly next: number;
  readonly leaderEpoch: number;
  readonly producerId: number;
  readonly baseSequence?: number;
  readonly isGzip?: boolean;
  readonly isTransactional?: boolean;
  readonly isControl?: boolean;
  /** Makes it a LogAppendTime batch. */
  readonly appendTime?: number;
  /** Set by the cleaner: `baseTimestamp` is the time after which tombstones may go (KIP-534). */
  readonly deleteHorizon?: number;
  /** Of an empty batch: it keeps what it had. */
  readonly maxTimestamp?: number;
}

const NO_TIMESTAMP = -1;

export const encodeBatch = (fields: BatchFields, records: readonly SimRecord[]): Buffer => {
  const { base, next, isGzip = false, appendTime, deleteHorizon } = fields;
  const isEmpty = records.length === 0;
  const baseTimestamp = isEmpty ? NO_TIMESTAMP : (deleteHorizon ?? records[0]?.timestamp ?? NO_TIMESTAMP);
  const maxTimestamp = appendTime ?? fields.maxTimestamp ?? Math.max(...records.map(({ timestamp }) => timestamp));
  const payload = encodeRecordFrames(
    records.map(({ offset, timestamp, ...content }) => ({
      attributes: 0,
      timestampDelta: BigInt(timestamp - baseTimestamp),
      offsetDelta: offset - base,
      body: encodeRecordBody(content),
    })),
  );
  const bits = [
    isGzip && !isEmpty && 1,
    appendTime !== undefined && LOG_APPEND_TIME,
    fields.isTransactional && TRANSACTIONAL,
    fields.isControl && CONTROL,
    deleteHorizon !== undefined && !isEmpty && DELETE_HORIZON,
  ];
  return assembleBatch(
    {
      baseOffset: BigInt(base),
      partitionLeaderEpoch: fields.leaderEpoch,
      attributes: bits.reduce<number>((all, bit) => all | (bit || 0), 0),
      lastOffsetDelta: next - base - 1,
      baseTimestamp: BigInt(baseTimestamp),
      maxTimestamp: BigInt(maxTimestamp),
      producerId: BigInt(fields.producerId),
      producerEpoch: fields.producerId < 0 ? -1 : 0,
      baseSequence: fields.baseSequence ?? -1,
      recordsCount: records.length,
    },
    isGzip && !isEmpty ? gzipSync(payload, { level: 1 }) : payload,
  );
};

/** So many records from `base` on. Few sizes, so that batches that differ are often equally long. */
export const randomRecords = (random: Random, base: number, count: number, time: number): SimRecord[] => {
  const below = (limit: number): number => Math.floor(random() * limit);
  const some = (): Buffer => Buffer.from(Array.from({ length: random() < 0.8 ? 3 : 12 }, () => below(256)));
  return Array.from({ length: count }, (_, index) => ({
    offset: base + index,
    timestamp: random() < 0.05 ? NO_TIMESTAMP : time + below(1_000),
    key: random() < 0.2 ? null : some(),
    value: random() < 0.2 ? null : some(),
    headers: random() < 0.8 ? [] : [{ key: 'h', value: random() < 0.5 ? null : some() }],
  }));
};

/** Types of control records (KIP-98); 7 is one that no release knows. */
export const CONTROL_TYPE = { abort: 0, commit: 1, unknown: 7 } as const;

/** The one record of a control batch: two int16 as its key, and the coordinator's epoch behind a version in its value. */
export const controlRecord = (offset: number, timestamp: number, type: keyof typeof CONTROL_TYPE): SimRecord => ({
  offset,
  timestamp,
  key: Buffer.from([0, 0, 0, CONTROL_TYPE[type]]),
  value: Buffer.from([0, 0, 0, 0, 0, 0]),
  headers: [],
});
