/** The audit that integration tests run on every frame must itself notice frames that come back different. */
import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../../src/bytes/malformed.ts';
import { encodeRequest, encodeResponse } from '../../../src/protocol/frame.ts';
import { ApiVersions } from '../../../src/protocol/messages/api-versions.ts';
import { Heartbeat } from '../../../src/protocol/messages/heartbeat.ts';
import { auditFrame, FrameMismatch } from '../../support/protocol/frame-audit.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const heartbeat = { groupId: 'g', generationId: 1, memberId: 'm' };
const request = (version: number): Buffer => Buffer.concat(encodeRequest(Heartbeat, version, 7, 'me', heartbeat).chunks).subarray(4);

describe('the frame audit', () => {
  it.each([0, 4])('passes a good request of version %i and returns its body', (version) => {
    expect(auditFrame(12, version, 'request', request(version))).toEqual({ ...heartbeat, groupInstanceId: null });
  });

  it('passes a response with tags that are not known yet', () => {
    expect(() => auditFrame(12, 4, 'response', hex('00000007 01 05 02 abcd 00000000 001b 01 09 01 ff'))).not.toThrow();
  });

  it('knows the header that ApiVersions answers with', () => {
    const frame = Buffer.concat(encodeResponse(ApiVersions, 3, 7, { errorCode: 0, apiKeys: [] }).chunks).subarray(4);
    expect(auditFrame(18, 3, 'response', frame)).toMatchObject({ errorCode: 0 });
  });

  it('notices a value that is spelled differently when it is written again', () => {
    // An over-long varint for the length of the group id.
    const frame = hex('000c 0004 00000007 ffff 00 820067 00000001 026d 00 00');
    expect(() => auditFrame(12, 4, 'request', frame)).toThrow(FrameMismatch);
    expect(() => auditFrame(12, 4, 'request', frame)).toThrow('Heartbeat request v4 comes back different from byte 11 on');
  });

  it('notices a header that is not of the API or version it was sent as', () => {
    expect(() => auditFrame(12, 3, 'request', request(4))).toThrow('the header says key 12 v4, not Heartbeat v3');
  });

  it('notices frames that cannot be read, and APIs that are not described', () => {
    expect(() => auditFrame(12, 4, 'request', request(4).subarray(0, -1))).toThrow(MalformedError);
    expect(() => auditFrame(999, 0, 'request', request(4))).toThrow('No API with key 999 is described');
  });
});
