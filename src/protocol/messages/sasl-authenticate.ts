/** SaslAuthenticate (key 36). */
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
      errorCode: int16(),
      errorMessage: string().nullable(),
      authBytes: bytes(),
      sessionLifetimeMs: int64('1+').ignorable(),
    },
  },
);
export type SaslAuthenticateRequest = RequestOf<typeof SaslAuthenticate>;
export type SaslAuthenticateReceivedRequest = ReceivedRequestOf<typeof SaslAuthenticate>;
export type SaslAuthenticateResponse = ResponseOf<typeof SaslAuthenticate>;
