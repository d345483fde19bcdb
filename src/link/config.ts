/** Every tunable of a link as one table of data: name, the product's key, default, range, meaning. Types, checks and the docs page come from it. */

interface Setting {
  /** The dotted name under which Kafka and Cluster Linking know it; `kafka.link.…` where only this package has it. */
  readonly key: string;
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly meaning: string;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const INT = 0x7fff_ffff;

export const SETTINGS = {
  numClusterLinkFetchers: {
    key: 'num.cluster.link.fetchers',
    default: 1,
    min: 1,
    max: 64,
    meaning: 'Fetch connections per source broker.',
  },
  replicaFetchMaxBytes: {
    key: 'replica.fetch.max.bytes',
    default: MIB,
    min: KIB,
    max: INT,
    meaning:
      'Bytes of one partition in one answer, at most; a larger batch comes whole all the same. Where many partitions are behind, each asks for less.',
  },
  replicaFetchResponseMaxBytes: {
    key: 'replica.fetch.response.max.bytes',
    default: 10 * MIB,
    min: KIB,
    max: INT,
    meaning: 'Bytes of one fetch answer.',
  },
  replicaFetchMinBytes: {
    key: 'replica.fetch.min.bytes',
    default: 1,
    min: 0,
    max: INT,
    meaning: 'Bytes for which the source waits before it answers.',
  },
  replicaFetchWaitMaxMs: {
    key: 'replica.fetch.wait.max.ms',
    default: 500,
    min: 0,
    max: 300_000,
    meaning: 'Milliseconds for which the source waits for them.',
  },
  bufferBytes: {
    key: 'kafka.link.buffer.bytes',
    default: 32 * MIB,
    min: MIB,
    max: 16 * KIB * MIB,
    meaning: 'Bytes between fetch and acknowledgement, over all partitions: what bounds the memory of a link.',
  },
  appendConnections: {
    key: 'kafka.link.append.connections',
    default: 3,
    min: 1,
    max: 64,
    meaning:
      'Produce connections per destination broker, at most: one for every 16 partitions that it leads (with `transactions: exact` for every one). A broker works on one request per connection at a time, and takes one batch per partition in it.',
  },
  appendInFlightRequests: {
    key: 'kafka.link.append.in.flight.requests',
    default: 3,
    min: 1,
    max: 5,
    meaning: 'Produce requests on their way on one connection: while a broker works on one, the others are there for it to go on with.',
  },
  appendRequestMaxBytes: {
    key: 'kafka.link.append.request.max.bytes',
    default: 4 * MIB,
    min: KIB,
    max: 64 * MIB,
    meaning: 'Bytes of records in one Produce request; a larger batch goes alone.',
  },
  fillRequestMaxMarkers: {
    key: 'kafka.link.fill.request.max.markers',
    default: 2_000,
    min: 1,
    max: 100_000,
    meaning: 'Control markers in one request, with which offsets without a record are filled.',
  },
  fillGraceMs: {
    key: 'kafka.link.fill.grace.ms',
    default: 1_000,
    min: 0,
    max: 600_000,
    meaning: 'Milliseconds for which the end of a mirror must stay where it is before it is believed, when the answer to markers was lost.',
  },
  paddingMaxOffsets: {
    key: 'kafka.link.padding.max.offsets',
    default: 1_000_000_000,
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    meaning: 'Offsets with which a mirror is padded at most, so that its log can start where that of its source does.',
  },
  paddingOffsetsPerSecond: {
    key: 'kafka.link.padding.offsets.per.second',
    default: 20_000_000,
    min: 1_000,
    max: Number.MAX_SAFE_INTEGER,
    meaning: 'Offsets of padding, and of other filler records, that the link writes in a second, over all partitions.',
  },
  connectTimeoutMs: {
    key: 'socket.connection.setup.timeout.ms',
    default: 10_000,
    min: 10,
    max: INT,
    meaning: 'Milliseconds to open a connection and agree on versions.',
  },
  requestTimeoutMs: {
    key: 'request.timeout.ms',
    default: 30_000,
    min: 100,
    max: INT,
    meaning: 'Milliseconds for the answer to a request; then the connection is closed.',
  },
  retryBackoffMs: {
    key: 'retry.backoff.ms',
    default: 100,
    min: 1,
    max: 60_000,
    meaning: 'Milliseconds before something is tried again, doubling from try to try.',
  },
  retryBackoffMaxMs: {
    key: 'retry.backoff.max.ms',
    default: 1_000,
    min: 1,
    max: 600_000,
    meaning: 'Milliseconds that a wait between two tries never exceeds.',
  },
  clusterLinkRetryTimeoutMs: {
    key: 'cluster.link.retry.timeout.ms',
    default: 300_000,
    min: 0,
    max: INT,
    meaning:
      'Milliseconds for which a refusal that trying again does not cure, such as missing rights, is tried again before the partition fails.',
  },
  metadataMaxAgeMs: {
    key: 'metadata.max.age.ms',
    default: 30_000,
    min: 100,
    max: INT,
    meaning: 'Milliseconds between two looks at topics on both sides: new partitions, deleted or recreated topics, foreign writes.',
  },
  availabilityCheckMs: {
    key: 'availability.check.ms',
    default: 60_000,
    min: 50,
    max: INT,
    meaning: 'Milliseconds between two checks that the source answers.',
  },
  availabilityCheckConsecutiveFailureThreshold: {
    key: 'availability.check.consecutive.failure.threshold',
    default: 5,
    min: 1,
    max: 1_000,
    meaning: 'Failed checks in a row after which mirrors are SOURCE_UNAVAILABLE.',
  },
  progressIntervalMs: {
    key: 'kafka.link.progress.interval.ms',
    default: 1_000,
    min: 10,
    max: 3_600_000,
    meaning: 'Milliseconds between two progress events of a partition.',
  },
} as const satisfies Readonly<Record<string, Setting>>;

/** The tunables of a link, with every value known. Milliseconds, bytes and counts, as the names say. */
export type LinkSettings = { readonly [K in keyof typeof SETTINGS]: number };
