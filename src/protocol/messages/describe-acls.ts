/** DescribeAcls (key 29). */
import { api, array, int8, int16, int32, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const DescribeAcls = api(
  29,
  'DescribeAcls',
  { versions: '1-3', flexible: '2+' },
  {
    request: {
      resourceTypeFilter: int8(),
      resourceNameFilter: string().nullable(),
      patternTypeFilter: int8('1+').default(3),
      principalFilter: string().nullable(),
      hostFilter: string().nullable(),
      operation: int8(),
      permissionType: int8(),
    },
    response: {
      throttleTimeMs: int32(),
      errorCode: int16(),
      errorMessage: string().nullable(),
      resources: array({
        resourceType: int8(),
        resourceName: string(),
        patternType: int8('1+').default(3),
        acls: array({
          principal: string(),
          host: string(),
          operation: int8(),
          permissionType: int8(),
        }),
      }),
    },
  },
);
export type DescribeAclsRequest = RequestOf<typeof DescribeAcls>;
export type DescribeAclsReceivedRequest = ReceivedRequestOf<typeof DescribeAcls>;
export type DescribeAclsResponse = ResponseOf<typeof DescribeAcls>;
