/** Frames: headers in both forms, the length bytes, linked record sets, and errors that name the message. */
import { describe, expect, it } from 'vitest';
import { LinkError } from '../../../src/errors.ts';
import {
  bodyCodec,
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  type Frame,
  peekCorrelationId,
} from '../../../src/protocol/frame.ts';
import { ApiVersions } from '../../../src/protocol/messages/api-versions.ts';
import { Heartbeat } from '../../../src/protocol/messages/heartbeat.ts';
import { Produce } from '../../../src/protocol/messages/produce.ts';
import { api, int8 } from '../../../src/protocol/schema.ts';

const bytes = ({ chunks }: Frame): Buffer => Buffer.concat(chunks);
const hex = (frame: Frame): string => bytes(frame).toString('hex');
const heartbeat = { groupId: 'g', generationId: 1, memberId: 'm' };
const answer = { errorCode: 27, throttleTimeMs: 0 };

describe('a request frame', () => {
  it('has header v1 in plain versions', () => {
    const frame = encodeRequest(Heartbeat, 0, 7, 'me', heartbeat);
    expect(hex(frame)).toBe('00000016 000c 0000 00000007 00026d65 000167 00000001 00016d'.replaceAll(' ', ''));
    expect(frame.size).toBe(26);
    expect(decodeRequestHeader(bytes(frame).subarray(4))).toEqual({ apiKey: 12, apiVersion: 0, correlationId: 7, clientId: 'me' });
    expect(decodeRequest(Heartbeat, 0, bytes(frame).subarray(4))).toEqual({ ...heartbeat, groupInstanceId: null });
  });

  it('has header v2 in flexible versions: tags, but the client id in its old form', () => {
    const frame = encodeRequest(Heartbeat, 4, 7, null, heartbeat);
    expect(hex(frame)).toBe('00000015 000c 0004 00000007 ffff 00 0267 00000001 026d 00 00'.replaceAll(' ', ''));
    expect(decodeRequest(Heartbeat, 4, bytes(frame).subarray(4))).toEqual({ ...heartbeat, groupInstanceId: null });
  });

  it('links record sets instead of copying them', () => {
    const records = Buffer.alloc(4096, 1);
    const { chunks, size } = encodeRequest(Produce, 9, 1, 'me', {
      acks: -1,
      timeoutMs: 1,
      topicData: [{ name: 't', partitionData: [{ index: 0, records }] }],
    });
    expect(chunks).toContain(records);
    expect(chunks.reduce((sum, chunk) => sum + chunk.length, 0)).toBe(size);
    expect(chunks[0]?.readInt32BE()).toBe(size - 4);
  });
});

describe('a response frame', () => {
  it('has header v0 in plain versions, and v1 with tags in flexible ones', () => {
    expect(hex(encodeResponse(Heartbeat, 1, 7, answer))).toBe('0000000a 00000007 00000000 001b'.replaceAll(' ', ''));
    expect(hex(encodeResponse(Heartbeat, 4, 7, answer))).toBe('0000000c 00000007 00 00000000 001b 00'.replaceAll(' ', ''));
  });

  it('of ApiVersions has header v0 always, so that it can be read before anything is known', () => {
    const frame = encodeResponse(ApiVersions, 3, 7, { errorCode: 0, apiKeys: [] });
    expect(hex(frame)).toBe('0000000c 00000007 0000 01 00000000 00'.replaceAll(' ', ''));
    expect(decodeResponse(ApiVersions, 3, bytes(frame).subarray(4)).errorCode).toBe(0);
  });

  it('tells its correlation id, and gives the error code of the broker back instead of throwing it', () => {
    const frame = bytes(encodeResponse(Heartbeat, 4, 7, answer)).subarray(4);
    expect(peekCorrelationId(frame)).toBe(7);
    expect(decodeResponse(Heartbeat, 4, frame)).toEqual(answer);
  });

  it('skips header tags of newer brokers, under the same rules as the tags of a body', () => {
    const read = (tags: string) =>
      decodeResponse(Heartbeat, 4, Buffer.from(`00000007 ${tags} 00000000 001b 00`.replaceAll(' ', ''), 'hex'));
    expect(read('02 05 02 abcd 06 00')).toEqual(answer);
    expect(() => read('02 06 00 05 00')).toThrow(/^Heartbeat response v4: tag 5 after tag 6/);
  });
});

describe('what cannot be read or written', () => {
  it('names message, version, field and byte', () => {
    const frame = Buffer.from('00000007 00000000'.replaceAll(' ', ''), 'hex');
    expect(() => decodeResponse(Heartbeat, 1, frame)).toThrow(
      'Heartbeat response v1: errorCode: needs 2 more bytes, but only 0 are left at byte 8',
    );
    expect(() => encodeRequest(Heartbeat, 0, 1, null, { ...heartbeat, generationId: 0.5 })).toThrow(
      'Heartbeat request v0: generationId: 0.5 is not an int32',
    );
    expect(() => decodeRequestHeader(Buffer.from('000c', 'hex'))).toThrow(
      'request header: needs 2 more bytes, but only 0 are left at byte 2',
    );
  });

  it('includes versions that are not described', () => {
    expect(() => encodeRequest(Heartbeat, 5, 1, null, heartbeat)).toThrow(expect.objectContaining({ code: 'KLINK_VERSION' }));
    expect(() => encodeRequest(Heartbeat, 5, 1, null, heartbeat)).toThrow('Heartbeat v5 is not described here (v0 to v4 are)');
    expect(LinkError.is(new LinkError('KLINK_VERSION', ''), 'KLINK_VERSION')).toBe(true);
  });

  it('includes fields that the version lacks', () => {
    expect(() => encodeRequest(Heartbeat, 2, 1, null, { ...heartbeat, groupInstanceId: 'x' })).toThrow(
      'Heartbeat request v2 has no field groupInstanceId: leave it out, or talk to a broker that speaks a version with it',
    );
  });
});

describe('the codec of a body', () => {
  it('is compiled once per description, side, version and rule for unknown tags', () => {
    const other = api(99, 'Other', { versions: '0-1', flexible: '1+' }, { request: { a: int8() }, response: { a: int8() } });
    const codec = bodyCodec(other, 'request', 1);
    expect(bodyCodec(other, 'request', 1)).toBe(codec);
    for (const another of [bodyCodec(other, 'request', 0), bodyCodec(other, 'response', 1), bodyCodec(other, 'request', 1, 'keep')]) {
      expect(another).not.toBe(codec);
    }
  });
});
