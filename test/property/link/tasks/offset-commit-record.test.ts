/** Records of `__consumer_offsets` under damage: whatever the bytes, a commit or a typed error, and never more memory than they take. */
import fc from 'fast-check';
import { it } from 'vitest';
import { LinkError } from '../../../../src/errors.ts';
import { decodeOffsetCommit } from '../../../../src/link/tasks/offset-commit-record.ts';

const KEY = Buffer.from('00010002673100066f726465727300000003', 'hex');
const VALUES = [
  '000300000000000000290000000700046b6570740000018bcfe56800',
  '0004000000000000002900000007056b6570740000018bcfe5680001001000000000000000010000000000000002',
].map((hex) => Buffer.from(hex, 'hex'));

const decodes = (key: Buffer, value: Buffer): void => {
  try {
    decodeOffsetCommit(key, value);
  } catch (error) {
    if (!LinkError.is(error, 'KLINK_MALFORMED') && !LinkError.is(error, 'KLINK_VERSION')) throw error;
  }
};

it('any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.uint8Array({ maxLength: 80 }), (key, value) =>
      decodes(Buffer.from(key), Buffer.from(value)),
    ),
  );
});

it('any change of real ones', () => {
  const change = fc.record({ at: fc.nat(60), to: fc.nat(255) });
  fc.assert(
    fc.property(fc.constantFrom(...VALUES), fc.array(change, { minLength: 1, maxLength: 4 }), (value, changes) => {
      const [key, damaged] = [Buffer.from(KEY), Buffer.from(value)];
      for (const { at, to } of changes) {
        damaged[at % damaged.length] = to;
        key[at % key.length] = to;
      }
      decodes(KEY, damaged);
      decodes(key, value);
    }),
  );
});
