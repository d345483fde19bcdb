/** Records as bytes: one read by hand, and what no reader may believe. */
import { describe, expect, it } from 'vitest';
import { controlTypeOf, decodeEndTxnMarker, encodeEndTxnMarker } from '../../../src/codec/control-record.ts';
import { decodeRecordBody, decodeRecordFrames, encodeRecordBody, encodeRecordFrames } from '../../../src/codec/record.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const corrupt = (message: RegExp) => expect.objectContaining({ code: 'KLINK_CORRUPT_BATCH', message: expect.stringMatching(message) });

describe('a record', () => {
  // length 12 | attributes | timestampDelta −1 | offsetDelta 3 | key "k" | value null | one header: "h" → ""
  const payload = hex('16 00 01 06 02 6b 01 02 02 68 00'.replace('16', '14'));
  const frame = { attributes: 0, timestampDelta: -1n, offsetDelta: 3, body: hex('02 6b 01 02 02 68 00') };

  it('is read and written as KIP-98 lays it out', () => {
    expect(decodeRecordFrames(payload, 1)).toEqual([frame]);
    expect(encodeRecordFrames([frame])).toEqual(payload);
    const content = { key: Buffer.from('k'), value: null, headers: [{ key: 'h', value: Buffer.alloc(0) }] };
    expect(decodeRecordBody(frame.body)).toEqual(content);
    expect(encodeRecordBody(content)).toEqual(frame.body);
  });

  it('is a view of the payload', () => {
    const [read] = decodeRecordFrames(payload, 1);
    expect(read!.body.buffer).toBe(payload.buffer);
  });

  it('may have over-long varints of legal size, as the Java reader allows', () => {
    // offsetDelta 0 in three bytes
    expect(decodeRecordFrames(hex('10 00 00 80 80 00 01 01 00'), 1)).toMatchObject([{ offsetDelta: 0, body: hex('01 01 00') }]);
  });

  it.each([[2n ** 63n - 1n], [-(2n ** 63n)], [2n ** 40n], [-1n], [0n]])('keeps a timestamp delta of %s', (timestampDelta) => {
    const frames = [{ ...frame, timestampDelta, offsetDelta: -0x80000000 }];
    expect(decodeRecordFrames(encodeRecordFrames(frames), 1)).toEqual(frames);
  });
});

describe('frames that are not believed', () => {
  it.each<[string, Buffer, number, RegExp]>([
    ['fewer records than counted', hex('0c 00 00 00 01 01 00'), 2, /2 records cannot be in 7 bytes/],
    ['a count no memory could hold', hex('0c 00 00 00 01 01 00'), 0x7fffffff, /2147483647 records cannot/],
    ['a negative count', Buffer.alloc(0), -1, /-1 records/],
    ['more bytes than counted', hex('0c 00 00 00 01 01 00 00'), 1, /1 bytes follow/],
    ['bytes without records', hex('00'), 0, /1 bytes follow/],
    ['a negative record length', hex('0b 00 00 00 01 01 00'), 1, /length -6/],
    ['a record longer than the payload', hex('0e 00 00 00 01 01 00'), 1, /7 more bytes/],
    ['a record of 2 GiB', hex('fe ff ff ff 0f 00 00 00'), 1, /2147483647 more bytes/],
    ['a record that ends in its deltas', hex('02 00 80 80 80 80 80 80'), 1, /more bytes, but only 0/],
    ['a varint of more than five bytes', hex('80 80 80 80 80 00 00 00'), 1, /wider than 32 bits/],
    ['a varint beyond 32 bits', hex('80 80 80 80 10 00 00 00'), 1, /wider than 32 bits/],
    ['a varlong of more than ten bytes', hex('1c 00 80 80 80 80 80 80 80 80 80 80 00 00 00'), 1, /wider than 64 bits/],
    ['a varlong beyond 64 bits', hex('1c 00 80 80 80 80 80 80 80 80 80 02 00 00 00'), 1, /wider than 64 bits/],
  ])('%s', (_, payload, count, message) => {
    expect(() => decodeRecordFrames(payload, count)).toThrow(corrupt(message));
  });
});

describe('bodies that are not believed', () => {
  it.each<[string, string, RegExp]>([
    ['nothing', '', /1 more bytes/],
    ['a key beyond the body', '04 6b', /2 more bytes/],
    ['a key length below −1', '03 01 00', /length -2/],
    ['a value of 2 GiB', '01 fe ff ff ff 0f', /2147483647 more bytes/],
    ['a negative header count', '01 01 01', /-1 headers/],
    ['more headers than bytes', '01 01 04 00 01', /2 headers cannot be in 2 bytes/],
    ['a header count no memory could hold', '01 01 fe ff ff ff 0f', /2147483647 headers/],
    ['a null header key', '01 01 02 01 01', /null header key/],
    ['a header without value', '01 01 02 02 68', /1 more bytes/],
    ['bytes after the last header', '01 01 00 00', /1 bytes follow the last header/],
  ])('%s', (_, body, message) => {
    expect(() => decodeRecordBody(hex(body))).toThrow(corrupt(message));
  });
});

describe('control records', () => {
  it('carry version, type and coordinator epoch', () => {
    const marker = encodeEndTxnMarker({ result: 'commit', coordinatorEpoch: 7 });
    expect([marker.key, marker.value]).toEqual([hex('0000 0001'), hex('0000 00000007')]);
    expect(decodeEndTxnMarker(marker)).toEqual({ result: 'commit', coordinatorEpoch: 7 });
    expect(decodeEndTxnMarker(encodeEndTxnMarker({ result: 'abort', coordinatorEpoch: -1 }))).toEqual({
      result: 'abort',
      coordinatorEpoch: -1,
    });
  });

  it('of later versions are read as far as this one goes', () => {
    expect(decodeEndTxnMarker({ key: hex('0001 0000 ff'), value: hex('0001 00000003 ffff') })).toEqual({
      result: 'abort',
      coordinatorEpoch: 3,
    });
  });

  it('of other types are none of ours', () => {
    expect(controlTypeOf(hex('0000 0007'))).toBe(7);
    expect(decodeEndTxnMarker({ key: hex('0000 0007'), value: null })).toBeNull();
  });

  it.each<[string, Buffer | null, Buffer | null]>([
    ['a null key', null, null],
    ['a short key', hex('0000 00'), null],
    ['a negative key version', hex('ffff 0000'), hex('0000 00000000')],
    ['a null value', hex('0000 0000'), null],
    ['a short value', hex('0000 0000'), hex('0000 000000')],
    ['a negative value version', hex('0000 0000'), hex('ffff 00000000')],
  ])('with %s are refused', (_, key, value) => {
    expect(() => decodeEndTxnMarker({ key, value })).toThrow(corrupt(/^Corrupt/));
  });
});
