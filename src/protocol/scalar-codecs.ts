/** The codecs of all scalar types, in their plain and compact forms. */
import type { Reader } from '../bytes/reader.ts';
import type { Writer } from '../bytes/writer.ts';
import type { Codec } from './compile.ts';
import type { Scalar } from './schema.ts';

type ScalarCodecs = Readonly<Record<Scalar, Codec>>;
const codec = <T>(minimumSize: number, decode: (reader: Reader) => T, encode: (writer: Writer, value: T) => void): Codec<T, T> => ({
  decode,
  encode,
  minimumSize,
});

const fixed = {
  bool: codec(
    1,
    (r) => r.bool(),
    (w, x) => w.bool(x),
  ),
  int8: codec(
    1,
    (r) => r.int8(),
    (w, x) => w.int8(x),
  ),
  int16: codec(
    2,
    (r) => r.int16(),
    (w, x) => w.int16(x),
  ),
  uint16: codec(
    2,
    (r) => r.uint16(),
    (w, x) => w.uint16(x),
  ),
  int32: codec(
    4,
    (r) => r.int32(),
    (w, x) => w.int32(x),
  ),
  uint32: codec(
    4,
    (r) => r.uint32(),
    (w, x) => w.uint32(x),
  ),
  int64: codec(
    8,
    (r) => r.int64(),
    (w, x) => w.int64(x),
  ),
  float64: codec(
    8,
    (r) => r.float64(),
    (w, x) => w.float64(x),
  ),
  uuid: codec(
    16,
    (r) => r.uuid(),
    (w, x) => w.uuid(x),
  ),
};
const nullableBytes = codec(
  4,
  (r) => r.nullableBytes(),
  (w, x) => w.nullableBytes(x),
);
const compactNullableBytes = codec(
  1,
  (r) => r.compactNullableBytes(),
  (w, x) => w.compactNullableBytes(x),
);

// A record set may always be null: Kafka's generator treats `records` so, whatever the definition says.
const plain: Readonly<Record<'plain' | 'nullable', ScalarCodecs>> = {
  plain: {
    ...fixed,
    string: codec(
      2,
      (r) => r.string(),
      (w, x) => w.string(x),
    ),
    bytes: codec(
      4,
      (r) => r.bytes(),
      (w, x) => w.bytes(x),
    ),
    records: nullableBytes,
  },
  nullable: {
    ...fixed,
    string: codec(
      2,
      (r) => r.nullableString(),
      (w, x) => w.nullableString(x),
    ),
    bytes: nullableBytes,
    records: nullableBytes,
  },
};
const compact: Readonly<Record<'plain' | 'nullable', ScalarCodecs>> = {
  plain: {
    ...fixed,
    string: codec(
      1,
      (r) => r.compactString(),
      (w, x) => w.compactString(x),
    ),
    bytes: codec(
      1,
      (r) => r.compactBytes(),
      (w, x) => w.compactBytes(x),
    ),
    records: compactNullableBytes,
  },
  nullable: {
    ...fixed,
    string: codec(
      1,
      (r) => r.compactNullableString(),
      (w, x) => w.compactNullableString(x),
    ),
    bytes: compactNullableBytes,
    records: compactNullableBytes,
  },
};

/** The codec of a scalar: compact in flexible versions (KIP-482), and with null only where the version allows it. */
export const scalarCodec = (wire: Scalar, flexible: boolean, nullable: boolean): Codec =>
  (flexible ? compact : plain)[nullable ? 'nullable' : 'plain'][wire];
