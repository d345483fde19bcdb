/** Sees to it, before a link changes anything else, that the destination takes transactions as they are at the source; or says what is missing. */
import { BrokerError } from '../client/broker-error.ts';
import { sleep } from '../client/clock.ts';
import type { Cluster } from '../client/cluster.ts';
import { buildBatch } from '../codec/batch-builder.ts';
import { LinkError } from '../errors.ts';
import { ErrorCode } from '../protocol/error-codes.ts';
import { DescribeConfigs } from '../protocol/messages/describe-configs.ts';
import { IncrementalAlterConfigs } from '../protocol/messages/incremental-alter-configs.ts';
import { Produce } from '../protocol/messages/produce.ts';
import { MARKER_RIGHT_ADVICE, transactionalRightAdvice } from './acls-command.ts';
import { mayWriteMarkers, NO_SUCH_PARTITION } from './marker-right.ts';
import type { PrepareContext } from './plan-topics.ts';
import { VERIFICATION_ADVICE } from './replication/broker-verdicts.ts';

/**
 * Under which the link writes batches of transactions. Brokers want one in the request and look whether the link may use it; they store nothing of it, and no
 * coordinator ever hears of it.
 */
export const transactionalIdOf = (link: string): string => `kafka-link-${link}`;

/** KIP-890: a leader asks the coordinator whether the transaction of a batch is open. The coordinators of the destination know nothing of the source's. */
const VERIFICATION = 'transaction.partition.verification.enable';
const BROKER_RESOURCE = 4;
const SET = 0;
const MAX_PRODUCE_VERSION = 11;
const PRODUCE_TIMEOUT_MS = 1_000;

/** Settings that the question depends on. */
type Context = Pick<PrepareContext, 'options' | 'destination' | 'signal'>;

/**
 * Needs ALTER or CLUSTER_ACTION on the cluster (markers), WRITE on the transactional id, DESCRIBE_CONFIGS on the cluster, and verification switched off at
 * every broker; with `transactionVerification: 'disable'` and ALTER_CONFIGS on the cluster the link switches it off itself, for the cluster and for good.
 *
 * @throws LinkError `KLINK_AUTH` when a right is missing, `KLINK_CONFIG` when verification is on and stays so; as `Cluster.retry`.
 */
export const requireExactTransactions = async (context: Context): Promise<void> => {
  const { options, destination, signal } = context;
  const { settings, name, topics } = options;
  const patience = { timeoutMs: settings.requestTimeoutMs, signal };
  const topic = topics[0] ?? name;
  const transactionalId = transactionalIdOf(name);
  if (!(await destination.retry((_, given) => mayWriteMarkers(destination, topic, given), patience))) {
    throw refused('write markers', MARKER_RIGHT_ADVICE);
  }
  if (!(await destination.retry((_, given) => mayWriteTransactions(destination, topic, transactionalId, given), patience))) {
    throw refused(`write under the transactional id '${transactionalId}'`, transactionalRightAdvice(transactionalId));
  }
  const verifying = await destination.retry((_, given) => brokersThatVerify(destination, given), patience);
  if (verifying.length === 0) return;
  if (settings.transactionVerification !== 'disable') {
    throw new LinkError(
      'KLINK_CONFIG',
      `Transactions cannot be mirrored exactly while ${brokersText(verifying)} of the destination verify them (${VERIFICATION}=true). ${VERIFICATION_ADVICE}`,
    );
  }
  options.logger.warn(
    { link: name, config: VERIFICATION, value: 'false' },
    'verification of transactions is switched off at the destination',
  );
  await destination.retry((_, given) => switchOff(destination, given), patience);
  await awaitOff(context);
};

const refused = (what: string, advice: string): LinkError =>
  new LinkError('KLINK_AUTH', `The link may not ${what} on the destination, which transactions: 'exact' needs. ${advice}`);

const brokersText = (ids: readonly number[]): string => `${ids.length === 1 ? 'broker' : 'brokers'} ${ids.join(', ')}`;

