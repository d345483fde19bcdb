/** Commits in `__consumer_offsets`, against bytes that Kafka's own classes wrote and their own reading of them: see golden/GroupRecords.java. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LinkError } from '../../../../src/errors.ts';
import { decodeOffsetCommit } from '../../../../src/link/tasks/offset-commit-record.ts';

interface Golden {
  readonly kind: 'key' | 'value';
  readonly name: string;
  readonly hex: string;
  /** Kafka's JSON; null for records that are about something else. */
  readonly content: Readonly<Record<string, string | number>> | null;
}
const { records } = JSON.parse(readFileSync(new URL('./golden/group-records.json', import.meta.url), 'utf8')) as { records: Golden[] };
const goldens = (kind: Golden['kind']): Golden[] => records.filter((record) => record.kind === kind);
const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');
const KEY = bytes(goldens('key').find(({ name }) => name === 'v1')!.hex);

describe('keys', () => {
  it.each(goldens('key'))('$name $content.group', ({ hex, content }) => {
    const decoded = decodeOffsetCommit(bytes(hex), null);
    expect(decoded).toEqual(content === null ? null : { ...content, committed: null });
  });

  it('are of both versions, and of other records', () => {
    expect(new Set(goldens('key').map(({ name }) => name)).size).toBe(4);
  });

  it('may be missing', () => {
    expect(decodeOffsetCommit(null, Buffer.alloc(3))).toBeNull();
  });
});

describe('values', () => {
  it.each(goldens('value'))('$name', ({ hex, content }) => {
    const { offset, commitTimestamp, ...rest } = content!;
    expect(decodeOffsetCommit(KEY, bytes(hex))?.committed).toEqual({
      leaderEpoch: -1,
      topicId: 'AAAAAAAAAAAAAAAAAAAAAA',
      ...rest,
      offset: BigInt(offset!),
      commitTimestamp: BigInt(commitTimestamp!),
      expireTimestamp: BigInt(content!['expireTimestamp'] ?? -1),
    });
  });

  it('of every version are among them', () => {
    expect(new Set(goldens('value').map(({ hex }) => Number.parseInt(hex.slice(0, 4), 16)))).toEqual(new Set([0, 1, 2, 3, 4]));
  });

  it('of a version that is newer are refused by name', () => {
    const newer = Buffer.concat([bytes('0005'), Buffer.alloc(40)]);
    expect(() => decodeOffsetCommit(KEY, newer)).toThrow(expect.objectContaining({ code: 'KLINK_VERSION' }));
  });
});

const failureOf = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return error;
  }
};

it('cut off anywhere, or followed by more, nothing is taken for a commit', () => {
  for (const { kind, hex } of goldens('key').concat(goldens('value'))) {
    const whole = bytes(hex);
    const decode = (part: Buffer) => (kind === 'key' ? decodeOffsetCommit(part, null) : decodeOffsetCommit(KEY, part));
    if (decode(whole) === null) continue;
    for (const part of [...whole.keys()].map((length) => whole.subarray(0, length)).concat(Buffer.concat([whole, Buffer.alloc(1)]))) {
      const error = failureOf(() => decode(part));
      expect(LinkError.is(error, 'KLINK_MALFORMED'), `${part.toString('hex')} gave ${String(error)}`).toBe(true);
    }
  }
});
