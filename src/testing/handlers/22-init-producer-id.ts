/** InitProducerId: an id for an idempotent producer, or the next epoch of a transactional id. */
import { ErrorCode } from '../../protocol/error-codes.ts';
import { InitProducerId, type InitProducerIdReceivedRequest } from '../../protocol/messages/init-producer-id.ts';
import { handler } from '../handler.ts';
import type { ProducerIdAndEpoch } from '../producer-ids.ts';
import { attempt, Refusal } from '../refusal.ts';
import { allows, demand, demandCoordinator, type RequestContext, spring } from '../request-context.ts';

/** `transaction.max.timeout.ms`. */
const MAX_TIMEOUT_MS = 900_000;
/** First version whose clients know PRODUCER_FENCED; before, the same is said with INVALID_PRODUCER_EPOCH. */
const FENCED_FROM = 4;

export const initProducerId = handler(InitProducerId, (request, context) => {
  const outcome = attempt(() => init(request, context));
  if (!(outcome instanceof Refusal)) return { errorCode: ErrorCode.NONE, ...outcome };
  const fenced = outcome.errorCode === ErrorCode.PRODUCER_FENCED && context.header.apiVersion < FENCED_FROM;
  return { errorCode: fenced ? ErrorCode.INVALID_PRODUCER_EPOCH : outcome.errorCode, producerId: -1n, producerEpoch: -1 };
});

const init = (
  { transactionalId, transactionTimeoutMs, producerId, producerEpoch }: InitProducerIdReceivedRequest,
  context: RequestContext,
): ProducerIdAndEpoch => {
  const { cluster, broker } = context;
  if (transactionalId !== null) demand(context, 'write', 'transactionalId', transactionalId);
  else if (!allows(context, 'idempotentWrite', 'cluster') && !mayWriteSomewhere(context)) throw new Refusal('CLUSTER_AUTHORIZATION_FAILED');
  spring(context);
  if (transactionalId === null) return { producerId: cluster.producerIds.next(broker.id), producerEpoch: 0 };
  if (transactionalId === '') throw new Refusal('INVALID_REQUEST');
  if (transactionTimeoutMs <= 0 || transactionTimeoutMs > MAX_TIMEOUT_MS) throw new Refusal('INVALID_TRANSACTION_TIMEOUT');
  demandCoordinator(context, transactionalId);
  return cluster.producerIds.initTransactional(transactionalId, { producerId, producerEpoch }, broker.id);
};

/** Since KIP-679 a producer that may write to any topic may also be idempotent. */
const mayWriteSomewhere = (context: RequestContext): boolean =>
  [...context.cluster.topics].some(({ name }) => allows(context, 'write', 'topic', name));
