/** Produce: the rules, the append, and for acks=all the wait until every replica in sync has it. */
import type { RecordBatch } from '../../codec/record-batch.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { Produce, type ProduceReceivedRequest } from '../../protocol/messages/produce.ts';
import { handler } from '../handler.ts';
import { HANG_UP, NO_ANSWER } from '../interception.ts';
import type { Appended } from '../log/partition-log.ts';
import { hasProducerId } from '../log/producer-state.ts';
import type { Partition } from '../partition.ts';
import { acceptBatch, looksTransactional, theOneBatch } from '../produce-rules.ts';
import { attemptAsync, Refusal } from '../refusal.ts';
import { since } from '../releases.ts';
import { type Appending, replicated } from '../replication.ts';
import { allows, currentLeaderOf, existing, leastInSync, type RequestContext } from '../request-context.ts';
import { endpointsOf } from './endpoints.ts';

/** First version whose clients know TRANSACTION_ABORTABLE (KIP-890). */
const ABORTABLE_FROM = 11;

/** What became of one partition's batch. */
interface Outcome {
  readonly topic: string;
  readonly index: number;
  readonly partition: Partition | undefined;
  readonly leaderEpoch: number;
  readonly result: Appended | Refusal;
}

export const produce = handler(Produce, async (request, context) => {
  const { acks } = request;
  const outcomes = await appendAll(request, context);
  if (acks === 0) return outcomes.some(({ result }) => result instanceof Refusal) ? HANG_UP : NO_ANSWER;
  const settled = acks === -1 ? await acknowledged(outcomes, request.timeoutMs, context) : outcomes;
  if (context.connection.signal.aborted) return NO_ANSWER;
  return {
    responses: request.topicData.map(({ name }) => ({
      name,
      partitionResponses: settled.filter(({ topic }) => topic === name).map((outcome) => partitionResponse(outcome, context)),
    })),
    nodeEndpoints:
      context.header.apiVersion < 10
        ? []
        : endpointsOf(
            settled.filter(movedAway).map(({ partition }) => partition),
            context.cluster,
          ),
  };
});

const appendAll = async (request: ProduceReceivedRequest, context: RequestContext): Promise<readonly Outcome[]> => {
  const whole = refusalOfAll(request, context);
  const outcomes: Outcome[] = [];
  for (const { name, partitionData } of request.topicData) {
    for (const { index, records } of partitionData) {
      const partition = context.cluster.partition(name, index);
      const leaderEpoch = partition?.leaderEpoch ?? -1;
      const result = whole ?? (await attemptAsync(() => append(request, name, index, records, context)));
      outcomes.push({ topic: name, index, partition, leaderEpoch, result });
    }
  }
  return outcomes;
};

/** What refuses the request as a whole. */
const refusalOfAll = ({ transactionalId, acks, topicData }: ProduceReceivedRequest, context: RequestContext): Refusal | undefined => {
  const batches = topicData.flatMap(({ partitionData }) => partitionData.map(({ records }) => looksTransactional(records)));
  const transactional = batches.filter((batch) => batch !== null);
  if (transactional.length > 0 && (transactionalId === null || !allows(context, 'write', 'transactionalId', transactionalId))) {
    return new Refusal('TRANSACTIONAL_ID_AUTHORIZATION_FAILED');
  }
  const producers = new Set(
    transactional.filter((batch) => hasProducerId(batch.producerId)).map((b) => `${b.producerId}/${b.producerEpoch}`),
  );
  if (producers.size > 1) return new Refusal('INVALID_PRODUCER_ID_MAPPING');
  return acks === -1 || acks === 0 || acks === 1 ? undefined : new Refusal('INVALID_REQUIRED_ACKS');
};

