/**
 * CreateAcls (key 30): adds ACLs. One that exists already is no error. Codes as in describe-acls.ts.
 *
 * v1 pattern types (KIP-290), the broker throttles after answering (KIP-219) · v2 flexible · v3 user resources (KIP-373).
 */
import { api, array, int8, int16, int32, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const CreateAcls = api(
  30,
  'CreateAcls',
  { versions: '1-3', flexible: '2+' },
  {
    request: {
      creations: array({
        resourceType: int8(),
        resourceName: string(),
        /** Literal, unless told otherwise. Filters' "any" and "match" are refused here. */
        resourcePatternType: int8('1+').default(3),
        /** Type and name, as in `User:ann`; `User:*` for everyone. */
        principal: string(),
        /** An address, or `*`; host names are not resolved. */
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    },
    response: {
      throttleTimeMs: int32(),
      /** In the order of creations. */
      results: array({ errorCode: int16(), errorMessage: string().nullable() }),
    },
  },
);
export type CreateAclsRequest = RequestOf<typeof CreateAcls>;
export type CreateAclsReceivedRequest = ReceivedRequestOf<typeof CreateAcls>;
export type CreateAclsResponse = ResponseOf<typeof CreateAcls>;
