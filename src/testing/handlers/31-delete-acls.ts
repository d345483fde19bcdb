/** DeleteAcls: removes the entries that match each filter, and says which. */
import { ErrorCode } from '../../protocol/error-codes.ts';
import { DeleteAcls } from '../../protocol/messages/delete-acls.ts';
import { handler } from '../handler.ts';
import { attempt, Refusal } from '../refusal.ts';
import { authorizerFor } from './29-describe-acls.ts';

export const deleteAcls = handler(DeleteAcls, ({ filters }, context) => {
  const authorizer = attempt(() => authorizerFor(context, 'alter'));
  return {
    filterResults: filters.map((filter) => {
      if (authorizer instanceof Refusal) {
        return { errorCode: authorizer.errorCode, errorMessage: authorizer.errorMessage, matchingAcls: [] };
      }
      const matchingAcls = authorizer.remove(filter).map((acl) => ({ ...acl, errorCode: ErrorCode.NONE, errorMessage: null }));
      return { errorCode: ErrorCode.NONE, errorMessage: null, matchingAcls };
    }),
  };
});
