/** ListGroups (key 16). */
import { api, array, int16, int32, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const ListGroups = api(
  16,
  'ListGroups',
  { versions: '0-5', flexible: '3+' },
  {
    request: {
      statesFilter: array('4+', string()),
      typesFilter: array('5+', string()),
    },
    response: {
      throttleTimeMs: int32('1+').ignorable(),
      errorCode: int16(),
      groups: array({
        groupId: string(),
        protocolType: string(),
        groupState: string('4+').ignorable(),
        groupType: string('5+').ignorable(),
      }),
    },
  },
);
export type ListGroupsRequest = RequestOf<typeof ListGroups>;
export type ListGroupsReceivedRequest = ReceivedRequestOf<typeof ListGroups>;
export type ListGroupsResponse = ResponseOf<typeof ListGroups>;
