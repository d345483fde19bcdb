/** CreateAcls (key 30). */
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
        resourcePatternType: int8('1+').default(3),
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    },
    response: {
      throttleTimeMs: int32(),
      results: array({
        errorCode: int16(),
        errorMessage: string().nullable(),
      }),
    },
  },
);
export type CreateAclsRequest = RequestOf<typeof CreateAcls>;
export type CreateAclsReceivedRequest = ReceivedRequestOf<typeof CreateAcls>;
export type CreateAclsResponse = ResponseOf<typeof CreateAcls>;
