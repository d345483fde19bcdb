/** Tag sections (KIP-482): the optional fields behind every struct of a flexible version, and the rule for those nobody here knows. */
import { MalformedError } from '../bytes/malformed.ts';
import type { Reader } from '../bytes/reader.ts';
import { Writer } from '../bytes/writer.ts';
import type { Codec } from './compile.ts';

/** What to do with tags that the description does not know: `skip` them, or `keep` them under {@link unknownTags} so that they are written again. */
export type UnknownTags = 'skip' | 'keep';

/** Key under which a decoded struct keeps the tags it does not know, in rising order. */
export const unknownTags: unique symbol = Symbol('unknown tags');

/** A tag as it came, its content not interpreted. */
export interface UnknownTag {
  readonly tag: number;
  readonly bytes: Buffer;
}

/** More unknown tags than this in one struct are not a newer broker's, but nonsense. */
const MAX_UNKNOWN_TAGS = 256;

/** A tagged field of one version. */
export interface Tagged {
  readonly key: string;
  readonly tag: number;
  readonly codec: Codec;
  readonly isDefault: (value: unknown) => boolean;
}

/**
 * Reads a tag section into `value`. Tags must rise, so that none comes twice; a known tag must fill its size exactly.
 * What is not known is skipped or kept, as `unknown` says.
 */
export const decodeTags = (
  reader: Reader,
  value: Record<string | symbol, unknown>,
  tagged: readonly Tagged[],
  unknown: UnknownTags,
): void => {
  let previous = -1;
  let unknownCount = 0;
  for (let left = reader.uvarint(); left > 0; left--) {
    const tag = reader.uvarint();
    if (tag <= previous) throw reader.malformed(`tag ${tag} after tag ${previous}: tags must rise`);
    previous = tag;
    const size = reader.uvarint();
    const from = reader.span(size);
    const known = tagged.find((candidate) => candidate.tag === tag);
    if (known !== undefined) decodeTag(reader, value, known, from, size);
    else if (++unknownCount > MAX_UNKNOWN_TAGS) throw reader.malformed(`more than ${MAX_UNKNOWN_TAGS} unknown tags`);
    else if (unknown === 'keep') {
      const kept = (value[unknownTags] ?? []) as UnknownTag[];
      kept.push({ tag, bytes: reader.buffer.subarray(from, from + size) });
      value[unknownTags] = kept;
    }
  }
};

/** A tagged field may neither read beyond its size nor leave bytes of it unread. */
const decodeTag = (reader: Reader, value: Record<string, unknown>, { key, codec }: Tagged, from: number, size: number): void => {
  const { end } = reader;
  reader.pos = from;
  reader.end = from + size;
  try {
    value[key] = codec.decode(reader);
    if (reader.remaining !== 0) throw reader.malformed(`${reader.remaining} bytes of the tag are left over`);
  } catch (error) {
    throw error instanceof MalformedError ? error.within(key) : error;
  }
  reader.end = end;
};

/** Writes the tagged fields of `value` that differ from their default, and the unknown tags it has kept, in rising order. */
export const encodeTags = (writer: Writer, value: Record<string | symbol, unknown>, tagged: readonly Tagged[]): void => {
  const kept = value[unknownTags] as readonly UnknownTag[] | undefined;
  if (kept === undefined && tagged.length === 0) {
    writer.uvarint(0);
    return;
  }
  const sections: UnknownTag[] = kept === undefined ? [] : [...kept];
  for (const { key, tag, codec, isDefault } of tagged) {
    const given = value[key];
    if (given === undefined || isDefault(given)) continue;
    const body = new Writer(64);
    try {
      codec.encode(body, given);
    } catch (error) {
      throw error instanceof MalformedError ? error.within(key) : error;
    }
    sections.push({ tag, bytes: Buffer.concat(body.finish()) });
  }
  if (sections.length > 1) sections.sort((a, b) => a.tag - b.tag);
  writer.uvarint(sections.length);
  let previous = -1;
  for (const { tag, bytes } of sections) {
    if (tag === previous) throw new MalformedError(`tag ${tag} is given twice`, -1);
    previous = tag;
    writer.uvarint(tag);
    writer.uvarint(bytes.length);
    writer.raw(bytes);
  }
};
