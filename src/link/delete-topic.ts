/** Deletes one very topic, known by its id, and waits until no broker has it any more. */
import { BrokerError } from '../client/broker-error.ts';
import { type Clock, sleep } from '../client/clock.ts';
import type { Cluster } from '../client/cluster.ts';
import { LinkError } from '../errors.ts';
import { ErrorCode } from '../protocol/error-codes.ts';
import { DeleteTopics } from '../protocol/messages/delete-topics.ts';
import { Metadata } from '../protocol/messages/metadata.ts';
import { aclsCommand } from './acls-command.ts';

const ADMIN_TIMEOUT_MS = 20_000;
const LOOK_AGAIN_MS = 50;
const GONE: ReadonlySet<number> = new Set([ErrorCode.NONE, ErrorCode.UNKNOWN_TOPIC_ID, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);

export interface DoomedTopic {
  readonly name: string;
  readonly topicId: string;
}

/**
 * Deletes the topic, unless it is gone already. It goes by its id: a topic that has the same name since is left alone, however often this is repeated.
 * Needs DELETE on it.
 *
 * @throws LinkError `KLINK_AUTH` without the right, with the command that grants it; `KLINK_BROKER` when the cluster deletes no topics
 *   (`delete.topic.enable`); `KLINK_TIMEOUT` (retriable) when brokers still have it after `timeoutMs`; else as `Cluster.send`.
 */
export const deleteTopic = async (
  cluster: Cluster,
  { name, topicId }: DoomedTopic,
  { clock, timeoutMs, signal }: { readonly clock: Clock; readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<void> => {
  const { role, bootstrap } = cluster.settings;
  const body = { topics: [{ topicId }], timeoutMs: ADMIN_TIMEOUT_MS };
  const { responses } = await cluster.send(DeleteTopics, body, 'controller', { signal });
  const { errorCode = ErrorCode.UNKNOWN_SERVER_ERROR, errorMessage = null } = responses[0] ?? {};
  if (!GONE.has(errorCode)) {
    const isForbidden = errorCode === ErrorCode.TOPIC_AUTHORIZATION_FAILED;
    throw new BrokerError(errorCode, `delete topic '${name}' of the ${role}`, {
      detail: errorMessage,
      ...(isForbidden && { advice: `Grant the link DELETE on the topic: ${aclsCommand(bootstrap, 'Delete', name)}` }),
    });
  }
  // The controller has forgotten it at once, and brokers a moment later: until then they would say that the old topic is the new one.
  const deadline = clock.now() + timeoutMs;
  while (await isKnownAnywhere(cluster, { name, topicId }, signal)) {
    if (clock.now() >= deadline)
      throw new LinkError('KLINK_TIMEOUT', `Topic '${name}' of the ${role} is deleted, but brokers still have it`, { retriable: true });
    await sleep(clock, LOOK_AGAIN_MS, signal);
  }
  await cluster.refreshMetadata([name], signal);
};

/** A broker that does not answer has to catch up before it serves anybody again. */
const isKnownAnywhere = async (cluster: Cluster, { name, topicId }: DoomedTopic, signal: AbortSignal): Promise<boolean> => {
  const body = { topics: [{ name }], allowAutoTopicCreation: false };
  const answers = await Promise.all(
    [...cluster.metadata.brokers.keys()].map(async (broker) => {
      try {
        const { topics } = await cluster.send(Metadata, body, { broker }, { signal });
        return topics.some((topic) => topic.errorCode === ErrorCode.NONE && topic.topicId === topicId);
      } catch (error) {
        signal.throwIfAborted();
        if (LinkError.is(error) && error.retriable) return false;
        throw error;
      }
    }),
  );
  return answers.includes(true);
};
