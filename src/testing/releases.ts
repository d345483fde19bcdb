/** Which API versions each Kafka release speaks, and the few other things in which releases differ. */
import { APIS } from '../protocol/messages/index.ts';
import { parseVersions, type VersionRange, type Versions } from '../protocol/schema.ts';

/** The releases an embedded cluster can play. 2.8 stands for clusters on ZooKeeper, 3.9 for the last release with old message formats. */
export const RELEASES = ['2.8', '3.9', '4.0', '4.1', '4.4'] as const;
export type Release = (typeof RELEASES)[number];

/** In which row a release stands, oldest first: `since(release, '4.0')` asks for a behaviour by the release that brought it. */
export const since = (release: Release, first: Release): boolean => RELEASES.indexOf(release) >= RELEASES.indexOf(first);

type Row = readonly [name: string, ...ranges: readonly (Versions | '-')[]];

/**
 * validVersions of each release's brokers, unstable versions left out: columns in the order of {@link RELEASES}.
 * WriteTxnMarkers is the one API of which 4.x kept no version that 2.1 knew (KIP-896).
 */
const TABLE: readonly Row[] = [
  ['Produce', '0-9', '0-11', '3-12', '3-13', '3-13'],
  ['Fetch', '0-12', '0-17', '4-17', '4-18', '4-18'],
  ['ListOffsets', '0-6', '0-9', '1-10', '1-10', '1-11'],
  ['Metadata', '0-11', '0-12', '0-13', '0-13', '0-13'],
  ['OffsetCommit', '0-8', '0-9', '2-9', '2-9', '2-10'],
  ['OffsetFetch', '0-7', '0-9', '1-9', '1-9', '1-10'],
  ['FindCoordinator', '0-3', '0-6', '0-6', '0-6', '0-6'],
  ['JoinGroup', '0-7', '0-9', '0-9', '0-9', '0-9'],
  ['Heartbeat', '0-4', '0-4', '0-4', '0-4', '0-4'],
  ['LeaveGroup', '0-4', '0-5', '0-5', '0-5', '0-5'],
  ['SyncGroup', '0-5', '0-5', '0-5', '0-5', '0-5'],
  ['DescribeGroups', '0-5', '0-5', '0-6', '0-6', '0-6'],
  ['ListGroups', '0-4', '0-5', '0-5', '0-5', '0-5'],
  ['ApiVersions', '0-3', '0-4', '0-4', '0-4', '0-4'],
  ['CreateTopics', '0-7', '0-7', '2-7', '2-7', '2-7'],
  ['DeleteTopics', '0-6', '0-6', '1-6', '1-6', '1-6'],
  ['DeleteRecords', '0-2', '0-2', '0-2', '0-2', '0-2'],
  ['InitProducerId', '0-4', '0-5', '0-5', '0-5', '0-5'],
  ['OffsetForLeaderEpoch', '0-4', '0-4', '2-4', '2-4', '2-4'],
  ['WriteTxnMarkers', '0-1', '0-1', '1', '1', '1-2'],
  ['DescribeAcls', '0-2', '0-3', '1-3', '1-3', '1-3'],
  ['CreateAcls', '0-2', '0-3', '1-3', '1-3', '1-3'],
  ['DeleteAcls', '0-2', '0-3', '1-3', '1-3', '1-3'],
  ['DescribeConfigs', '0-4', '0-4', '1-4', '1-4', '1-4'],
  ['AlterConfigs', '0-2', '0-2', '0-2', '0-2', '0-2'],
  ['CreatePartitions', '0-3', '0-3', '0-3', '0-3', '0-3'],
  ['DeleteGroups', '0-2', '0-2', '0-2', '0-2', '0-2'],
  ['IncrementalAlterConfigs', '0-1', '0-1', '0-1', '0-1', '0-1'],
  ['OffsetDelete', '0', '0', '0', '0', '0'],
  ['DescribeCluster', '0', '0-1', '0-2', '0-2', '0-2'],
  ['DescribeProducers', '0', '0', '0', '0', '0'],
  ['DescribeTransactions', '-', '0', '0', '0', '0'],
  ['ListTransactions', '-', '0-1', '0-1', '0-2', '0-2'],
  ['ConsumerGroupDescribe', '-', '0', '0-1', '0-1', '0-1'],
  ['DescribeTopicPartitions', '-', '0', '0', '0', '0'],
];

/** One line of an ApiVersions answer. */
export interface SupportedApi {
  readonly apiKey: number;
  /** What the embedded broker decodes and answers. */
  readonly served: VersionRange;
  /** What it tells clients: the same, but for one oddity of real brokers. */
  readonly advertised: VersionRange;
}

const keyOf: ReadonlyMap<string, number> = new Map(APIS.map(({ name, key }) => [name, key]));
const described: ReadonlyMap<number, VersionRange> = new Map(APIS.map(({ key, versions }) => [key, versions]));

const supportedApi = (name: string, range: Versions, release: Release): SupportedApi => {
  const apiKey = keyOf.get(name) ?? -1;
  const ours = described.get(apiKey) ?? { min: 0, max: -1 };
  const theirs = parseVersions(range);
  const served = { min: Math.max(ours.min, theirs.min), max: Math.min(ours.max, theirs.max) };
  // KAFKA-18659: librdkafka gives up on a broker that does not list Produce v0, so 4.x lists what it then refuses.
  const advertised = name === 'Produce' && since(release, '4.0') ? { min: 0, max: served.max } : served;
  return { apiKey, served, advertised };
};

/**
 * What a broker of `release` speaks, by API key: the release's range, narrowed to the versions this package describes.
 * SASL is left out, as on a listener without it.
 */
export const supportedApis = (release: Release): ReadonlyMap<number, SupportedApi> => {
  const column = RELEASES.indexOf(release);
  const supported = new Map<number, SupportedApi>();
  for (const [name, ...ranges] of TABLE) {
    const range = ranges[column];
    if (range === undefined || range === '-') continue;
    const row = supportedApi(name, range, release);
    supported.set(row.apiKey, row);
  }
  return supported;
};
