/** kafkajs as the second oracle, for every API and version it knows: we read what it writes, and it reads what we write. */
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { decodeRequest, decodeRequestHeader, encodeRequest, encodeResponse } from '../../../src/protocol/frame.ts';
import { APIS } from '../../../src/protocol/messages/index.ts';
import { type Case, casesOf, presentFields, sampleValue, type Value } from '../../support/protocol/sample-values.ts';

interface KafkaJsMessage {
  readonly request: { readonly apiKey: number; readonly apiVersion: number };
  readonly response: { decode(body: Buffer): Promise<unknown> };
}
interface KafkaJsApi {
  readonly versions: readonly string[];
  protocol(of: { version: number }): (args: object) => KafkaJsMessage;
}

const require = createRequire(import.meta.url);
const kafkajs = (path: string): unknown => require(`kafkajs/src/protocol/${path}`);
const { requests } = kafkajs('requests/index.js') as { requests: Readonly<Record<string, KafkaJsApi>> };
const encodeFrame = kafkajs('request.js') as (of: object) => Promise<{ buffer: Buffer }>;

const topics = (partition: object): object[] => [{ topic: 'payments', partitions: [{ partition: 5, ...partition }] }];
const acl = { resourceType: 2, resourceName: 'payments', resourcePatternType: 4, principal: 'User:ann', host: '10.1.1.1', operation: 3 };
const members = { groupId: 'billing', memberId: 'member-1', groupInstanceId: 'instance-1' };

/** What to ask kafkajs to write, under its own names. Values differ from each other, so that swapped fields are noticed. */
const ARGUMENTS: Readonly<Record<string, object>> = {
  Produce: {
    acks: -1,
    timeout: 1_234,
    topicData: topics({ firstSequence: 0, messages: [{ key: 'k', value: 'v', timestamp: 1_700_000_000_000 }] }),
  },
  Fetch: {
    replicaId: -1,
    maxWaitTime: 501,
    minBytes: 3,
    maxBytes: 1_048_576,
    isolationLevel: 1,
    sessionId: 77,
    sessionEpoch: 6,
    topics: topics({ currentLeaderEpoch: 9, fetchOffset: 4_000_000_000, logStartOffset: -1, maxBytes: 65_536 }),
    forgottenTopics: [{ topic: 'refunds', partitions: [8] }],
    rackId: 'rack-a',
  },
  ListOffsets: { replicaId: -1, isolationLevel: 1, topics: topics({ timestamp: -2 }) },
  Metadata: { topics: ['payments', 'refunds'], allowAutoTopicCreation: false },
  OffsetCommit: { ...members, groupGenerationId: 4, retentionTime: 86_400, topics: topics({ offset: 4_000_000_000, metadata: 'note' }) },
  OffsetFetch: { groupId: 'billing', topics: topics({}) },
  GroupCoordinator: { groupId: 'billing', coordinatorType: 0 },
  JoinGroup: {
    ...members,
    sessionTimeout: 30_000,
    rebalanceTimeout: 60_000,
    protocolType: 'consumer',
    groupProtocols: [{ name: 'range', metadata: Buffer.from('metadata') }],
  },
  Heartbeat: { ...members, groupGenerationId: 4 },
  LeaveGroup: { ...members, members: [{ memberId: 'member-1', groupInstanceId: 'instance-1' }] },
  SyncGroup: { ...members, generationId: 4, groupAssignment: [{ memberId: 'member-1', memberAssignment: Buffer.from('assignment') }] },
  DescribeGroups: { groupIds: ['billing', 'shipping'] },
  ListGroups: {},
  SaslHandshake: { mechanism: 'SCRAM-SHA-512' },
  ApiVersions: {},
  CreateTopics: {
    topics: [
      {
        topic: 'payments',
        numPartitions: 6,
        replicationFactor: 3,
        replicaAssignment: [{ partition: 5, replicas: [11, 12] }],
        configEntries: [{ name: 'cleanup.policy', value: 'compact' }],
      },
    ],
    timeout: 1_234,
    validateOnly: true,
  },
  DeleteTopics: { topics: ['payments'], timeout: 1_234 },
  DeleteRecords: { topics: topics({ offset: '4000000000' }), timeout: 1_234 },
  InitProducerId: { transactionalId: 'tx', transactionTimeout: 5_000 },
  DescribeAcls: { ...acl, permissionType: 1 },
  CreateAcls: { creations: [{ ...acl, permissionType: 1 }] },
  DeleteAcls: { filters: [{ ...acl, permissionType: 1 }] },
  DescribeConfigs: { resources: [{ type: 2, name: 'payments', configNames: ['cleanup.policy'] }], includeSynonyms: true },
  AlterConfigs: {
    resources: [{ type: 2, name: 'payments', configEntries: [{ name: 'cleanup.policy', value: 'compact' }] }],
    validateOnly: true,
  },
  SaslAuthenticate: { authBytes: Buffer.from('\0\0\0\x0e\0user\0password') },
  CreatePartitions: { topicPartitions: [{ topic: 'payments', count: 12, assignments: [[11, 12]] }], timeout: 1_234 },
  DeleteGroups: ['billing'],
};

