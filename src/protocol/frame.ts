/** Frames: headers around request and response bodies, in both directions, for clients and for servers. */
import { MalformedError } from '../bytes/malformed.ts';
import { Reader } from '../bytes/reader.ts';
import { Writer } from '../bytes/writer.ts';
import { LinkError } from '../errors.ts';
import { preferByHand } from './by-hand.ts';
import { type Codec, compile } from './compile.ts';
import {
  type Api,
  covers,
  type Fields,
  isFlexible,
  type ReceivedRequestOf,
  type RequestOf,
  type ResponseOf,
  type SentResponseOf,
} from './schema.ts';
import { decodeTags, type UnknownTags } from './tags.ts';

/** ApiVersions answers with the old response header in every version, so that a client can read it before it knows anything (KIP-511). */
const API_VERSIONS_KEY = 18;

/** A frame's length is a positive int32; brokers take far less (socket.request.max.bytes, 100 MiB by default). */
const MAX_FRAME = 0x7fff_ffff;

/** A frame ready to be sent: the chunks of one vectored write, the 4 length bytes included. */
export interface Frame {
  readonly chunks: readonly Buffer[];
  /** Bytes of all chunks together. */
  readonly size: number;
}

export interface RequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
}

type Side = 'request' | 'response';

const subject = (of: Api, side: Side, version: number): string => `${of.name} ${side} v${version}`;

/** By version: twice its number, and one more for the codec that keeps unknown tags. */
const compiled = new WeakMap<Fields, Codec[]>();

/** The codec of one body in one version, compiled at its first use. */
export const bodyCodec = (of: Api, side: Side, version: number, unknown: UnknownTags = 'skip'): Codec => {
  const fields = side === 'request' ? of.request : of.response;
  const index = 2 * version + Number(unknown === 'keep');
  const known = compiled.get(fields)?.[index];
  if (known !== undefined) return known;
  if (!covers(of.versions, version)) {
    throw new LinkError('KLINK_VERSION', `${of.name} v${version} is not described here (v${of.versions.min} to v${of.versions.max} are)`);
  }
  const versions = compiled.get(fields) ?? [];
  compiled.set(fields, versions);
  const described = compile(fields, { version, flexible: isFlexible(of, version), unknown, subject: subject(of, side, version) });
  // Those by hand know no tags but their own.
  const codec = unknown === 'keep' ? described : preferByHand(fields, version, described);
  versions[index] = codec;
  return codec;
};

const named = (error: unknown, of: Api, side: Side, version: number): unknown =>
  error instanceof MalformedError ? error.of(subject(of, side, version)) : error;

const encodeFrame = (of: Api, side: Side, version: number, header: (writer: Writer) => void, body: unknown): Frame => {
  const writer = new Writer();
  writer.int32(0);
  try {
    header(writer);
    bodyCodec(of, side, version).encode(writer, body);
  } catch (error) {
    throw named(error, of, side, version);
  }
  const chunks = writer.finish();
  if (writer.size - 4 > MAX_FRAME)
    throw new MalformedError(`${writer.size} bytes are more than a frame can hold`, -1).of(subject(of, side, version));
  chunks[0]!.writeInt32BE(writer.size - 4);
  return { chunks, size: writer.size };
};

/** Request header v1, or v2 (with tags) for flexible versions. `clientId` keeps its old encoding in both. */
export const encodeRequest = <A extends Api>(
  of: A,
  version: number,
  correlationId: number,
  clientId: string | null,
  body: RequestOf<A>,
): Frame =>
  encodeFrame(
    of,
    'request',
    version,
    (writer) => {
      writer.int16(of.key);
      writer.int16(version);
      writer.int32(correlationId);
      writer.nullableString(clientId);
      if (isFlexible(of, version)) writer.uvarint(0);
    },
    body,
  );

const hasTaggedResponseHeader = (of: Api, version: number): boolean => of.key !== API_VERSIONS_KEY && isFlexible(of, version);

export const encodeResponse = <A extends Api>(of: A, version: number, correlationId: number, body: SentResponseOf<A>): Frame =>
  encodeFrame(
    of,
    'response',
    version,
    (writer) => {
      writer.int32(correlationId);
      if (hasTaggedResponseHeader(of, version)) writer.uvarint(0);
    },
    body,
  );

/** Skips the tag section of a header: none is defined there yet, newer peers may add some. */
const skipTags = (reader: Reader): void => decodeTags(reader, {}, [], 'skip');

const decodeBody = (of: Api, side: Side, version: number, reader: Reader, unknown?: UnknownTags): unknown => {
  try {
    const body = bodyCodec(of, side, version, unknown).decode(reader);
    if (reader.remaining !== 0) throw reader.malformed(`${reader.remaining} bytes follow the end of the message`);
    return body;
  } catch (error) {
    throw named(error, of, side, version);
  }
};

/** Correlation id of a response frame (without its length bytes). */
export const peekCorrelationId = (frame: Buffer): number => (frame.length < 4 ? new Reader(frame).int32() : frame.readInt32BE());

/**
 * Decodes a response frame (without its length bytes). Views in the result share the frame's memory.
 * Broker error codes are returned, not thrown: a caller must be able to keep the partitions that are well.
 *
 * @throws LinkError `KLINK_MALFORMED` with message, version, field path and byte offset.
 */
export const decodeResponse = <A extends Api>(of: A, version: number, frame: Buffer, unknown?: UnknownTags): ResponseOf<A> => {
  const reader = new Reader(frame);
  try {
    reader.int32();
    if (hasTaggedResponseHeader(of, version)) skipTags(reader);
  } catch (error) {
    throw named(error, of, 'response', version);
  }
  return decodeBody(of, 'response', version, reader, unknown) as ResponseOf<A>;
};

/** Reads the part of a request header that all versions share; the body is decoded by {@link decodeRequest} once the API is known. */
export const decodeRequestHeader = (frame: Buffer): RequestHeader => {
  const reader = new Reader(frame);
  try {
    const [apiKey, apiVersion, correlationId] = [reader.int16(), reader.int16(), reader.int32()];
    // Even a request for an unknown API carries a client id here: only ControlledShutdown v0 did not.
    return { apiKey, apiVersion, correlationId, clientId: reader.nullableString() };
  } catch (error) {
    throw error instanceof MalformedError ? error.of('request header') : error;
  }
};

/** Decodes the body of a request frame (without its length bytes): the server's side of the conversation. */
export const decodeRequest = <A extends Api>(of: A, version: number, frame: Buffer, unknown?: UnknownTags): ReceivedRequestOf<A> => {
  const reader = new Reader(frame);
  try {
    reader.span(8);
    reader.nullableString();
    if (isFlexible(of, version)) skipTags(reader);
  } catch (error) {
    throw named(error, of, 'request', version);
  }
  return decodeBody(of, 'request', version, reader, unknown) as ReceivedRequestOf<A>;
};
