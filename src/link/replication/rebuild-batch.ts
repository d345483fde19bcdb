/** Makes dense batches of the records of a batch that cannot go as it is: the one place of the mirror path that opens a payload. */
import { MalformedError } from '../../bytes/malformed.ts';
import { Reader } from '../../bytes/reader.ts';
import { readVarint, readVarlong } from '../../bytes/varint.ts';
import { assembleBatch } from '../../codec/batch-builder.ts';
import { computeCrc } from '../../codec/batch-crc.ts';
import { compress, type DecompressOptions } from '../../codec/compression.ts';
import { corruptBatch } from '../../codec/corrupt-batch.ts';
import { patchBatch } from '../../codec/patch-header.ts';
import { readRecordFrames } from '../../codec/read-records.ts';
import { encodeRecordFrames, type RecordFrame } from '../../codec/record.ts';
import { BATCH_ATTRIBUTES, RecordBatch } from '../../codec/record-batch.ts';

/**
 * A batch without holes, made of some records of a source batch: whole v2 bytes in memory of their own, with base offset 0, no producer (−1/−1/−1),
 * leader epoch −1 and a valid CRC, as a broker takes it from a producer.
 */
export interface DenseRun {
  /** Where its first record belongs. */
  readonly offset: number;
  /** Records, and therefore offsets. */
  readonly count: number;
  readonly bytes: Buffer;
}

/** How a batch is rebuilt; `maxOutput` bounds what its payload may decompress to. */
export interface RebuildOptions extends DecompressOptions {
  /** Keeps the transactional bit. By default it is cleared: what is committed goes as if it had never been in a transaction. */
  readonly transactional?: boolean;
  /** Most bytes of one run, header included: `max.message.bytes` of the destination. Only a run of a single record may be larger. Default: no limit. */
  readonly maxBytes?: number;
}

/** Below this a codec's own framing eats up what it saves. */
const MIN_COMPRESSED_BYTES = 200;
/** What a broker begins with when it looks for the newest record of a batch. */
const NO_TIMESTAMP = -1n;

/**
 * The records of `batch` at offset `from` and above, as dense runs in ascending order; none when compaction has left none. Every record keeps its offset,
 * its encoded key, value and headers, and the time a consumer sees; the codec stays unless compressing would make a run larger. Brokers take only dense
 * batches (`LogValidator`: lastOffsetDelta + 1 = count, inner deltas 0, 1, 2, … when compressed), and a LogAppendTime batch would fall back to its producers'
 * times in a CreateTime topic: it is given its append time as CreateTime. A batch with a delete horizon (KIP-534) keeps it, bit 6 and `baseTimestamp`.
 *
 * Reads the whole batch, CRC first. Throws `KLINK_CORRUPT_BATCH` when the CRC is not that of the bytes, when the payload cannot be opened within `maxOutput`,
 * and when its records are not those the header announces. Control batches do not belong here: brokers refuse them from everyone.
 */
export const rebuildBatch = async (batch: RecordBatch, from: number, options: RebuildOptions = {}): Promise<readonly DenseRun[]> => {
  // A view of its own: the caller's may be that of a cursor, which moves on while payloads are opened.
  const source = RecordBatch.at(batch.buffer, batch.position);
  const frames = await openBatch(source, options);
  const whole = from <= source.baseOffsetNumber ? withPayloadAsItIs(source, frames, options) : null;
  if (whole !== null) return [whole];

  const times = timesOf(source);
  const runs: DenseRun[] = [];
  for (const run of consecutive(frames.filter(({ offsetDelta }) => source.baseOffsetNumber + offsetDelta >= from))) {
    runs.push(...(await encodeRun(source, times, run, options)));
  }
  return runs;
};

/**
 * The `baseTimestamp` under which the record of an uncompressed one-record LogAppendTime batch reads the same as CreateTime, so that a header patch does:
 * bit 3 cleared, this base. Null for every other batch, and for one whose record cannot be read: {@link rebuildBatch} has the answer then. The CRC is not
 * looked at; a patched header leaves a damaged batch damaged.
 */
export const appendTimeBase = (batch: RecordBatch): bigint | null => {
  if (batch.timestampType !== 'LogAppendTime' || batch.recordsCount !== 1 || batch.compression !== 'none') return null;
  const reader = new Reader(batch.payload);
  try {
    readVarint(reader); // length
    reader.int8(); // attributes
    return commonBase(batch, [readVarlong(reader)]);
  } catch (error) {
    if (error instanceof MalformedError) return null;
    throw error;
  }
};

/** The records of a batch that is what it says it is. */
const openBatch = async (batch: RecordBatch, options: RebuildOptions): Promise<readonly RecordFrame[]> => {
  const range = `The batch at offsets ${batch.baseOffset} to ${batch.lastOffset}`;
  const crc = computeCrc(batch);
  if (crc !== batch.crc) throw corruptBatch(`${range} is damaged: its bytes have CRC ${crc}, its header says ${batch.crc}`);
  if (batch.recordsCount === 0) return [];
  const frames = await readRecordFrames(batch, options);
  let last = -1;
  for (const { offsetDelta } of frames) {
    if (offsetDelta <= last || offsetDelta > batch.lastOffsetDelta) {
      throw corruptBatch(`${range} cannot be: a record with offset delta ${offsetDelta} follows one with ${last}`);
    }
    last = offsetDelta;
  }
  return frames;
};

