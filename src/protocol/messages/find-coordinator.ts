/**
 * FindCoordinator (key 10): which broker coordinates a group or a transactional id.
 *
 * v1 transactional ids and error messages (KIP-98) · v2 the broker throttles after answering (KIP-219) · v3 flexible ·
 * v4 many keys at once (KIP-699) · v5 may answer TRANSACTION_ABORTABLE (KIP-890) · v6 share groups (KIP-932).
 *
 * The first question ever creates the internal topic: expect COORDINATOR_NOT_AVAILABLE until it has leaders.
 */
import { api, array, int8, int16, int32, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const FindCoordinator = api(
  10,
  'FindCoordinator',
  { versions: '0-6', flexible: '3+' },
  {
    request: {
      key: string('0-3'),
      /** 0 group, 1 transactional id, 2 share group (its keys are `group:topicId:partition`). */
      keyType: int8('1+'),
      coordinatorKeys: array('4+', string()),
    },
    response: {
      throttleTimeMs: int32('1+').ignorable(),
      errorCode: int16('0-3'),
      errorMessage: string('1-3').nullable().ignorable(),
      nodeId: int32('0-3'),
      host: string('0-3'),
      port: int32('0-3'),
      coordinators: array('4+', {
        key: string(),
        nodeId: int32(),
        host: string(),
        port: int32(),
        errorCode: int16(),
        errorMessage: string().nullable().ignorable(),
      }),
    },
  },
);
export type FindCoordinatorRequest = RequestOf<typeof FindCoordinator>;
export type FindCoordinatorReceivedRequest = ReceivedRequestOf<typeof FindCoordinator>;
export type FindCoordinatorResponse = ResponseOf<typeof FindCoordinator>;
