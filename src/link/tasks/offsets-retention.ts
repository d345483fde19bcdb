/** How long a cluster keeps committed offsets that nobody renews. */
import type { Cluster } from '../../client/cluster.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { DescribeConfigs } from '../../protocol/messages/describe-configs.ts';

const BROKER_RESOURCE = 4;
const CONFIG = 'offsets.retention.minutes';
const MINUTE_MS = 60_000;
/** Seven days, the default since Kafka 2.0. */
export const DEFAULT_OFFSETS_RETENTION_MS = 7 * 24 * 60 * MINUTE_MS;

/** Milliseconds, as one broker has it configured; null when none is known, or we may not know (that takes DESCRIBE_CONFIGS on the cluster). Throws as `Cluster.send`. */
export const offsetsRetentionMs = async (cluster: Cluster, signal: AbortSignal): Promise<number | null> => {
  const [broker] = cluster.metadata.brokers.keys();
  if (broker === undefined) return null;
  const resources = [{ resourceType: BROKER_RESOURCE, resourceName: String(broker), configurationKeys: [CONFIG] }];
  const { results } = await cluster.send(DescribeConfigs, { resources }, { broker }, { signal });
  const [result] = results;
  const minutes = Number(result?.configs.find(({ name }) => name === CONFIG)?.value);
  return result?.errorCode === ErrorCode.NONE && Number.isInteger(minutes) && minutes > 0 ? minutes * MINUTE_MS : null;
};
