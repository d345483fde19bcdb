/** SaslHandshake (key 17). */
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
      errorCode: int16(),
      mechanisms: array(string()),
    },
  },
);
export type SaslHandshakeRequest = RequestOf<typeof SaslHandshake>;
export type SaslHandshakeReceivedRequest = ReceivedRequestOf<typeof SaslHandshake>;
export type SaslHandshakeResponse = ResponseOf<typeof SaslHandshake>;
