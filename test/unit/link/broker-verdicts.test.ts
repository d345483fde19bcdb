/** Every error code a broker can answer, sorted by what a mirror does about it. */
import { describe, expect, it } from 'vitest';
import { LinkError } from '../../../src/errors.ts';
import { MirrorFailure } from '../../../src/link/mirror-failure.ts';
import { appendError, fetchError, isConfigRefusal } from '../../../src/link/replication/broker-verdicts.ts';
import { BROKER_ERRORS } from '../../../src/protocol/error-codes.ts';

/** What no later attempt changes, unless a person changes the batch, the topic or the link. By Kafka's numbers. */
const FINAL = new Map([
  [17, 'INVALID_TOPIC_EXCEPTION'],
  [43, 'UNSUPPORTED_FOR_MESSAGE_FORMAT'],
  [44, 'POLICY_VIOLATION'],
  [47, 'INVALID_PRODUCER_EPOCH'],
  [76, 'UNSUPPORTED_COMPRESSION_TYPE'],
]);
/** What the sync of topic configs may cure within moments, since the source's have just changed; if not, it lasts until the retry timeout. */
const CONFIGS = new Map([
  [10, 'max.message.bytes'],
  [18, 'segment.bytes'],
  [32, 'message.timestamp'],
  [87, 'cleanup.policy'],
]);
/** What passes by itself: elections, replicas that are behind, full disks, and an answer that says only that the end must be looked at. */
const PASSING = [2, 3, 5, 6, 7, 13, 19, 20, 45, 56, 74, 75, 100];
const RIGHTS = [29, 30, 31, 53, 58, 65];
const codes = BROKER_ERRORS.map(({ code }) => code).filter((code) => code !== 0);

describe('the answer to an append', () => {
  it.each(codes)('code %i', (code) => {
    const error = appendError('t-0', 41, code, 'the broker’s words');
    expect(LinkError.is(error)).toBe(true);
    expect(error.message).toContain('41');
    expect(error.message).toContain('t-0');
    expect(error.message).toContain('the broker’s words');
    expect(error instanceof MirrorFailure).toBe(FINAL.has(code));
    if (error instanceof MirrorFailure) {
      expect(error.reason).toBe('DESTINATION_REFUSED');
      expect(error.message).toContain(FINAL.get(code));
      expect(error.retriable).toBe(false);
      expect(LinkError.is(error.cause)).toBe(true);
    }
  });

  it('waits for configs that explain a refusal, and names them', () => {
    for (const code of codes) expect(isConfigRefusal(appendError('t-0', 0, code, null)), `code ${code}`).toBe(CONFIGS.has(code));
    for (const [code, config] of CONFIGS) {
      expect(appendError('t-0', 0, code, null)).toMatchObject({ retriable: false, message: expect.stringContaining(config) });
    }
  });

  it('keeps trying what passes', () => {
    for (const code of PASSING) expect(appendError('t-0', 0, code, null)).not.toBeInstanceOf(MirrorFailure);
  });

  it('calls missing rights what they are, and lets a person grant them', () => {
    for (const code of RIGHTS) expect(appendError('t-0', 0, code, null)).toMatchObject({ code: 'KLINK_AUTH', retriable: false });
  });

  it('does not take a code of the future for final', () => {
    const error = appendError('t-0', 0, 9_999, null);
    expect(error).not.toBeInstanceOf(MirrorFailure);
    expect(error.message).toContain('9999');
  });
});

it('believes no error of the source before both logs were compared', () => {
  for (const code of codes) {
    const error = fetchError('t-0', 12, code);
    expect(error).not.toBeInstanceOf(MirrorFailure);
    expect(error.message).toContain('12');
  }
});
