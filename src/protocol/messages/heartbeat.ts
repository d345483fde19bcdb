/** Heartbeat (key 12). */
import { api, int16, int32, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const Heartbeat = api(
  12,
  'Heartbeat',
  { versions: '0-4', flexible: '4+' },
  {
    request: {
      groupId: string(),
      generationId: int32(),
      memberId: string(),
      groupInstanceId: string('3+').nullable().default(null),
    },
    response: {
      throttleTimeMs: int32('1+').ignorable(),
      errorCode: int16(),
    },
  },
);
export type HeartbeatRequest = RequestOf<typeof Heartbeat>;
export type HeartbeatReceivedRequest = ReceivedRequestOf<typeof Heartbeat>;
export type HeartbeatResponse = ResponseOf<typeof Heartbeat>;
