/**
 * DescribeAcls (key 29): the ACLs that match a filter.
 *
 * v1 pattern types (KIP-290), the broker throttles after answering (KIP-219) · v2 flexible · v3 user resources (KIP-373).
 *
 * Codes of the four small integers: resource types 2 topic, 3 group, 4 cluster, 5 transactional id, 6 delegation token, 7 user ·
 * pattern types 3 literal, 4 prefixed (filters also 1 any, 2 match) ·
 * operations 2 all, 3 read, 4 write, 5 create, 6 delete, 7 alter, 8 describe, 9 cluster action, 10 describe configs, 11 alter configs, 12
 * idempotent write, 13 create tokens, 14 describe tokens ·
 * permissions 2 deny, 3 allow. In a filter 1 is "any".
 */
import { api, array, int8, int16, int32, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const DescribeAcls = api(
  29,
  'DescribeAcls',
  { versions: '1-3', flexible: '2+' },
  {
    request: {
      resourceTypeFilter: int8(),
      /** Null: any name. */
      resourceNameFilter: string().nullable(),
      patternTypeFilter: int8('1+').default(3),
      principalFilter: string().nullable(),
      hostFilter: string().nullable(),
      operation: int8(),
      permissionType: int8(),
    },
    response: {
      throttleTimeMs: int32(),
      /** SECURITY_DISABLED when the cluster has no authorizer: then there are no ACLs. */
      errorCode: int16(),
      errorMessage: string().nullable(),
      resources: array({
        resourceType: int8(),
        resourceName: string(),
        patternType: int8('1+').default(3),
        acls: array({ principal: string(), host: string(), operation: int8(), permissionType: int8() }),
      }),
    },
  },
);
export type DescribeAclsRequest = RequestOf<typeof DescribeAcls>;
export type DescribeAclsReceivedRequest = ReceivedRequestOf<typeof DescribeAcls>;
export type DescribeAclsResponse = ResponseOf<typeof DescribeAcls>;
