/** Verifies whole topics between two clusters that are connected: every partition, some of them at a time. */
import { abortedError } from '../../client/abort.ts';
import { BrokerError } from '../../client/broker-error.ts';
import type { Clock } from '../../client/clock.ts';
import type { Cluster } from '../../client/cluster.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { Gate } from '../gate.ts';
import { ByteRate } from './byte-rate.ts';
import { newCounts } from './comparison-rules.ts';
import { DifferenceList } from './difference.ts';
import { clusterLogReader } from './log-reader.ts';
import { reportOf, type VerifiedPartition, type VerifyPosition, type VerifyReport } from './report.ts';
import { type PartitionToVerify, type VerifyProgress, type VerifyRules, verifyPartition } from './verify-partition.ts';

/** A mirror topic and what it is the mirror of. */
export interface VerifyTopic {
  readonly topic: string;
  readonly sourceTopic: string;
}

/** How a verification is done, with nothing left open. */
export interface VerifyPlan {
  readonly rules: VerifyRules;
  readonly topics: readonly VerifyTopic[];
  /** Where partitions begin, and where they end, other than at the ends of their logs. */
  readonly from: readonly VerifyPosition[];
  readonly to: readonly VerifyPosition[];
  /** Partitions that are compared at a time; each holds two answers and an opened batch or two. */
  readonly partitionsAtOnce: number;
  readonly fetchBytes: number;
  /** Over both sides; may be infinite. */
  readonly bytesPerSecond: number;
  /** Milliseconds for which what may pass by itself is tried again. */
  readonly timeoutMs: number;
  /** Milliseconds between two calls of `onProgress` for one partition. */
  readonly progressIntervalMs: number;
  readonly onProgress: (progress: VerifyProgress) => void;
}

export interface VerifyClusters {
  readonly source: Cluster;
  readonly destination: Cluster;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Resolves with what was found, also of partitions that could not be compared. It writes nothing, joins no group, and uses connections of its own.
 *
 * @throws LinkError `KLINK_BROKER` or `KLINK_AUTH` for a topic that one side does not know or show, before anything is compared; `KLINK_ABORTED`.
 */
export const verifyTopics = async (clusters: VerifyClusters, plan: VerifyPlan): Promise<VerifyReport> => {
  const { signal, clock } = clusters;
  await Promise.all([
    knowTopics(
      clusters.source,
      plan.topics.map(({ sourceTopic }) => sourceTopic),
      plan.timeoutMs,
      signal,
    ),
    knowTopics(
      clusters.destination,
      plan.topics.map(({ topic }) => topic),
      plan.timeoutMs,
      signal,
    ),
  ]);
  const rate = new ByteRate(clock, plan.bytesPerSecond);
  const gate = new Gate(plan.partitionsAtOnce);
  const settled = await Promise.allSettled(
    plan.topics.flatMap((topic) =>
      partitionsOf(clusters, topic, plan).map((asked) => gate.run(() => verifyOne(clusters, plan, rate, asked))),
    ),
  );
  if (signal.aborted) throw abortedError(signal, 'verifying');
  return reportOf(settled.map((result) => unwrap(result)));
};

const unwrap = <T>(result: PromiseSettledResult<T>): T => {
  if (result.status === 'fulfilled') return result.value;
  throw result.reason;
};

/** Metadata of these topics; what one side does not have ends the verification. */
const knowTopics = async (cluster: Cluster, topics: readonly string[], timeoutMs: number, signal: AbortSignal): Promise<void> => {
  const { role } = cluster.settings;
  await cluster.retry(
    async (_, given) => {
      await cluster.refreshMetadata(topics, given);
      for (const topic of topics) {
        const code = cluster.metadata.topic(topic)?.errorCode ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
        if (code === ErrorCode.NONE) continue;
        const isUnknown = code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
        throw new BrokerError(code, `verify '${topic}' of the ${role}`, {
          advice: `Check the name, and that DESCRIBE and READ on the topic of the ${role} are granted`,
          final: isUnknown,
        });
      }
    },
    { timeoutMs, signal, doing: `Finding the topics on the ${role} cluster` },
  );
};

/** A topic's partitions, on whichever side they are. */
const partitionsOf = (
  { source, destination }: VerifyClusters,
  { topic, sourceTopic }: VerifyTopic,
  plan: VerifyPlan,
): PartitionToVerify[] => {
  const count = Math.max(partitionCount(source, sourceTopic), partitionCount(destination, topic));
  return Array.from({ length: count }, (_, partition) => {
    const find = (positions: readonly VerifyPosition[]): number | undefined => {
      const found = positions.find((position) => position.topic === topic && position.partition === partition);
      return found === undefined ? undefined : Number(found.offset);
    };
    const [from, to] = [find(plan.from), find(plan.to)];
    return { topic, sourceTopic, partition, ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
  });
};

const partitionCount = (cluster: Cluster, topic: string): number => cluster.metadata.topic(topic)?.partitions.length ?? 0;

const verifyOne = (
  { source, destination, clock, signal }: VerifyClusters,
  { rules, fetchBytes, timeoutMs, progressIntervalMs, onProgress }: VerifyPlan,
  rate: ByteRate,
  asked: PartitionToVerify,
): Promise<VerifiedPartition> => {
  const { topic, sourceTopic, partition } = asked;
  if (partition >= partitionCount(source, sourceTopic)) return Promise.resolve(onOneSide(asked, 'extra'));
  if (partition >= partitionCount(destination, topic)) return Promise.resolve(onOneSide(asked, 'missing'));
  const limits = { fetchBytes, timeoutMs, rate };
  let toldAt = clock.now();
  return verifyPartition(
    {
      source: clusterLogReader(source, { topic: sourceTopic, partition }, limits),
      destination: clusterLogReader(destination, { topic, partition }, limits),
      rules,
      signal,
      progressed: (progress) => {
        const now = clock.now();
        if (progress.position < progress.to && now - toldAt < progressIntervalMs) return;
        toldAt = now;
        onProgress(progress);
      },
    },
    asked,
  );
};

/** A partition that only the source (`missing`) or only the mirror (`extra`) has. */
const onOneSide = (asked: PartitionToVerify, kind: 'missing' | 'extra'): VerifiedPartition => {
  const found = new DifferenceList(1);
  const detail = `only the ${kind === 'missing' ? 'source' : 'mirror'} has partition ${asked.partition}`;
  found.add({ kind, offset: 0, tell: () => ({ source: null, destination: null, detail }) });
  const { topic, sourceTopic, partition } = asked;
  return {
    topic,
    sourceTopic,
    partition,
    verdict: 'different',
    from: 0n,
    to: 0n,
    position: 0n,
    source: null,
    destination: null,
    ...newCounts(),
    trimmedOffsets: 0,
    differences: found.differences,
    notes: [],
    error: null,
  };
};
