/**
 * The two messages that a link writes and reads thousands of times a second, by hand: the Produce request and its answer, in the flexible versions that
 * name topics. They do what the description says or leave it to the description: see docs/adr/0001-closures-over-generated-code.md.
 */
import { MalformedError } from '../bytes/malformed.ts';
import type { Reader } from '../bytes/reader.ts';
import { Writer } from '../bytes/writer.ts';
import type { Codec } from './compile.ts';
import { Produce, type ProduceRequest, type ProduceResponse } from './messages/produce.ts';
import { covers, type Fields, type VersionRange } from './schema.ts';
import { unknownTags } from './tags.ts';

type TopicData = ProduceRequest['topicData'][number];
type TopicResponse = ProduceResponse['responses'][number];
type PartitionResponse = TopicResponse['partitionResponses'][number];

/** How a compact length spells them (KIP-482). */
const [NULL_ARRAY, EMPTY_ARRAY, NO_TAGS] = [0, 1, 0];
/** Frozen, because every message shares them, as those do that lack a field. */
const NONE = Object.freeze([]) as unknown as never[];
const UNKNOWN_LEADER = Object.freeze({ leaderId: -1, leaderEpoch: -1 });

/** Structs without unknown tags, in arrays where arrays belong; what the scalars are is checked as they are written. */
const isPlain = (value: unknown): value is object => typeof value === 'object' && value !== null && !(unknownTags in value);
const isPlainArray = (value: unknown, isElement: (element: unknown) => boolean): boolean => Array.isArray(value) && value.every(isElement);
const isPlainTopic = (value: unknown): boolean => isPlain(value) && isPlainArray((value as Partial<TopicData>).partitionData, isPlain);
const isPlainRequest = (value: unknown): value is ProduceRequest =>
  isPlain(value) && isPlainArray((value as Partial<ProduceRequest>).topicData, isPlainTopic);

/** False, and nothing is written: the value is not as plain as it is expected here. */
const encodeProduceRequest = (writer: Writer, value: unknown): boolean => {
  if (!isPlainRequest(value)) return false;
  writer.compactNullableString(value.transactionalId ?? null);
  writer.int16(value.acks);
  writer.int32(value.timeoutMs);
  writer.compactArrayLength(value.topicData.length);
  for (const { name, partitionData } of value.topicData) {
    writer.compactString(name);
    writer.compactArrayLength(partitionData.length);
    for (const { index, records } of partitionData) {
      writer.int32(index);
      writer.compactNullableBytes(records);
      writer.uvarint(NO_TAGS);
    }
    writer.uvarint(NO_TAGS);
  }
  writer.uvarint(NO_TAGS);
  return true;
};

/** Null: the message is not as plain as it is expected here. */
const decodeProduceResponse = (reader: Reader): ProduceResponse | null => {
  const responses: TopicResponse[] = [];
  let topics = reader.uvarint();
  if (topics === NULL_ARRAY) return null;
  while (--topics > 0) {
    const name = reader.compactString();
    const partitionResponses: PartitionResponse[] = [];
    let partitions = reader.uvarint();
    if (partitions === NULL_ARRAY) return null;
    while (--partitions > 0) {
      const index = reader.int32();
      const errorCode = reader.int16();
      const baseOffset = reader.int64();
      const logAppendTimeMs = reader.int64();
      const logStartOffset = reader.int64();
      if (reader.uvarint() !== EMPTY_ARRAY) return null;
      const errorMessage = reader.compactNullableString();
      if (reader.uvarint() !== NO_TAGS) return null;
      partitionResponses.push({
        index,
        errorCode,
        baseOffset,
        logAppendTimeMs,
        logStartOffset,
        recordErrors: NONE,
        errorMessage,
        currentLeader: UNKNOWN_LEADER,
      });
    }
    if (reader.uvarint() !== NO_TAGS) return null;
    responses.push({ name, partitionResponses });
  }
  const throttleTimeMs = reader.int32();
  return reader.uvarint() === NO_TAGS ? { responses, throttleTimeMs, nodeEndpoints: NONE } : null;
};

const VERSIONS: VersionRange = { min: 9, max: 11 };

const BY_HAND = new Map<Fields, (compiled: Codec) => Codec>([
  [
    Produce.request,
    (compiled) => ({
      ...compiled,
      encode: (writer, value) => {
        try {
          if (encodeProduceRequest(writer, value)) return;
        } catch (error) {
          if (error instanceof MalformedError) compiled.encode(new Writer(), value);
          throw error;
        }
        compiled.encode(writer, value);
      },
    }),
  ],
  [
    Produce.response,
    (compiled) => ({
      ...compiled,
      decode: (reader) => {
        const { pos } = reader;
        try {
          const value = decodeProduceResponse(reader);
          if (value !== null) return value;
        } catch (error) {
          if (!(error instanceof MalformedError)) throw error;
        }
        reader.pos = pos;
        return compiled.decode(reader);
      },
    }),
  ],
]);

/** The codec to use in place of the compiled one, which gets everything that is out of the ordinary: it is the one that knows what is wrong, and where. */
export const preferByHand = (fields: Fields, version: number, compiled: Codec): Codec =>
  (covers(VERSIONS, version) && BY_HAND.get(fields)?.(compiled)) || compiled;
