/** Which version is spoken, what is said when there is none, and the way back to version 0 of ApiVersions. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../src/protocol/error-codes.ts';
import { encodeResponse } from '../../../src/protocol/frame.ts';
import { ApiVersions } from '../../../src/protocol/messages/api-versions.ts';
import { Fetch } from '../../../src/protocol/messages/fetch.ts';
import { ListTransactions } from '../../../src/protocol/messages/list-transactions.ts';
import { Produce } from '../../../src/protocol/messages/produce.ts';
import { apiVersionsRetry, decodeApiVersions, negotiate } from '../../../src/protocol/negotiate.ts';

const broker = (ranges: Readonly<Record<number, readonly [min: number, max: number]>>) =>
  negotiate({
    apiKeys: Object.entries(ranges).map(([key, [minVersion, maxVersion]]) => ({ apiKey: Number(key), minVersion, maxVersion })),
  });

describe('negotiation', () => {
  it.each([
    ['ours when the broker knows more', [0, 99], undefined, 12],
    ['the broker’s when we know more', [0, 9], undefined, 9],
    ['the cap when both know more', [0, 99], 11, 11],
    ['the lowest common one', [12, 20], undefined, 12],
    ['below a cap that asks for more than there is', [0, 8], 11, 8],
    ['our lowest', [0, 3], undefined, 3],
  ] as const)('takes %s', (_, range, cap, version) => {
    const versions = broker({ [Produce.key]: range });
    expect(versions.of(Produce, cap)).toBe(version);
    expect(versions.supports(Produce, cap)).toBe(true);
  });

  it.each([
    [
      'a broker that is too old',
      [0, 2],
      undefined,
      'the broker speaks v0 to v2, kafka-link speaks v3 to v12; no version in common, use a newer broker',
    ],
    [
      'a broker that is too new',
      [13, 14],
      undefined,
      'the broker speaks v13 to v14, kafka-link speaks v3 to v12; no version in common, upgrade kafka-link',
    ],
    [
      'a cap below the broker',
      [12, 14],
      11,
      'the broker speaks v12 to v14, kafka-link speaks v3 to v12, held to at most v11 here; no version in common',
    ],
    [
      'a range that ends before it begins',
      [9, 4],
      undefined,
      'the broker speaks v9 to v4, kafka-link speaks v3 to v12; no version in common',
    ],
  ] as const)('refuses %s, with both ranges', (_, range, cap, message) => {
    const versions = broker({ [Produce.key]: range });
    expect(versions.supports(Produce, cap)).toBe(false);
    expect(() => versions.of(Produce, cap)).toThrow(`Produce (key 0): ${message}`);
    expect(() => versions.of(Produce, cap)).toThrow(expect.objectContaining({ code: 'KLINK_VERSION', retriable: false }));
  });

  it('refuses an API that the broker does not offer', () => {
    const versions = broker({ [Fetch.key]: [4, 17] });
    expect(versions.supports(ListTransactions)).toBe(false);
    expect(() => versions.of(ListTransactions)).toThrow(
      'ListTransactions (key 66): the broker does not offer it, kafka-link speaks v0 to v1',
    );
  });
});

describe('ApiVersions', () => {
  const apiKeys = [{ apiKey: 18, minVersion: 0, maxVersion: 3 }];
  const frame = (version: number, errorCode: number, keys = apiKeys): Buffer =>
    Buffer.concat(encodeResponse(ApiVersions, version, 5, { errorCode, apiKeys: keys }).chunks).subarray(4);

  it('is read in the version asked for', () => {
    expect(decodeApiVersions(4, frame(4, ErrorCode.NONE))).toMatchObject({ errorCode: 0, apiKeys });
  });

  it('is read as version 0 when the broker does not know the version', () => {
    const answer = decodeApiVersions(4, frame(0, ErrorCode.UNSUPPORTED_VERSION));
    expect(answer).toMatchObject({ errorCode: ErrorCode.UNSUPPORTED_VERSION, apiKeys });
    expect(apiVersionsRetry(4, answer)).toBe(3);
  });

  it('is asked again with version 0 when an old broker says nothing', () => {
    expect(apiVersionsRetry(4, decodeApiVersions(4, frame(0, ErrorCode.UNSUPPORTED_VERSION, [])))).toBe(0);
  });

  it.each([
    ['the answer stands', 4, ErrorCode.NONE, 3],
    ['another error', 4, ErrorCode.CLUSTER_AUTHORIZATION_FAILED, 3],
    ['the broker offers what it has just refused', 4, ErrorCode.UNSUPPORTED_VERSION, 4],
    ['the broker refuses version 0', 0, ErrorCode.UNSUPPORTED_VERSION, 0],
    ['the broker offers nonsense', 4, ErrorCode.UNSUPPORTED_VERSION, -1],
  ])('is not asked again when %s', (_, asked, errorCode, maxVersion) => {
    const answer = decodeApiVersions(0, frame(0, errorCode, [{ apiKey: 18, minVersion: 0, maxVersion }]));
    expect(apiVersionsRetry(asked, answer)).toBeUndefined();
  });

  it.each(['', '0000', '00000005', '0000000500', '000000050023', '485454502f312e31'])('refuses the frame %s', (hex) => {
    expect(() => decodeApiVersions(4, Buffer.from(hex, 'hex'))).toThrow(/^ApiVersions response v[04]: .* at byte \d+$/);
  });
});
