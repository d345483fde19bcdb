/**
 * DeleteGroups (key 42): deletes groups that have no members, with their positions (KIP-229). Sent to their coordinator.
 *
 * v1 the broker throttles after answering (KIP-219) · v2 flexible.
 */
import { api, array, int16, int32, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const DeleteGroups = api(
  42,
  'DeleteGroups',
  { versions: '0-2', flexible: '2+' },
  {
    request: {
      groupsNames: array(string()),
    },
    response: {
      throttleTimeMs: int32(),
      results: array({
        groupId: string(),
        /** NON_EMPTY_GROUP while there are members; GROUP_ID_NOT_FOUND. */
        errorCode: int16(),
      }),
    },
  },
);
export type DeleteGroupsRequest = RequestOf<typeof DeleteGroups>;
export type DeleteGroupsReceivedRequest = ReceivedRequestOf<typeof DeleteGroups>;
export type DeleteGroupsResponse = ResponseOf<typeof DeleteGroups>;
