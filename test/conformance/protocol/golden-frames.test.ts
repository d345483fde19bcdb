/** Our frames against the bytes that Kafka's own classes wrote for the same values: every API, version and side. */
import { describe, expect, it } from 'vitest';
import { decodeRequest, decodeRequestHeader, decodeResponse, encodeRequest, encodeResponse } from '../../../src/protocol/frame.ts';
import { APIS } from '../../../src/protocol/messages/index.ts';
import { auditFrame } from '../../support/protocol/frame-audit.ts';
import { type Case, casesOf, SAMPLES, type Sample, sampleValue } from '../../support/protocol/sample-values.ts';
import { GOLDEN_HEADER, goldenKey, readGoldenFrames } from './golden-frames.ts';

const encode = ({ api, version, side }: Case, sample: Sample, value: object): string => {
  const { correlationId, clientId } = GOLDEN_HEADER[sample];
  const { chunks, size } =
    side === 'request' ? encodeRequest(api, version, correlationId, clientId, value) : encodeResponse(api, version, correlationId, value);
  const frame = Buffer.concat(chunks);
  expect(frame.length, 'the size told beside the chunks').toBe(size);
  expect(frame.readInt32BE(), 'the length bytes').toBe(size - 4);
  return frame.subarray(4).toString('hex');
};

const decode = ({ api, version, side }: Case, frame: Buffer): unknown =>
  side === 'request' ? decodeRequest(api, version, frame) : decodeResponse(api, version, frame);

describe.each(APIS.map((api) => [api.name, api] as const))('%s', (_, api) => {
  const golden = readGoldenFrames(api);
  const cases = casesOf([api]).flatMap((one) => SAMPLES.map((sample) => [goldenKey(one, sample), one, sample] as const));

  it('has a golden frame for every case, and none besides', () => {
    expect([...golden.keys()]).toEqual(cases.map(([key]) => key));
  });

  it.each(cases)('%s', (key, one, sample) => {
    const theirs = golden.get(key) as string;
    const frame = Buffer.from(theirs, 'hex');
    const value = sampleValue(one, sample);
    expect(encode(one, sample, value)).toBe(theirs);
    expect(decode(one, frame)).toEqual(value);
    expect(auditFrame(api.key, one.version, one.side, frame)).toEqual(value);
    if (one.side === 'request') {
      expect(decodeRequestHeader(frame)).toEqual({ apiKey: api.key, apiVersion: one.version, ...GOLDEN_HEADER[sample] });
    }
  });
});
