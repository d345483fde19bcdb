/** ListTransactions: the transactional ids that this broker coordinates. */
import { ErrorCode } from '../../protocol/error-codes.ts';
import { ListTransactions } from '../../protocol/messages/list-transactions.ts';
import { handler } from '../handler.ts';
import { allows } from '../request-context.ts';

const STATES = ['Empty', 'Ongoing', 'PrepareCommit', 'PrepareAbort', 'CompleteCommit', 'CompleteAbort', 'Dead', 'PrepareEpochFence'];

export const listTransactions = handler(ListTransactions, ({ stateFilters, producerIdFilters }, context) => {
  const { cluster, broker } = context;
  const passes = stateFilters.length === 0 || stateFilters.includes('Empty');
  return {
    errorCode: ErrorCode.NONE,
    unknownStateFilters: stateFilters.filter((state) => !STATES.includes(state)),
    transactionStates: [...cluster.producerIds.allTransactional()]
      .filter(([id]) => passes && cluster.coordinatorOf(id)?.id === broker.id && allows(context, 'describe', 'transactionalId', id))
      .filter(([, { producerId }]) => producerIdFilters.length === 0 || producerIdFilters.includes(producerId))
      .map(([transactionalId, { producerId }]) => ({ transactionalId, producerId, transactionState: 'Empty' })),
  };
});
