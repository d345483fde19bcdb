/** CreateAcls: adds entries; one that exists is not an error. */
import { ErrorCode } from '../../protocol/error-codes.ts';
import { CreateAcls, type CreateAclsReceivedRequest } from '../../protocol/messages/create-acls.ts';
import { handler } from '../handler.ts';
import { attempt, Refusal } from '../refusal.ts';
import { OPERATIONS, PATTERN_TYPES, PERMISSIONS, RESOURCE_TYPES } from '../security/acl.ts';
import { authorizerFor } from './29-describe-acls.ts';

export const createAcls = handler(CreateAcls, ({ creations }, context) => {
  const authorizer = attempt(() => authorizerFor(context, 'alter'));
  return {
    results: creations.map((creation) => {
      const outcome = authorizer instanceof Refusal ? authorizer : attempt(() => authorizer.add(entryOf(creation)));
      const failed = outcome instanceof Refusal;
      return { errorCode: failed ? outcome.errorCode : ErrorCode.NONE, errorMessage: failed ? outcome.errorMessage : null };
    }),
  };
});

/** Throws INVALID_REQUEST for an entry that names no one resource, operation or permission. */
const entryOf = ({ resourcePatternType: patternType, ...acl }: CreateAclsReceivedRequest['creations'][number]) => {
  const known =
    acl.resourceType > RESOURCE_TYPES.any &&
    (patternType === PATTERN_TYPES.literal || patternType === PATTERN_TYPES.prefixed) &&
    acl.operation > OPERATIONS.any &&
    (acl.permissionType === PERMISSIONS.allow || acl.permissionType === PERMISSIONS.deny) &&
    acl.principal.includes(':') &&
    acl.resourceName !== '';
  if (!known) throw new Refusal('INVALID_REQUEST', 'Invalid ACL binding');
  return { ...acl, patternType };
};
