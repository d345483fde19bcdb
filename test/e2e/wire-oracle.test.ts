/** Arbitrary values of every message in every version against Kafka's own classes: they write what we write, and read what we meant. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Reader } from '../../src/bytes/reader.ts';
import { Writer } from '../../src/bytes/writer.ts';
import { BROKER_ERRORS } from '../../src/protocol/error-codes.ts';
import { bodyCodec } from '../../src/protocol/frame.ts';
import { APIS } from '../../src/protocol/messages/index.ts';
import { startWireOracle, type WireOracle, type WireValue } from '../support/kafka/wire-oracle.ts';
import { arbitraryValue, type Case, casesOf, presentFields, type Value } from '../support/protocol/sample-values.ts';

const RUNS_PER_CASE = 15;

let oracle: WireOracle;
beforeAll(async () => {
  oracle = await startWireOracle();
});
afterAll(() => oracle.close());

const encode = ({ api, version, side }: Case, value: Value): Buffer => {
  const writer = new Writer();
  bodyCodec(api, side, version).encode(writer, value);
  return Buffer.concat(writer.finish());
};

it('Kafka knows the same error codes, and retries the same', async () => {
  const ours = BROKER_ERRORS.map(({ code, name, retriable, remedy }) => ({ code, name, retriable, refresh: remedy === 'refresh' }));
  expect(ours).toEqual(await oracle.errors());
});

describe.each(APIS.map((api) => [api.name, api] as const))('%s', (_, api) => {
  it('is known to Kafka in every version described', async () => {
    const theirs = (await oracle.apis()).find(({ apiKey }) => apiKey === api.key);
    expect(theirs?.name).toBe(api.name);
    expect(theirs?.minVersion).toBeLessThanOrEqual(api.versions.min);
    expect(theirs?.maxVersion).toBeGreaterThanOrEqual(api.versions.max);
  });

  it.each(casesOf([api]).map((one) => [`v${one.version} ${one.side}`, one] as const))('%s', async (_name, one) => {
    const { version, side } = one;
    await fc.assert(
      fc.asyncProperty(arbitraryValue(one), async (value) => {
        const bytes = await oracle.encode(api.key, side, version, presentFields(one, value) as WireValue);
        expect(encode(one, value).toString('hex')).toBe(bytes.toString('hex'));
        expect(bodyCodec(api, side, version).decode(new Reader(bytes))).toEqual(value);
        // And the way back: what Kafka reads from our bytes is written by Kafka as the same bytes.
        const read = await oracle.decode(api.key, side, version, bytes);
        expect(await oracle.encode(api.key, side, version, read)).toEqual(bytes);
      }),
      { numRuns: RUNS_PER_CASE },
    );
  });
});
