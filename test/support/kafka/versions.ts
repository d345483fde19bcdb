/** Which Kafka releases the harness runs: a table, checked against what the registry really resolves. */

/** How a release keeps its metadata, and so how its cluster is started. */
export type MetadataMode = 'kraft' | 'zookeeper';

/** One Kafka release the harness can start. */
export interface KafkaRelease {
  readonly version: string;
  readonly mode: MetadataMode;
}

export const KAFKA_28 = '2.8.2';
export const KAFKA_39 = '3.9.2';
export const KAFKA_40 = '4.0.2';
export const KAFKA_41 = '4.1.2';
export const KAFKA_NEWEST = '4.4.0';

/** Every release of the full matrix, oldest first. 2.8 is the last line many estates still run on ZooKeeper. */
export const MATRIX: readonly KafkaRelease[] = [
  { version: KAFKA_28, mode: 'zookeeper' },
  { version: KAFKA_39, mode: 'kraft' },
  { version: KAFKA_40, mode: 'kraft' },
  { version: KAFKA_41, mode: 'kraft' },
  { version: KAFKA_NEWEST, mode: 'kraft' },
];

/** kafka-tools (console consumer and friends) is not published for every release; this one resolves and talks to all brokers of the matrix. */
export const TOOLS_VERSION = '4.3.1';

/** connect-mirror and connect-runtime (MirrorMaker 2), likewise. */
export const MIRROR_MAKER_VERSION = '4.3.1';

/** The one slf4j binding that fits the slf4j-api 1.7 every release of the matrix depends on; without a binding a broker is mute even when it dies. */
export const SLF4J_SIMPLE_VERSION = '1.7.36';

/** The release's row; a version that is not in the table is taken as KRaft from 3.3 on, where KRaft became production-ready. */
export function releaseOf(version: string): KafkaRelease {
  const known = MATRIX.find((release) => release.version === version);
  if (known) return known;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return { version, mode: major > 3 || (major === 3 && minor >= 3) ? 'kraft' : 'zookeeper' };
}
