/** Link states by their facts. What is wrong with a source: test/integration/link/link-errors.test.ts, from errors that really happen. */
import { describe, expect, it } from 'vitest';
import { BrokerError } from '../../../../src/client/broker-error.ts';
import { LinkError } from '../../../../src/errors.ts';
import { LINK_ERRORS, LINK_STATES, linkErrorOf, linkStateOf } from '../../../../src/link/states/link-states.ts';
import { ErrorCode } from '../../../../src/protocol/error-codes.ts';

describe('a link', () => {
  it.each([
    [{ failed: false, paused: false, sourceAvailable: true }, 'ACTIVE'],
    [{ failed: false, paused: false, sourceAvailable: false }, 'UNAVAILABLE'],
    [{ failed: false, paused: false, sourceAvailable: null }, 'UNKNOWN'],
    [{ failed: false, paused: true, sourceAvailable: true }, 'PAUSED'],
    [{ failed: false, paused: true, sourceAvailable: false }, 'PAUSED'],
    [{ failed: false, paused: true, sourceAvailable: null }, 'PAUSED'],
    [{ failed: true, paused: true, sourceAvailable: false }, 'FAILED'],
  ] as const)('%j is %s', (facts, state) => {
    expect(linkStateOf(facts)).toBe(state);
    expect(LINK_STATES).toHaveProperty(state);
  });
});

describe('link_error', () => {
  const connect = (cause: unknown): LinkError => new LinkError('KLINK_CONNECT', 'no', { cause });
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  const unknownName = Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' });

  it.each([
    ['NO_ERROR', null],
    ['AUTHENTICATION_ERROR', connect(new BrokerError(ErrorCode.SASL_AUTHENTICATION_FAILED, 'say who we are'))],
    ['AUTHENTICATION_ERROR', new BrokerError(ErrorCode.UNSUPPORTED_SASL_MECHANISM, 'say who we are')],
    ['UNRESOLVABLE_BOOTSTRAP_ERROR', connect(connect(unknownName))],
    // One name that is wrong and one host that is down: the second may come back.
    ['BOOTSTRAP_TCP_CONNECTION_FAILED_ERROR', connect(new AggregateError([connect(unknownName), connect(refused)]))],
    ['BOOTSTRAP_TCP_CONNECTION_FAILED_ERROR', connect(undefined)],
    ['TIMEOUT_ERROR', connect(new LinkError('KLINK_TIMEOUT', 'too long'))],
    ['UNKNOWN', new BrokerError(ErrorCode.TOPIC_AUTHORIZATION_FAILED, 'read a topic')],
    ['UNKNOWN', new LinkError('KLINK_MALFORMED', 'not Kafka')],
  ] as const)('%s', (name, error) => {
    expect(linkErrorOf(error)).toBe(name);
    expect(LINK_ERRORS).toHaveProperty(name);
  });

  it('is found even if causes go round in circles', () => {
    const error = new LinkError('KLINK_BROKER', 'no');
    Object.assign(error, { cause: error });
    expect(linkErrorOf(error)).toBe('UNKNOWN');
  });
});
