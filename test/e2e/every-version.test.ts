/** Every version of every API that a real broker offers: it takes our request, and its answer decodes and comes back the same. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ErrorCode } from '../../src/protocol/error-codes.ts';
import { encodeRequest } from '../../src/protocol/frame.ts';
import { APIS } from '../../src/protocol/messages/index.ts';
import type { Api } from '../../src/protocol/schema.ts';
import { type KafkaCluster, startKafka } from '../support/kafka/cluster.ts';
import { KAFKA_39, KAFKA_NEWEST } from '../support/kafka/versions.ts';
import { auditFrame } from '../support/protocol/frame-audit.ts';

type Body = Readonly<Record<string, unknown>>;
const TOPIC = 'every-version';
const GROUP = 'every-version-group';
const anyAcl = { resourceNameFilter: null, patternTypeFilter: 1, principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 };
const rows = (row: Body) => [{ name: TOPIC, partitions: [{ partitionIndex: 0, ...row }] }];
const resource = (row: Body) => [{ resourceType: 2, resourceName: TOPIC, ...row }];
const member = { groupId: GROUP, generationId: 1, memberId: 'nobody' };
const records = Buffer.alloc(70);

/** A request that a broker can answer, in any version of each API; `topicId` is that of {@link TOPIC}. */
const REQUESTS: Readonly<Record<string, (version: number, topicId: string) => Body>> = {
  Produce: () => ({ acks: -1, timeoutMs: 1000, topicData: [{ name: TOPIC, partitionData: [{ index: 0, records }] }] }),
  Fetch: (version, topicId) => ({
    maxWaitMs: 1,
    minBytes: 1,
    topics: [
      {
        ...(version < 13 ? { topic: TOPIC } : { topicId }),
        partitions: [0, 99].map((partition) => ({ partition, fetchOffset: 0n, partitionMaxBytes: 1000 })),
      },
    ],
  }),
  ListOffsets: () => ({ replicaId: -1, topics: rows({ timestamp: -1n }) }),
  Metadata: (version) => ({ topics: null, ...(version < 4 ? {} : { allowAutoTopicCreation: false }) }),
  OffsetCommit: () => ({ groupId: GROUP, topics: rows({ committedOffset: 5n, committedMetadata: 'é' }) }),
  OffsetFetch: (version) => {
    const of = { groupId: GROUP, topics: [{ name: TOPIC, partitionIndexes: [0, 1] }] };
    return version < 8 ? of : { groups: [of] };
  },
  FindCoordinator: (version) => (version < 4 ? { key: GROUP } : { coordinatorKeys: [GROUP] }),
  JoinGroup: () => ({
    groupId: `${GROUP}-of-members`,
    sessionTimeoutMs: 10_000,
    memberId: 'nobody',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
  }),
  Heartbeat: () => member,
  LeaveGroup: (version) => ({ groupId: GROUP, ...(version < 3 ? { memberId: 'nobody' } : { members: [{ memberId: 'nobody' }] }) }),
  SyncGroup: () => ({ ...member, assignments: [] }),
  DescribeGroups: () => ({ groups: [GROUP, 'no such group'] }),
  ListGroups: () => ({}),
  SaslHandshake: () => ({ mechanism: 'PLAIN' }),
  ApiVersions: (version) => (version < 3 ? {} : { clientSoftwareName: 'kafka-link', clientSoftwareVersion: '1' }),
  CreateTopics: (version) => ({
    topics: [{ name: `${TOPIC}-${version}`, numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }],
    validateOnly: true,
  }),
  DeleteTopics: (version) => ({
    timeoutMs: 1000,
    ...(version < 6 ? { topicNames: ['none'] } : { topics: [{ name: 'none', topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }] }),
  }),
  DeleteRecords: () => ({ topics: rows({ offset: 0n }), timeoutMs: 1000 }),
  InitProducerId: () => ({ transactionalId: null, transactionTimeoutMs: 1000 }),
  OffsetForLeaderEpoch: () => ({ topics: [{ topic: TOPIC, partitions: [{ partition: 0, leaderEpoch: 0 }] }] }),
  WriteTxnMarkers: () => ({
    markers: [
      { producerId: -2n, producerEpoch: 0, transactionResult: true, coordinatorEpoch: 0, topics: [{ name: TOPIC, partitionIndexes: [0] }] },
    ],
  }),
  DescribeAcls: () => ({ resourceTypeFilter: 1, ...anyAcl }),
  CreateAcls: () => ({
    creations: [{ resourceType: 2, resourceName: TOPIC, principal: 'User:ann', host: '*', operation: 3, permissionType: 3 }],
  }),
  DeleteAcls: () => ({ filters: [{ resourceTypeFilter: 1, ...anyAcl }] }),
  DescribeConfigs: (version) => ({
    resources: resource({ configurationKeys: null }),
    includeSynonyms: true,
    includeDocumentation: version >= 3,
  }),
  AlterConfigs: () => ({ resources: resource({ configs: [{ name: 'retention.ms', value: '1000000' }] }), validateOnly: false }),
  SaslAuthenticate: () => ({ authBytes: Buffer.from('token') }),
  CreatePartitions: () => ({ topics: [{ name: TOPIC, count: 2, assignments: null }], timeoutMs: 1000, validateOnly: true }),
  DeleteGroups: () => ({ groupsNames: ['no such group'] }),
  IncrementalAlterConfigs: () => ({
    resources: resource({ configs: [{ name: 'retention.ms', configOperation: 0, value: '1000000' }] }),
    validateOnly: false,
  }),
  OffsetDelete: () => ({ groupId: GROUP, topics: rows({}) }),
  DescribeCluster: () => ({ includeClusterAuthorizedOperations: true }),
  DescribeProducers: () => ({ topics: [{ name: TOPIC, partitionIndexes: [0] }] }),
  DescribeTransactions: () => ({ transactionalIds: ['none'] }),
  ListTransactions: () => ({ stateFilters: ['NoSuchState'], producerIdFilters: [] }),
  ConsumerGroupDescribe: () => ({ groupIds: [GROUP], includeAuthorizedOperations: true }),
  DescribeTopicPartitions: () => ({ topics: [], responsePartitionLimit: 2 }),
};

