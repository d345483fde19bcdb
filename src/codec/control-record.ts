/** Control records: what brokers write for themselves into a partition, above all the end of a transaction (KIP-98). */
import { corruptBatch } from './corrupt-batch.ts';
import { decodeRecordBody, decodeRecordFrames, type RecordContent } from './record.ts';
import type { RecordBatch } from './record-batch.ts';

/** The type in a control record's key. Other types exist in metadata logs and may come to ordinary ones (KIP-1279): treat them as opaque. */
export const CONTROL_TYPES = { abort: 0, commit: 1 } as const;
export type TransactionResult = keyof typeof CONTROL_TYPES;

/** How a transaction ended, as its coordinator says in every partition it touched. */
export interface EndTxnMarker {
  readonly result: TransactionResult;
  /** Leader epoch of the coordinator's partition; brokers fence older ones. */
  readonly coordinatorEpoch: number;
}

/** The type field of a control record's key. Throws `KLINK_CORRUPT_BATCH` when there is none. */
export const controlTypeOf = (key: Buffer | null): number => {
  if (key === null || key.length < 4)
    throw corruptBatch(`Corrupt control record: a key of ${key?.length ?? 0} bytes, version and type take 4`);
  if (key.readInt16BE(0) < 0) throw corruptBatch(`Corrupt control record: key version ${key.readInt16BE(0)}`);
  return key.readInt16BE(2);
};

/** The type of the one record in a control batch; brokers do not compress those. Throws `KLINK_CORRUPT_BATCH` when there is none. */
export const controlTypeOfBatch = (batch: RecordBatch): number => controlTypeOf(controlRecordOf(batch).key);

/** The marker in a control batch, or null for a control batch of another type. Throws `KLINK_CORRUPT_BATCH` when it has no record. */
export const endTxnMarkerOfBatch = (batch: RecordBatch): EndTxnMarker | null => decodeEndTxnMarker(controlRecordOf(batch));

const controlRecordOf = ({ payload }: RecordBatch): RecordContent => {
  const [frame] = decodeRecordFrames(payload, 1);
  return frame === undefined ? NO_RECORD : decodeRecordBody(frame.body);
};
const NO_RECORD: RecordContent = { key: null, value: null, headers: [] };

/** The marker in a control record, or null for a control record of another type. Fields of later versions are left unread, as brokers do. */
export const decodeEndTxnMarker = ({ key, value }: Pick<RecordContent, 'key' | 'value'>): EndTxnMarker | null => {
  const type = controlTypeOf(key);
  if (type !== CONTROL_TYPES.abort && type !== CONTROL_TYPES.commit) return null;
  if (value === null || value.length < 6)
    throw corruptBatch(`Corrupt transaction marker: a value of ${value?.length ?? 0} bytes, 6 are needed`);
  if (value.readInt16BE(0) < 0) throw corruptBatch(`Corrupt transaction marker: value version ${value.readInt16BE(0)}`);
  return { result: type === CONTROL_TYPES.abort ? 'abort' : 'commit', coordinatorEpoch: value.readInt32BE(2) };
};

/** Key and value of the marker, both version 0. */
export const encodeEndTxnMarker = ({ result, coordinatorEpoch }: EndTxnMarker): RecordContent => {
  const key = Buffer.alloc(4);
  key.writeInt16BE(CONTROL_TYPES[result], 2);
  const value = Buffer.alloc(6);
  value.writeInt32BE(coordinatorEpoch, 2);
  return { key, value, headers: [] };
};
