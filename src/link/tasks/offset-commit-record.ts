/** Records of `__consumer_offsets` that hold commits (OffsetCommitKey versions 0 and 1, OffsetCommitValue versions 0 to 4 of Kafka's group coordinator). */
import { Reader } from '../../bytes/reader.ts';
import { LinkError } from '../../errors.ts';
import { type Codec, compile } from '../../protocol/compile.ts';
import { type Decoded, int32, int64, string, uuid } from '../../protocol/schema.ts';

const KEY_FIELDS = { group: string(), topic: string(), partition: int32() };

/** v1 expiry time (until 2.1) · v2 without it (KIP-211) · v3 leader epoch (KIP-320) · v4 flexible (KIP-915), topic id (Kafka 4.1). */
const VALUE_FIELDS = {
  offset: int64(),
  leaderEpoch: int32('3+').default(-1),
  /** What the client keeps beside its position. */
  metadata: string(),
  /** Milliseconds since 1970, by the clock of the broker. */
  commitTimestamp: int64(),
  expireTimestamp: int64('1').default(-1n),
  /** All zeros when not known. */
  topicId: uuid('4+').tag(0),
};
const LAST_VALUE_VERSION = 4;
const FIRST_FLEXIBLE_VALUE_VERSION = 4;

/** Kafka 0.8.2 wrote key version 0, all others write 1; the content is the same. The other versions belong to records about groups and their members. */
const KEY_VERSIONS: ReadonlySet<number> = new Set([0, 1]);

export type CommitKey = Decoded<typeof KEY_FIELDS>;
export type CommitValue = Decoded<typeof VALUE_FIELDS>;

/** A commit; `committed` is null for a tombstone: the position was deleted, or has expired. */
export interface OffsetCommitRecord extends CommitKey {
  readonly committed: CommitValue | null;
}

const keyCodec: Codec<CommitKey> = compile(KEY_FIELDS, { version: 0, flexible: false, unknown: 'skip', subject: 'OffsetCommitKey' });
const valueCodecs: readonly Codec<CommitValue>[] = Array.from({ length: LAST_VALUE_VERSION + 1 }, (_, version) =>
  compile(VALUE_FIELDS, {
    version,
    flexible: version >= FIRST_FLEXIBLE_VALUE_VERSION,
    unknown: 'skip',
    subject: `OffsetCommitValue v${version}`,
  }),
);

/**
 * Reads a record of `__consumer_offsets`; null when it is about something else than a commit.
 *
 * @throws LinkError `KLINK_MALFORMED` when the bytes are not what their version says; `KLINK_VERSION` for a value that is newer than this package.
 */
export const decodeOffsetCommit = (key: Buffer | null, value: Buffer | null): OffsetCommitRecord | null => {
  if (key === null) return null;
  const keyReader = new Reader(key);
  if (!KEY_VERSIONS.has(keyReader.int16())) return null;
  return { ...whole(keyReader, keyCodec), committed: value === null ? null : decodeValue(new Reader(value)) };
};

const decodeValue = (reader: Reader): CommitValue => {
  const version = reader.int16();
  const codec = valueCodecs[version];
  if (codec !== undefined) return whole(reader, codec);
  throw new LinkError(
    'KLINK_VERSION',
    `A commit in __consumer_offsets has version ${version}, which is not known here: upgrade kafka-link`,
  );
};

const whole = <T>(reader: Reader, codec: Codec<T>): T => {
  const decoded = codec.decode(reader);
  if (reader.remaining > 0) throw reader.malformed(`${reader.remaining} bytes are left over`);
  return decoded;
};
