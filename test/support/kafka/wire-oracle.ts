/** Kafka's own generated message classes as an oracle of wire bytes: value to bytes and bytes to value, for every API and version. */
import { javaClasses } from './java-classes.ts';
import { startLineProcess } from './line-process.ts';
import { KAFKA_NEWEST } from './versions.ts';

export type MessageKind = 'request' | 'response';

/**
 * A message as Kafka's JSON converters see it, with Kafka's camelCase field names. int64 and uint32 are `bigint` (a `number` is accepted when
 * encoding), bytes and record sets are `Buffer`, a uuid is Kafka's base64 text, everything else is plain JSON. When encoding, every
 * untagged field of the version must be there; fields of other versions are ignored.
 */
export type WireValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly WireValue[]
  | { readonly [field: string]: WireValue };

/** One API the oracle knows. */
export interface WireApi {
  readonly apiKey: number;
  /** As in Kafka's JSON file names, e.g. `Fetch`. */
  readonly name: string;
  readonly minVersion: number;
  /** Highest version, unstable ones included. */
  readonly maxVersion: number;
  readonly maxStableVersion: number;
}

/** One code of Kafka's `Errors`: whether its clients retry, and whether they look up the leader or coordinator first. */
export interface WireError {
  readonly code: number;
  readonly name: string;
  readonly retriable: boolean;
  readonly refresh: boolean;
}

/** What a frame's header carries, without the size before it. A response has no clientId. */
export interface WireHeader {
  readonly correlationId: number;
  readonly clientId?: string | null;
}

export interface WireOracle extends AsyncDisposable {
  apis(): Promise<readonly WireApi[]>;
  errors(): Promise<readonly WireError[]>;
  /** The bytes Kafka writes: the body alone, or with `header` in front. Many calls may be under way. Rejects with JavaError. */
  encode(apiKey: number, kind: MessageKind, version: number, value: WireValue, header?: WireHeader): Promise<Buffer>;
  /** What Kafka reads from a body. Rejects when it cannot, or when bytes are left over. */
  decode(apiKey: number, kind: MessageKind, version: number, body: Uint8Array): Promise<WireValue>;
  /** The same for a frame that begins with a header (of the version that API and version use). */
  decodeFrame(apiKey: number, kind: MessageKind, version: number, frame: Uint8Array): Promise<{ header: WireHeader; value: WireValue }>;
  close(): Promise<void>;
}

/** Starts the oracle on the message classes of one Kafka version. */
export async function startWireOracle(version: string = KAFKA_NEWEST): Promise<WireOracle> {
  const jvm = await startLineProcess({
    classpath: await javaClasses('oracle', version),
    mainClass: 'WireOracle',
    heapMb: 256,
    replace: tag,
    revive: untag,
  });
  const frame = (apiKey: number, kind: MessageKind, version: number, bytes: Uint8Array, header: boolean) =>
    jvm.ask<{ header: WireHeader; json: WireValue }>('decode', { apiKey, kind, version, header, hex: Buffer.from(bytes).toString('hex') });
  return {
    apis: () => jvm.ask<WireApi[]>('apis', {}),
    errors: () => jvm.ask<WireError[]>('errors', {}),
    encode: async (apiKey, kind, version, json, header) => {
      const { hex } = await jvm.ask<{ hex: string }>('encode', { apiKey, kind, version, json, header: header ?? null });
      return Buffer.from(hex, 'hex');
    },
    decode: async (apiKey, kind, version, body) => (await frame(apiKey, kind, version, body, false)).json,
    decodeFrame: async (apiKey, kind, version, bytes) => {
      const { header, json } = await frame(apiKey, kind, version, bytes, true);
      return { header, value: json };
    },
    close: jvm.close,
    [Symbol.asyncDispose]: jvm.close,
  };
}

/** Reads the original from the holder: by then Buffer's own toJSON has already replaced the value. */
function tag(this: unknown, key: string, value: unknown): unknown {
  const original = (this as Record<string, unknown>)[key];
  if (typeof original === 'bigint') return { $int64: String(original) };
  if (original instanceof Uint8Array) return { $bytes: Buffer.from(original).toString('base64') };
  return value;
}

function untag(this: unknown, _key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('$int64' in value) return BigInt(value.$int64 as string);
  if ('$bytes' in value) return Buffer.from(value.$bytes as string, 'base64');
  return value;
}
