/**
 * SaslAuthenticate (key 36): carries the tokens of a SASL exchange, one per request (KIP-152).
 *
 * v1 session lifetime (KIP-368) · v2 flexible.
 */
import { api, bytes, int16, int64, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const SaslAuthenticate = api(
  36,
  'SaslAuthenticate',
  { versions: '0-2', flexible: '2+' },
  {
    request: {
      authBytes: bytes(),
    },
    response: {
      /**
       * SASL_AUTHENTICATION_FAILED comes after a pause on the broker (connection.failed.authentication.delay.ms), then
       * the connection ends.
       */
      errorCode: int16(),
      errorMessage: string().nullable(),
      authBytes: bytes(),
      /** After this the broker closes the connection unless it was authenticated again; 0: never. */
      sessionLifetimeMs: int64('1+').ignorable(),
    },
  },
);
export type SaslAuthenticateRequest = RequestOf<typeof SaslAuthenticate>;
export type SaslAuthenticateReceivedRequest = ReceivedRequestOf<typeof SaslAuthenticate>;
export type SaslAuthenticateResponse = ResponseOf<typeof SaslAuthenticate>;
