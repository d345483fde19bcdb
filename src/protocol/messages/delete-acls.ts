/**
 * DeleteAcls (key 31): removes every ACL that matches one of the filters, and tells which. Codes as in describe-acls.ts.
 *
 * v1 pattern types (KIP-290), the broker throttles after answering (KIP-219) · v2 flexible · v3 user resources (KIP-373).
 */
import { api, array, int8, int16, int32, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const DeleteAcls = api(
  31,
  'DeleteAcls',
  { versions: '1-3', flexible: '2+' },
  {
    request: {
      filters: array({
        resourceTypeFilter: int8(),
        resourceNameFilter: string().nullable(),
        patternTypeFilter: int8('1+').default(3),
        principalFilter: string().nullable(),
        hostFilter: string().nullable(),
        operation: int8(),
        permissionType: int8(),
      }),
    },
    response: {
      throttleTimeMs: int32(),
      /** In the order of filters. */
      filterResults: array({
        errorCode: int16(),
        errorMessage: string().nullable(),
        matchingAcls: array({
          /** An ACL can match and still fail to be deleted. */
          errorCode: int16(),
          errorMessage: string().nullable(),
          resourceType: int8(),
          resourceName: string(),
          patternType: int8('1+').default(3),
          principal: string(),
          host: string(),
          operation: int8(),
          permissionType: int8(),
        }),
      }),
    },
  },
);
export type DeleteAclsRequest = RequestOf<typeof DeleteAcls>;
export type DeleteAclsReceivedRequest = ReceivedRequestOf<typeof DeleteAcls>;
export type DeleteAclsResponse = ResponseOf<typeof DeleteAcls>;
