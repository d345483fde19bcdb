/** What a controller accepts when topics are made and grown: names, counts, replication factors, manual assignments. Pure. */
import { Refusal } from './refusal.ts';

const MAX_NAME_LENGTH = 249;

/** Throws INVALID_TOPIC_EXCEPTION for a name no topic may have. */
export const checkTopicName = (name: string): void => {
  const reason =
    name === ''
      ? 'the empty string is not allowed'
      : name === '.' || name === '..'
        ? `'${name}' is not allowed`
        : name.length > MAX_NAME_LENGTH
          ? `the length of '${name}' is longer than the max allowed length ${MAX_NAME_LENGTH}`
          : /^[a-zA-Z0-9._-]+$/.test(name)
            ? null
            : `'${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`;
  if (reason !== null) throw new Refusal('INVALID_TOPIC_EXCEPTION', `Topic name is invalid: ${reason}`);
};

/** Metrics turn dots into underscores, so names that differ only in those may not both exist. */
export const checkCollision = (name: string, existing: Iterable<string>): void => {
  const flat = name.replaceAll('.', '_');
  for (const other of existing) {
    if (other !== name && other.replaceAll('.', '_') === flat) {
      throw new Refusal('INVALID_TOPIC_EXCEPTION', `Topic '${name}' collides with existing topic: ${other}`);
    }
  }
};

/** How a topic is asked for. −1 takes the broker's default. */
export interface TopicRequest {
  readonly numPartitions: number;
  readonly replicationFactor: number;
  readonly assignments: readonly { readonly partitionIndex: number; readonly brokerIds: readonly number[] }[];
}

/** What an assignment is made of. */
export interface Placement {
  /** Ids of the brokers that are alive. */
  readonly brokers: readonly number[];
  readonly defaultPartitions: number;
  readonly defaultReplicationFactor: number;
  /** Where the round of leaders begins, so that topics of one partition do not all land on the first broker. */
  readonly start: number;
}

/** Replicas of each partition, the preferred leader first. Throws the refusal of a request that cannot be placed. */
export const placeTopic = ({ numPartitions, replicationFactor, assignments }: TopicRequest, placement: Placement): number[][] => {
  if (assignments.length > 0) {
    if (numPartitions !== -1 || replicationFactor !== -1) {
      throw new Refusal('INVALID_REQUEST', 'Both partition count or replication factor and manual assignments were given');
    }
    return manualPlacement(assignments, placement.brokers);
  }
  const partitions = numPartitions === -1 ? placement.defaultPartitions : numPartitions;
  const factor = replicationFactor === -1 ? placement.defaultReplicationFactor : replicationFactor;
  if (partitions <= 0) throw new Refusal('INVALID_PARTITIONS', 'Number of partitions was set to an invalid non-positive value.');
  checkFactor(factor, placement.brokers.length);
  return roundRobin(0, partitions, factor, placement);
};

const checkFactor = (factor: number, brokers: number): void => {
  if (factor <= 0)
    throw new Refusal('INVALID_REPLICATION_FACTOR', 'Replication factor must be larger than 0, or -1 to use the default value.');
  if (factor > brokers) {
    throw new Refusal(
      'INVALID_REPLICATION_FACTOR',
      `Unable to replicate the partition ${factor} time(s): The target replication factor of ${factor} cannot be reached because only ${brokers} broker(s) are registered.`,
    );
  }
};

/** Replicas of partitions `from` up to, not including, `to`. */
export const roundRobin = (
  from: number,
  to: number,
  factor: number,
  { brokers, start }: Pick<Placement, 'brokers' | 'start'>,
): number[][] => {
  const placed: number[][] = [];
  for (let p = from; p < to; p++) {
    placed.push(Array.from({ length: factor }, (_, r) => brokers[(start + p + r) % brokers.length]!));
  }
  return placed;
};

const manualPlacement = (assignments: TopicRequest['assignments'], brokers: readonly number[]): number[][] => {
  const placed: number[][] = [];
  for (const { partitionIndex, brokerIds } of [...assignments].sort((a, b) => a.partitionIndex - b.partitionIndex)) {
    if (partitionIndex !== placed.length) {
      throw new Refusal('INVALID_REPLICA_ASSIGNMENT', 'partitions should be a consecutive 0-based integer sequence');
    }
    checkReplicas(brokerIds, placed[0]?.length, brokers);
    placed.push([...brokerIds]);
  }
  return placed;
};

/** Throws INVALID_REPLICA_ASSIGNMENT for replicas that are none, repeated, unknown, or not as many as their siblings'. */
export const checkReplicas = (replicas: readonly number[], factor: number | undefined, brokers: readonly number[]): void => {
  const reason =
    replicas.length === 0
      ? 'The manual partition assignment includes an empty replica list.'
      : new Set(replicas).size !== replicas.length
        ? `The manual partition assignment includes the broker ${replicas.find((id, i) => replicas.indexOf(id) !== i)} more than once.`
        : factor !== undefined && replicas.length !== factor
          ? `The manual partition assignment includes a partition with ${replicas.length} replica(s), but this is not consistent with previous partitions, which have ${factor} replica(s).`
          : replicas.some((id) => !brokers.includes(id))
            ? `The manual partition assignment includes broker ${replicas.find((id) => !brokers.includes(id))}, but no such broker is registered.`
            : null;
  if (reason !== null) throw new Refusal('INVALID_REPLICA_ASSIGNMENT', reason);
};