/**
 * The batch as one run with a patched header over the payload it has, where that is enough: its records begin at its base offset and have no holes between
 * them (compaction took its last ones, or it is here for its times alone), and one `baseTimestamp` is right for all of them.
 */
const withPayloadAsItIs = (batch: RecordBatch, frames: readonly RecordFrame[], options: RebuildOptions): DenseRun | null => {
  const { maxBytes = Number.POSITIVE_INFINITY, transactional = false } = options;
  const count = frames.length;
  if (count === 0 || frames[count - 1]!.offsetDelta !== count - 1 || (batch.sizeInBytes > maxBytes && count > 1)) return null;
  const deltas = frames.map(({ timestampDelta }) => timestampDelta);
  const baseTimestamp = batch.timestampType === 'CreateTime' ? batch.baseTimestamp : commonBase(batch, deltas);
  if (baseTimestamp === null) return null;

  const copy = RecordBatch.at(Buffer.from(batch.bytes));
  patchBatch(copy, {
    baseOffset: 0n,
    partitionLeaderEpoch: -1,
    attributes: attributesOf(batch, transactional),
    lastOffsetDelta: count - 1,
    baseTimestamp,
    maxTimestamp: newest(baseTimestamp, frames),
    producerId: -1n,
    producerEpoch: -1,
    baseSequence: -1,
  });
  return { offset: batch.baseOffsetNumber, count, bytes: copy.bytes };
};

/** The base under which deltas that are all equal give the append time; null when they differ, or when the base is a delete horizon that says otherwise. */
const commonBase = (batch: RecordBatch, deltas: readonly bigint[]): bigint | null => {
  const base = BigInt.asIntN(64, batch.maxTimestamp - deltas[0]!);
  if (batch.hasDeleteHorizon && base !== batch.baseTimestamp) return null;
  return deltas.every((delta) => delta === deltas[0]) ? base : null;
};

/** The time fields of rebuilt records. Java wraps around at 64 bits, so sums and differences do here. */
interface RunTimes {
  readonly baseTimestamp: bigint;
  /** For every record; null leaves each its own. */
  readonly timestampDelta: bigint | null;
}

const timesOf = ({ timestampType, hasDeleteHorizon, baseTimestamp, maxTimestamp }: RecordBatch): RunTimes => {
  if (timestampType === 'CreateTime') return { baseTimestamp, timestampDelta: null };
  const base = hasDeleteHorizon ? baseTimestamp : maxTimestamp;
  return { baseTimestamp: base, timestampDelta: BigInt.asIntN(64, maxTimestamp - base) };
};

/** Cut wherever an offset is missing. */
const consecutive = (frames: readonly RecordFrame[]): RecordFrame[][] => {
  const runs: RecordFrame[][] = [];
  let run: RecordFrame[] = [];
  for (const frame of frames) {
    if (frame.offsetDelta !== (run.at(-1)?.offsetDelta ?? Number.NaN) + 1) {
      run = [];
      runs.push(run);
    }
    run.push(frame);
  }
  return runs;
};

/** Consecutive records as one batch, or as several when one would be too large. */
const encodeRun = async (
  batch: RecordBatch,
  times: RunTimes,
  run: readonly RecordFrame[],
  options: RebuildOptions,
): Promise<readonly DenseRun[]> => {
  const { maxBytes = Number.POSITIVE_INFINITY, transactional = false } = options;
  const { baseTimestamp } = times;
  const frames = run.map((frame, offsetDelta) => ({
    ...frame,
    offsetDelta,
    timestampDelta: times.timestampDelta ?? frame.timestampDelta,
  }));
  const plain = encodeRecordFrames(frames);
  const { compression } = batch;
  const packed = plain.length < MIN_COMPRESSED_BYTES ? plain : await compress(compression, plain);
  const isPacked = packed.length < plain.length;
  const bytes = assembleBatch(
    {
      attributes: attributesOf(batch, transactional) & (isPacked ? ~0 : ~BATCH_ATTRIBUTES.compression),
      lastOffsetDelta: frames.length - 1,
      baseTimestamp,
      maxTimestamp: newest(baseTimestamp, frames),
      recordsCount: frames.length,
    },
    isPacked ? packed : plain,
  );
  if (bytes.length <= maxBytes || run.length === 1) {
    return [{ offset: batch.baseOffsetNumber + run[0]!.offsetDelta, count: run.length, bytes }];
  }
  const half = run.length >>> 1;
  return [...(await encodeRun(batch, times, run.slice(0, half), options)), ...(await encodeRun(batch, times, run.slice(half), options))];
};

/** Bits that nobody knows stay as they are, as on brokers. */
const attributesOf = ({ attributes }: RecordBatch, transactional: boolean): number =>
  attributes & ~BATCH_ATTRIBUTES.logAppendTime & (transactional ? ~0 : ~BATCH_ATTRIBUTES.transactional);

/** The `maxTimestamp` a leader computes: were another sent, it would write its own, and a new CRC with it. */
const newest = (baseTimestamp: bigint, frames: readonly RecordFrame[]): bigint => {
  let max = NO_TIMESTAMP;
  for (const { timestampDelta } of frames) {
    const timestamp = BigInt.asIntN(64, baseTimestamp + timestampDelta);
    if (timestamp > max) max = timestamp;
  }
  return max;
};
