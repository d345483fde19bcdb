/** DeleteGroups (key 42). */
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
        errorCode: int16(),
      }),
    },
  },
);
export type DeleteGroupsRequest = RequestOf<typeof DeleteGroups>;
export type DeleteGroupsReceivedRequest = ReceivedRequestOf<typeof DeleteGroups>;
export type DeleteGroupsResponse = ResponseOf<typeof DeleteGroups>;
