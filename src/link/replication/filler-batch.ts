/** Makes the batches that take up offsets for which the source has no record, where markers are not used: record batches with nothing in them. */
import { assembleBatch } from '../../codec/batch-builder.ts';
import { compress } from '../../codec/compression.ts';
import { patchBatch } from '../../codec/patch-header.ts';
import { encodeRecordBody, encodeRecordFrames } from '../../codec/record.ts';
import { BATCH_HEADER_BYTES, COMPRESSION_IDS, type Compression, RecordBatch } from '../../codec/record-batch.ts';
import { LinkError } from '../../errors.ts';

/**
 * - `records`: ordinary records without key, value and headers. Every consumer sees them, unless they are deleted: below a log start above zero
 *   they are the padding.
 * - `ghosts`: the same with inner offsets of −2^31. Brokers do not look at them in uncompressed batches, and most clients take such a record for one
 *   that lies before their position, as they do with the first ones of a batch in whose middle they begin. Out of spec: some clients show them.
 */
export type FillerKind = 'records' | 'ghosts';

interface Filler {
  readonly compression: Compression;
  /** The batch is no larger than this for each offset and {@link EXTRA_BYTES} once. */
  readonly maxBytesPerOffset: number;
  readonly maxOffsets: number;
  readonly offsetDelta: (index: number) => number;
}

/** The most negative delta there is: −1 or a repeated one is shown by clients that began to read earlier. */
const GHOST_DELTA = -(2 ** 31);

const FILLERS: Readonly<Record<FillerKind, Filler>> = {
  // Leaders keep some 80 bytes of heap per record while they look at a batch: more in one only burdens them, fewer cost requests.
  records: { compression: 'zstd', maxBytesPerOffset: 1, maxOffsets: 100_000, offsetDelta: (index) => index },
  ghosts: { compression: 'none', maxBytesPerOffset: 11, maxOffsets: 50_000, offsetDelta: () => GHOST_DELTA },
};
/** The header, and what a compressed payload has besides its content. */
const EXTRA_BYTES = BATCH_HEADER_BYTES + 128;

/** What an offset costs in large batches, on disk and on the wire: for estimates. */
export const FILLER_BYTES_PER_OFFSET: Readonly<Record<FillerKind, number>> = { records: 0.6, ghosts: 11 };

/**
 * Of padding below a log start, milliseconds. Old, so that the first real record, newer by more than `segment.ms`, rolls a new segment exactly at the log
 * start: the padding then lies in segments of its own, which go, and with them the danger that a broker that crashes finds them again. Not −1, by which
 * segments do not roll.
 */
export const PADDING_TIMESTAMP = 1n;

export const isPaddingBatch = ({ baseTimestamp, maxTimestamp }: RecordBatch): boolean =>
  baseTimestamp === PADDING_TIMESTAMP && maxTimestamp === PADDING_TIMESTAMP;

/** The most offsets that one batch takes up without being larger than `maxBytes` (the destination's `max.message.bytes`); at least 1. */
export const fillerBatchLimit = (kind: FillerKind, maxBytes: number = Number.POSITIVE_INFINITY): number => {
  const { maxBytesPerOffset, maxOffsets } = FILLERS[kind];
  return Math.max(1, Math.min(maxOffsets, Math.floor((maxBytes - EXTRA_BYTES) / maxBytesPerOffset)));
};

/** The largest batch of each kind made so far: big holes are filled with the same one over and over. */
const largest = new Map<FillerKind, { readonly offsets: number; readonly bytes: Buffer }>();

/**
 * A batch that takes up `offsets` offsets, at most {@link fillerBatchLimit}: base offset 0, no producer, a valid CRC, in memory of its own so that its header
 * may be patched. All its records have the time `timestamp`; for `ghosts` it must not be above that of the record before them, else a lookup of the newest
 * record (ListOffsets −3) may find a ghost and answer with its nonsensical offset.
 */
export const fillerBatch = async (kind: FillerKind, offsets: number, timestamp: bigint): Promise<Buffer> => {
  if (!Number.isInteger(offsets) || offsets < 1 || offsets > FILLERS[kind].maxOffsets) {
    throw new LinkError('KLINK_INTERNAL', `A filler batch takes up 1 to ${FILLERS[kind].maxOffsets} offsets, not ${offsets}`);
  }
  const known = largest.get(kind);
  const template = known?.offsets === offsets ? known.bytes : await makeBatch(kind, offsets);
  if (offsets > (largest.get(kind)?.offsets ?? 0)) largest.set(kind, { offsets, bytes: template });
  const bytes = Buffer.from(template);
  patchBatch(RecordBatch.at(bytes), { baseTimestamp: timestamp, maxTimestamp: timestamp });
  return bytes;
};

const EMPTY_BODY = encodeRecordBody({ key: null, value: null, headers: [] });

const makeBatch = async (kind: FillerKind, offsets: number): Promise<Buffer> => {
  const { compression, offsetDelta } = FILLERS[kind];
  const frames = Array.from({ length: offsets }, (_, index) => ({
    attributes: 0,
    timestampDelta: 0n,
    offsetDelta: offsetDelta(index),
    body: EMPTY_BODY,
  }));
  const plain = encodeRecordFrames(frames);
  const packed = await compress(compression, plain);
  const isPacked = packed.length < plain.length;
  const header = {
    attributes: isPacked ? COMPRESSION_IDS[compression] : COMPRESSION_IDS.none,
    lastOffsetDelta: offsets - 1,
    baseTimestamp: 0n,
    maxTimestamp: 0n,
    recordsCount: offsets,
  };
  return assembleBatch(header, isPacked ? packed : plain);
};