/** A batch for a partition that no topic has: brokers look at the right first, and then find that there is nowhere to write. */
const mayWriteTransactions = async (
  destination: Cluster,
  topic: string,
  transactionalId: string,
  signal: AbortSignal,
): Promise<boolean> => {
  const batch = { transactional: true, producerId: 0n, producerEpoch: 0, baseSequence: 0 };
  const records = await buildBatch([{ value: null, timestamp: 0n }], batch);
  const topicData = [{ name: topic, partitionData: [{ index: NO_SUCH_PARTITION, records }] }];
  const body = { transactionalId, acks: 1, timeoutMs: PRODUCE_TIMEOUT_MS, topicData };
  const response = await destination.send(Produce, body, 'any', { signal, maxVersion: MAX_PRODUCE_VERSION });
  const code = response.responses[0]?.partitionResponses[0]?.errorCode;
  if (code === undefined) throw new LinkError('KLINK_MALFORMED', 'The destination did not answer for a batch', { retriable: true });
  return code !== ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
};

/** Each broker must be asked itself. Brokers before 3.6 do not know the config, and verify nothing. */
const brokersThatVerify = async (destination: Cluster, signal: AbortSignal): Promise<readonly number[]> => {
  await destination.refreshMetadata([], signal);
  const ids = [...destination.metadata.brokers.keys()].sort((a, b) => a - b);
  const found = await Promise.all(ids.map((id) => doesVerify(destination, id, signal)));
  return ids.filter((_, index) => found[index]);
};

const doesVerify = async (destination: Cluster, id: number, signal: AbortSignal): Promise<boolean> => {
  const resource = { resourceType: BROKER_RESOURCE, resourceName: String(id), configurationKeys: [VERIFICATION] };
  const { results } = await destination.send(DescribeConfigs, { resources: [resource] }, { broker: id }, { signal });
  const { errorCode, errorMessage, configs } = results[0] ?? { errorCode: ErrorCode.NONE, errorMessage: null, configs: [] };
  if (errorCode === ErrorCode.NONE) return configs.some(({ name, value }) => name === VERIFICATION && value !== 'false');
  throw new BrokerError(errorCode, `find out whether broker ${id} of the destination verifies transactions`, {
    detail: errorMessage,
    advice: 'Grant the link DESCRIBE_CONFIGS on the cluster of the destination',
  });
};

/** As the default of all brokers: those that come later have it too. It outlives restarts. */
const switchOff = async (destination: Cluster, signal: AbortSignal): Promise<void> => {
  const configs = [{ name: VERIFICATION, configOperation: SET, value: 'false' }];
  const body = { resources: [{ resourceType: BROKER_RESOURCE, resourceName: '', configs }], validateOnly: false };
  const { responses } = await destination.send(IncrementalAlterConfigs, body, 'controller', { signal });
  const answer = responses[0];
  if (answer === undefined || answer.errorCode === ErrorCode.NONE) return;
  throw new BrokerError(answer.errorCode, `set ${VERIFICATION}=false as the default of the destination's brokers`, {
    detail: answer.errorMessage,
    advice: 'Set it yourself, or grant the link ALTER_CONFIGS on the cluster',
  });
};

/** Brokers take a change over one after the other; one that has a value of its own never does. */
const awaitOff = async ({ options, destination, signal }: Context): Promise<void> => {
  const { clock, settings } = options;
  const deadline = clock.now() + settings.requestTimeoutMs;
  for (;;) {
    const verifying = await destination.retry((_, given) => brokersThatVerify(destination, given), {
      timeoutMs: settings.requestTimeoutMs,
      signal,
    });
    if (verifying.length === 0) return;
    if (clock.now() >= deadline) {
      throw new LinkError(
        'KLINK_CONFIG',
        `${VERIFICATION}=false was set as the default of the destination's brokers, but ${brokersText(verifying)} still verify transactions: remove the value that was set there (kafka-configs.sh --entity-type brokers --entity-name <id> --delete-config ${VERIFICATION})`,
      );
    }
    await sleep(clock, settings.retryBackoffMs, signal);
  }
};
