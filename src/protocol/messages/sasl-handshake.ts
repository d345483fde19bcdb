/**
 * SaslHandshake (key 17): picks a SASL mechanism, or learns which ones there are.
 *
 * v1 the exchange follows in SaslAuthenticate requests (KIP-152). After v0 it would follow as bare tokens: use v1.
 */
import { api, array, int16, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const SaslHandshake = api(
  17,
  'SaslHandshake',
  { versions: '0-1', flexible: 'none' },
  {
    request: {
      mechanism: string(),
    },
    response: {
      /** UNSUPPORTED_SASL_MECHANISM: pick one of mechanisms, on a new connection. */
      errorCode: int16(),
      mechanisms: array(string()),
    },
  },
);
export type SaslHandshakeRequest = RequestOf<typeof SaslHandshake>;
export type SaslHandshakeReceivedRequest = ReceivedRequestOf<typeof SaslHandshake>;
export type SaslHandshakeResponse = ResponseOf<typeof SaslHandshake>;