/** One question, one answer, one connection: a broker that cannot read us closes it, and no question disturbs the next. */
const ask = async (address: string, api: Api, version: number, body: Body): Promise<Body> => {
  const [host = '', port] = address.split(':');
  const socket = connect(Number(port), host);
  socket.setTimeout(20_000, () => socket.destroy());
  try {
    for (const chunk of encodeRequest(api, version, 7, 'every-version', body).chunks) socket.write(chunk);
    let received = Buffer.alloc(0);
    while (received.length < 4 || received.length < 4 + received.readInt32BE()) {
      const [chunk] = await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => [undefined])]);
      if (chunk === undefined) throw new Error(`The broker closed the connection instead of answering ${api.name} v${version}`);
      received = Buffer.concat([received, chunk as Buffer]);
    }
    return auditFrame(api.key, version, 'response', received.subarray(4)) as Body;
  } finally {
    socket.destroy();
  }
};

const errorCodes = (value: unknown): number[] => {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === 'errorCode' ? [inner as number] : errorCodes(inner)));
};

const named = (name: string): Api => APIS.find((api) => api.name === name) as Api;

describe.each([KAFKA_39, KAFKA_NEWEST])('Kafka %s', (release) => {
  let cluster: KafkaCluster;
  let address: string;
  let topicId: string;
  let offered: ReadonlyMap<number, { minVersion: number; maxVersion: number }>;

  beforeAll(async () => {
    // On by default from 4.0; without it 3.9 answers ConsumerGroupDescribe with UNSUPPORTED_VERSION for every group.
    cluster = await startKafka({ version: release, config: { 'group.coordinator.rebalance.protocols': 'classic,consumer' } });
    address = cluster.bootstrap[0] as string;
    const { apiKeys } = (await ask(address, named('ApiVersions'), 0, {})) as {
      apiKeys: { apiKey: number; minVersion: number; maxVersion: number }[];
    };
    offered = new Map(apiKeys.map((range) => [range.apiKey, range]));
    const topics = [{ name: TOPIC, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }];
    const created = (await ask(address, named('CreateTopics'), 7, { topics })) as { topics: { topicId: string }[] };
    topicId = created.topics[0]?.topicId as string;
  });
  afterAll(() => cluster?.stop());

  it.each(APIS.map((api) => [api.name, api] as const))('%s', async (name, api) => {
    const range = offered.get(api.key);
    expect(range, `${name} is offered`).toBeDefined();
    const first = Math.max(api.versions.min, range?.minVersion ?? 0);
    const last = Math.min(api.versions.max, range?.maxVersion ?? -1);
    expect(last, `${name} has a common version`).toBeGreaterThanOrEqual(first);
    for (let version = first; version <= last; version++) {
      const answer = await ask(address, api, version, REQUESTS[name]?.(version, topicId) as Body);
      const codes = errorCodes(answer);
      expect(codes, `v${version}`).not.toContain(ErrorCode.UNSUPPORTED_VERSION);
      expect(codes, `v${version}`).not.toContain(ErrorCode.INVALID_REQUEST);
    }
  });
});
