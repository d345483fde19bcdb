/** DescribeTransactions: transactional ids have a producer id here, and never an open transaction. */
import { ErrorCode } from '../../protocol/error-codes.ts';
import { DescribeTransactions } from '../../protocol/messages/describe-transactions.ts';
import { handler } from '../handler.ts';
import { attempt, Refusal } from '../refusal.ts';
import { demand, demandCoordinator, type RequestContext, spring } from '../request-context.ts';

export const describeTransactions = handler(DescribeTransactions, ({ transactionalIds }, context) => ({
  transactionStates: transactionalIds.map((transactionalId) => {
    const found = attempt(() => find(transactionalId, context));
    const failed = found instanceof Refusal;
    return {
      errorCode: failed ? found.errorCode : ErrorCode.NONE,
      transactionalId,
      transactionState: failed ? '' : 'Empty',
      transactionTimeoutMs: 0,
      transactionStartTimeMs: -1n,
      producerId: failed ? -1n : found.producerId,
      producerEpoch: failed ? -1 : found.producerEpoch,
      topics: [],
    };
  }),
}));

const find = (transactionalId: string, context: RequestContext) => {
  demand(context, 'describe', 'transactionalId', transactionalId);
  spring(context);
  demandCoordinator(context, transactionalId);
  const known = context.cluster.producerIds.transactional(transactionalId);
  if (known === undefined) throw new Refusal('TRANSACTIONAL_ID_NOT_FOUND');
  return known;
};
