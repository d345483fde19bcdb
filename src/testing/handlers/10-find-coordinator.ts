/** FindCoordinator: the broker that answers for a group or a transactional id. */
import { ErrorCode } from '../../protocol/error-codes.ts';
import { FindCoordinator } from '../../protocol/messages/find-coordinator.ts';
import { handler } from '../handler.ts';
import { attempt, Refusal } from '../refusal.ts';
import { demand, type RequestContext, spring } from '../request-context.ts';

const KEY_TYPES = { group: 0, transaction: 1 } as const;

export const findCoordinator = handler(FindCoordinator, ({ key, keyType, coordinatorKeys }, context) => {
  if (context.header.apiVersion >= 4)
    return { coordinators: coordinatorKeys.map((each) => ({ key: each, ...located(each, keyType, context) })) };
  const { errorCode, errorMessage, nodeId, host, port } = located(key, keyType, context);
  return { errorCode, errorMessage: context.header.apiVersion >= 1 ? errorMessage : null, nodeId, host, port };
});

const located = (key: string, keyType: number, context: RequestContext) => {
  const broker = attempt(() => locate(key, keyType, context));
  if (broker instanceof Refusal)
    return { errorCode: broker.errorCode, errorMessage: broker.errorMessage ?? '', nodeId: -1, host: '', port: -1 };
  const { id, host, port } = broker;
  return { errorCode: ErrorCode.NONE, errorMessage: '', nodeId: id, host, port };
};

const locate = (key: string, keyType: number, context: RequestContext) => {
  if (keyType !== KEY_TYPES.group && keyType !== KEY_TYPES.transaction) throw new Refusal('INVALID_REQUEST');
  demand(context, 'describe', keyType === KEY_TYPES.group ? 'group' : 'transactionalId', key);
  spring(context);
  const broker = context.cluster.coordinatorOf(key);
  if (broker === undefined) throw new Refusal('COORDINATOR_NOT_AVAILABLE');
  return broker;
};
