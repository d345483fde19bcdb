/**
 * SyncGroup (key 14): the leader hands in the assignment of the generation, every member gets its own.
 *
 * v2 the broker throttles after answering (KIP-219) · v3 static membership (KIP-345) · v4 flexible ·
 * v5 protocol type and name are checked (KIP-559).
 */
import { api, array, bytes, int16, int32, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const SyncGroup = api(
  14,
  'SyncGroup',
  { versions: '0-5', flexible: '4+' },
  {
    request: {
      groupId: string(),
      generationId: int32(),
      memberId: string(),
      groupInstanceId: string('3+').nullable().default(null),
      /** v5 and later refuse a type or name that is not the group's: INCONSISTENT_GROUP_PROTOCOL. */
      protocolType: string('5+').nullable().default(null).ignorable(),
      protocolName: string('5+').nullable().default(null).ignorable(),
      /** From the leader; empty from everyone else. */
      assignments: array({ memberId: string(), assignment: bytes() }),
    },
    response: {
      throttleTimeMs: int32('1+').ignorable(),
      errorCode: int16(),
      protocolType: string('5+').nullable().default(null).ignorable(),
      protocolName: string('5+').nullable().default(null).ignorable(),
      assignment: bytes(),
    },
  },
);
export type SyncGroupRequest = RequestOf<typeof SyncGroup>;
export type SyncGroupReceivedRequest = ReceivedRequestOf<typeof SyncGroup>;
export type SyncGroupResponse = ResponseOf<typeof SyncGroup>;
