/**
 * Heartbeat (key 12): keeps a member of a classic group alive and tells it when a rebalance begins.
 *
 * v2 the broker throttles after answering (KIP-219) · v3 static membership (KIP-345) · v4 flexible.
 */
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
      /** REBALANCE_IN_PROGRESS: join again. UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION or FENCED_INSTANCE_ID: this member is out. */
      errorCode: int16(),
    },
  },
);
export type HeartbeatRequest = RequestOf<typeof Heartbeat>;
export type HeartbeatReceivedRequest = ReceivedRequestOf<typeof Heartbeat>;
export type HeartbeatResponse = ResponseOf<typeof Heartbeat>;
