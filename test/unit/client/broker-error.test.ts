/** A broker's code as an error a person can act on. */
import { describe, expect, it } from 'vitest';
import { BrokerError } from '../../../src/client/broker-error.ts';
import { LinkError } from '../../../src/errors.ts';

describe('BrokerError', () => {
  it('says what could not be done, the name of the code, the words of the broker, and the advice', () => {
    const error = new BrokerError(38, "create 'orders'", { detail: 'only 1 broker', advice: 'Lower the replication factor' });
    expect(error.message).toBe("Cannot create 'orders': INVALID_REPLICATION_FACTOR (only 1 broker). Lower the replication factor");
    expect(error).toMatchObject({ code: 'KLINK_BROKER', brokerCode: 38, brokerName: 'INVALID_REPLICATION_FACTOR', retriable: false });
    expect(LinkError.is(error)).toBe(true);
  });

  it.each([null, undefined, ''])('falls back to the meaning of the code when the broker says nothing (%j)', (detail) => {
    const error = new BrokerError(5, 'reach it', detail === undefined ? {} : { detail });
    expect(error.message).toBe('Cannot reach it: LEADER_NOT_AVAILABLE (The partition has no leader at the moment)');
    expect(error.retriable).toBe(true);
  });

  it.each([29, 30, 31, 53, 58, 65])('code %i is about rights', (code) => {
    expect(new BrokerError(code, 'do it')).toMatchObject({ code: 'KLINK_AUTH', retriable: false });
  });

  it('keeps the number of a code that is newer than the table', () => {
    expect(new BrokerError(999, 'do it')).toMatchObject({ code: 'KLINK_BROKER', brokerCode: 999, brokerName: 'UNKNOWN_CODE_999' });
  });
});
