/** DescribeAcls: the entries that match a filter, grouped by resource. */
import { ErrorCode } from '../../protocol/error-codes.ts';
import { DescribeAcls } from '../../protocol/messages/describe-acls.ts';
import { handler } from '../handler.ts';
import { attempt, Refusal } from '../refusal.ts';
import { demand, type RequestContext, spring } from '../request-context.ts';
import type { Operation } from '../security/acl.ts';
import type { Authorizer } from '../security/authorizer.ts';

export const describeAcls = handler(DescribeAcls, (filter, context) => {
  const authorizer = attempt(() => authorizerFor(context, 'describe'));
  if (authorizer instanceof Refusal) {
    return { errorCode: authorizer.errorCode, errorMessage: authorizer.errorMessage, resources: [] };
  }
  const found = authorizer.find(filter);
  const resources = new Map(found.map((acl) => [`${acl.resourceType} ${acl.patternType} ${acl.resourceName}`, acl]));
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    resources: [...resources.values()].map(({ resourceType, resourceName, patternType }) => ({
      resourceType,
      resourceName,
      patternType,
      acls: found.filter(
        (acl) => acl.resourceType === resourceType && acl.resourceName === resourceName && acl.patternType === patternType,
      ),
    })),
  };
});

/** The authorizer, if there is one and the sender may see or change its entries. */
export const authorizerFor = (context: RequestContext, operation: Operation): Authorizer => {
  const { authorizer } = context.cluster;
  spring(context);
  if (authorizer === null) throw new Refusal('SECURITY_DISABLED', 'No Authorizer is configured.');
  demand(context, operation, 'cluster');
  return authorizer;
};