const append = async (
  { transactionalId, acks }: ProduceReceivedRequest,
  topic: string,
  index: number,
  records: Buffer | null,
  context: RequestContext,
): Promise<Appended> => {
  const { cluster, header } = context;
  const partition = existing(context, 'write', topic, index);
  const batch = theOneBatch(records, header.apiVersion);
  verifyTransaction(batch, partition, transactionalId, context);
  const config = cluster.logConfig(topic);
  demandLead(partition, context);
  if (acks === -1 && partition.isr.length < leastInSync(partition, cluster)) throw new Refusal('NOT_ENOUGH_REPLICAS');
  const accepted = await acceptBatch(batch, { config, now: cluster.now, takesLogAppendTime: since(cluster.release, '3.9') });
  demandLead(partition, context); // the lead may have moved while the payload was being opened
  return partition.log.append(accepted, partition.leaderEpoch);
};

const demandLead = ({ leader }: Partition, { broker }: RequestContext): void => {
  if (leader !== broker.id) throw new Refusal('NOT_LEADER_OR_FOLLOWER');
};

/**
 * Asks whether the partition belongs to an open transaction (KIP-890). Transactions are begun by AddPartitionsToTxn, which is not played here, so only a
 * transaction that is open in the log already passes. Before anybody used a transactional id the coordinator's topic does not exist: NOT_ENOUGH_REPLICAS.
 */
const verifyTransaction = (
  batch: RecordBatch,
  { log }: Partition,
  transactionalId: string | null,
  { cluster, header, broker }: RequestContext,
): void => {
  const { isTransactional, producerId, producerEpoch } = batch;
  if (!isTransactional || transactionalId === null || !hasProducerId(producerId) || !since(cluster.release, '3.9')) return;
  if (header.apiVersion < 12 && !cluster.configs.brokerFlag('transaction.partition.verification.enable', String(broker.id))) return;
  if (log.producers.hasOpenTransaction(producerId, producerEpoch)) return;
  if (!cluster.producerIds.hasTransactions) throw new Refusal('NOT_ENOUGH_REPLICAS');
  const known = cluster.producerIds.transactional(transactionalId);
  if (known?.producerId !== producerId) throw new Refusal('INVALID_PRODUCER_ID_MAPPING');
  if (known.producerEpoch !== producerEpoch) throw new Refusal('INVALID_PRODUCER_EPOCH');
  throw new Refusal(header.apiVersion < ABORTABLE_FROM ? 'INVALID_TXN_STATE' : 'TRANSACTION_ABORTABLE');
};

/** Waits for every replica in sync to have what was appended, now or before. */
const acknowledged = async (outcomes: readonly Outcome[], timeoutMs: number, context: RequestContext): Promise<readonly Outcome[]> => {
  const appended = new Map<Outcome, Appending>();
  for (const outcome of outcomes) {
    const { partition, leaderEpoch, result } = outcome;
    if (partition !== undefined && !(result instanceof Refusal))
      appended.set(outcome, { partition, leaderEpoch, lastOffset: result.lastOffset });
  }
  const fates = await replicated([...appended.values()], timeoutMs, context);
  return outcomes.map((outcome) => {
    const appending = appended.get(outcome);
    return { ...outcome, result: (appending && fates.get(appending)) ?? outcome.result };
  });
};

const movedAway = ({ result }: Outcome): boolean => result instanceof Refusal && result.errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER;

const partitionResponse = (outcome: Outcome, { header }: RequestContext) => {
  const { index, partition, result } = outcome;
  if (result instanceof Refusal) {
    const { errorCode, recordErrors, errorMessage } = result;
    return {
      index,
      errorCode,
      baseOffset: -1n,
      recordErrors,
      // Brokers put a text here only beside record errors.
      errorMessage: recordErrors.length > 0 ? errorMessage : null,
      ...(header.apiVersion >= 10 && movedAway(outcome) && partition !== undefined ? { currentLeader: currentLeaderOf(partition) } : {}),
    };
  }
  return {
    index,
    errorCode: ErrorCode.NONE,
    baseOffset: result.baseOffset,
    logAppendTimeMs: result.logAppendTime,
    logStartOffset: partition?.log.startOffset ?? -1n,
  };
};
