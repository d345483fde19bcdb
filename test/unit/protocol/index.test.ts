/** The public surface of `kafka-link/protocol`, by name: nothing enters or leaves it unnoticed. */
import { expect, it } from 'vitest';
import * as protocol from '../../../src/protocol/index.ts';

it('exports these names and no other', () => {
  const messages = protocol.APIS.map(({ name }) => name);
  const rest = [
    'APIS',
    'BROKER_ERRORS',
    'ErrorCode',
    'LINK_ERROR_CODES',
    'LinkError',
    'MalformedError',
    'ZERO_UUID',
    'apiByKey',
    'apiVersionsRetry',
    'brokerError',
    'decodeApiVersions',
    'decodeRequest',
    'decodeRequestHeader',
    'decodeResponse',
    'encodeRequest',
    'encodeResponse',
    'isFlexible',
    'negotiate',
    'peekCorrelationId',
    'unknownTags',
  ];
  expect(Object.keys(protocol).sort()).toEqual([...messages, ...rest].sort());
});

it('finds an API by its key', () => {
  for (const api of protocol.APIS) expect(protocol.apiByKey(api.key)).toBe(api);
  expect(protocol.apiByKey(-1)).toBeUndefined();
});