/** kafkajs keeps Kafka's first name of the API. */
const nameInKafkaJs = (name: string): string => (name === 'FindCoordinator' ? 'GroupCoordinator' : name);

const cases = (side: Case['side']): readonly (readonly [string, Case, KafkaJsApi])[] =>
  casesOf(APIS).flatMap((one) => {
    const theirs = requests[nameInKafkaJs(one.api.name)];
    const known = one.side === side && theirs?.versions.includes(String(one.version));
    return known ? [[`${one.api.name} v${one.version}`, one, theirs as KafkaJsApi] as const] : [];
  });

/** Every scalar inside a value, spelled the same whatever class carries it; kafkajs has 64-bit integers as strings or objects. */
const leaves = (value: unknown): string[] => {
  if (Buffer.isBuffer(value)) return [value.toString('hex')];
  if (Array.isArray(value)) return value.flatMap(leaves);
  if (typeof value === 'object' && value !== null && !('toNumber' in value)) return Object.values(value).flatMap(leaves);
  return [String(value)];
};

/** kafkajs hands SASL bytes around with their length in front. */
const withLength = (hex: string): string => (hex.length / 2).toString(16).padStart(8, '0') + hex;
const missing = (wanted: readonly string[], found: readonly string[]): readonly string[] => {
  const known = new Set(found);
  return wanted.filter((leaf) => !known.has(leaf) && !known.has(withLength(leaf)));
};

/** kafkajs parses record sets, and a sample's are no real ones: here they are empty. */
const withoutRecords = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutRecords);
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, key === 'records' ? null : withoutRecords(inner)]));
};

describe('requests of kafkajs', () => {
  it.each(cases('request'))('%s', async (_, one, theirs) => {
    const args = ARGUMENTS[nameInKafkaJs(one.api.name)] as object;
    const { request } = theirs.protocol({ version: one.version })(args);
    const { buffer } = await encodeFrame({ correlationId: 9, clientId: 'kafkajs', request });
    const frame = buffer.subarray(4);
    expect(decodeRequestHeader(frame)).toEqual({ apiKey: one.api.key, apiVersion: one.version, correlationId: 9, clientId: 'kafkajs' });

    const value = decodeRequest(one.api, one.version, frame) as Value;
    expect(Buffer.concat(encodeRequest(one.api, one.version, 9, 'kafkajs', value).chunks)).toEqual(buffer);
    // The record set is kafkajs's own making; everything else we read must be something that was asked for.
    const read = leaves(presentFields(one, value)).filter((leaf) => one.api.name !== 'Produce' || leaf.length < 100);
    expect(missing(read, [...leaves(args), '-1', '0', 'null', 'false'])).toEqual([]);
  });
});

describe('responses read by kafkajs', () => {
  it.each(cases('response'))('%s', async (_, one, theirs) => {
    const sample = withoutRecords(sampleValue(one, 'full')) as Value;
    const frame = Buffer.concat(encodeResponse(one.api, one.version, 9, sample).chunks);
    const read = await theirs
      .protocol({ version: one.version })(ARGUMENTS[nameInKafkaJs(one.api.name)] as object)
      .response.decode(frame.subarray(8));
    expect(missing(leaves(presentFields(one, sample)), [...leaves(read), 'null'])).toEqual([]);
  });
});
