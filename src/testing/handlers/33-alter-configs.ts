/** AlterConfigs: replaces all overrides of a resource at once; the way of 2.1 and 2.2. */
import { ErrorCode } from '../../protocol/error-codes.ts';
import { AlterConfigs } from '../../protocol/messages/alter-configs.ts';
import { handler } from '../handler.ts';
import { attempt, Refusal } from '../refusal.ts';
import { setOverrides } from './44-incremental-alter-configs.ts';
import { resourceOf } from './config-resource.ts';

export const alterConfigs = handler(AlterConfigs, ({ resources, validateOnly }, context) => ({
  responses: resources.map(({ resourceType, resourceName, configs }) => {
    const outcome = attempt(() => {
      const resource = resourceOf(resourceType, resourceName, 'alterConfigs', context);
      const overrides = new Map<string, string>();
      for (const { name, value } of configs) {
        if (value === null) throw new Refusal('INVALID_REQUEST', `Null value not supported for : ${name}`);
        overrides.set(name, value);
      }
      setOverrides(resource, overrides, validateOnly, context);
    });
    const failed = outcome instanceof Refusal;
    return {
      errorCode: failed ? outcome.errorCode : ErrorCode.NONE,
      errorMessage: failed ? outcome.errorMessage : null,
      resourceType,
      resourceName,
    };
  }),
}));
