/**
 * ListGroups (key 16): the groups that this broker coordinates. All brokers must be asked to know all groups.
 *
 * v2 the broker throttles after answering (KIP-219) · v3 flexible · v4 states (KIP-518) · v5 types (KIP-848).
 */
import { api, array, int16, int32, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const ListGroups = api(
  16,
  'ListGroups',
  { versions: '0-5', flexible: '3+' },
  {
    request: {
      /** Empty: every state. Not ignorable: an older broker would answer with all. */
      statesFilter: array('4+', string()),
      /** `classic`, `consumer`, `share`, `streams`; empty: every type. */
      typesFilter: array('5+', string()),
    },
    response: {
      throttleTimeMs: int32('1+').ignorable(),
      /** COORDINATOR_LOAD_IN_PROGRESS: some groups are not known yet, so the list is not to be used. */
      errorCode: int16(),
      /** Those we may DESCRIBE; the others are left out in silence. */
      groups: array({
        groupId: string(),
        /** `consumer` for consumers, empty for a group that only commits, `connect` for Kafka Connect. */
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
