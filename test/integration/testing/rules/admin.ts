/** Cases: versions, topics and configs. */

import { ErrorCode } from '../../../../src/protocol/error-codes.ts';
import { decodeResponse } from '../../../../src/protocol/frame.ts';
import { AlterConfigs } from '../../../../src/protocol/messages/alter-configs.ts';
import { ApiVersions } from '../../../../src/protocol/messages/api-versions.ts';
import { CreatePartitions } from '../../../../src/protocol/messages/create-partitions.ts';
import { CreateTopics } from '../../../../src/protocol/messages/create-topics.ts';
import { DeleteTopics } from '../../../../src/protocol/messages/delete-topics.ts';
import { DescribeAcls } from '../../../../src/protocol/messages/describe-acls.ts';
import { DescribeConfigs } from '../../../../src/protocol/messages/describe-configs.ts';
import { IncrementalAlterConfigs } from '../../../../src/protocol/messages/incremental-alter-configs.ts';
import { Metadata } from '../../../../src/protocol/messages/metadata.ts';
import { WriteTxnMarkers } from '../../../../src/protocol/messages/write-txn-markers.ts';
import { ZERO_UUID } from '../../../../src/protocol/schema.ts';
import { RawClient } from '../raw-client.ts';
import { batch, NOW, record } from './batches.ts';
import type { BrokerRule, Given } from './given.ts';

const { NONE, UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION, TOPIC_ALREADY_EXISTS, INVALID_PARTITIONS, SECURITY_DISABLED } =
  ErrorCode;
const { MESSAGE_TOO_LARGE, INVALID_RECORD } = ErrorCode;
const { INVALID_REPLICATION_FACTOR, INVALID_REPLICA_ASSIGNMENT, INVALID_CONFIG, INVALID_REQUEST, UNSUPPORTED_VERSION, UNKNOWN_TOPIC_ID } =
  ErrorCode;

const TOPIC = 2;
type Creatable = Partial<Parameters<typeof creation>[1]> & { name: string };

const creation = async (
  given: Given,
  topic: {
    name: string;
    numPartitions?: number;
    replicationFactor?: number;
    configs?: { name: string; value: string | null }[];
    assignments?: { partitionIndex: number; brokerIds: number[] }[];
  },
  validateOnly = false,
): Promise<number> => {
  const { topics } = await given.client.ask(CreateTopics, 4, {
    topics: [{ numPartitions: 1, replicationFactor: 1, configs: [], assignments: [], ...topic }],
    timeoutMs: 10_000,
    validateOnly,
  });
  return topics[0]!.errorCode;
};

let number = 0;
const fresh = (): string => `admin-${process.pid}-${++number}`;

const describe = async (given: Given, topic: string, keys: string[] | null) => {
  const { results } = await given.client.ask(DescribeConfigs, 1, {
    resources: [{ resourceType: TOPIC, resourceName: topic, configurationKeys: keys }],
    includeSynonyms: false,
  });
  return results[0]!;
};

export const ADMIN_RULES: readonly BrokerRule[] = [
  {
    name: 'an ApiVersions of an unknown version is answered in version 0 with UNSUPPORTED_VERSION and the range it may have',
    run: async (given) => {
      const client = await RawClient.to(given.target.address);
      client.write(Buffer.from('0000000c 0012 0063 00000007 0001 78 00'.replaceAll(' ', ''), 'hex'));
      const frame = await client.frame();
      const answer = decodeResponse(ApiVersions, 0, frame!);
      given.expect(answer.errorCode, UNSUPPORTED_VERSION);
      given.expect(
        answer.apiKeys.map(({ apiKey, minVersion }) => [apiKey, minVersion]),
        [[18, 0]],
      );
      await client[Symbol.asyncDispose]();
    },
  },
  {
    name: 'any other unsupported version closes the connection',
    run: async (given) => {
      const client = await RawClient.to(given.target.address);
      client.write(Buffer.from('0000000b 0003 0063 00000007 0001 78'.replaceAll(' ', ''), 'hex'));
      given.expect(await client.frame(), null);
      given.expect(client.closed, true, 'closed');
      await client[Symbol.asyncDispose]();
    },
  },
  {
    name: 'a frame that claims more than a broker takes closes the connection',
    run: async (given) => {
      const client = await RawClient.to(given.target.address);
      client.write(Buffer.from('7fffffff00120000', 'hex'));
      given.expect(await client.frame(), null);
      given.expect(client.closed, true, 'closed');
      await client[Symbol.asyncDispose]();
    },
  },
  {
    name: 'WriteTxnMarkers v2 only where it exists',
    run: async (given) => {
      if (given.since('4.4')) return;
      const client = await RawClient.to(given.target.address);
      client.send(WriteTxnMarkers, 2, { markers: [] });
      given.expect(await client.frame(), null);
      await client[Symbol.asyncDispose]();
    },
  },
  {
    name: 'CreateTopics refuses what cannot be',
    run: async (given) => {
      const cases: readonly (readonly [Creatable, number])[] = [
        [{ name: 'no spaces' }, INVALID_TOPIC_EXCEPTION],
        [{ name: '..' }, INVALID_TOPIC_EXCEPTION],
        [{ name: 'x'.repeat(250) }, INVALID_TOPIC_EXCEPTION],
        [{ name: fresh(), numPartitions: 0 }, INVALID_PARTITIONS],
        [{ name: fresh(), replicationFactor: 5 }, INVALID_REPLICATION_FACTOR],
        [{ name: fresh(), replicationFactor: 0 }, INVALID_REPLICATION_FACTOR],
        [{ name: fresh(), configs: [{ name: 'no.such.config', value: '1' }] }, INVALID_CONFIG],
        [{ name: fresh(), configs: [{ name: 'retention.ms', value: 'soon' }] }, INVALID_CONFIG],
        [{ name: fresh(), configs: [{ name: 'cleanup.policy', value: 'burn' }] }, INVALID_CONFIG],
        [{ name: fresh(), configs: [{ name: 'min.insync.replicas', value: '0' }] }, INVALID_CONFIG],
        [{ name: fresh(), configs: [{ name: 'segment.bytes', value: '13' }] }, INVALID_CONFIG],
        [{ name: fresh(), assignments: [{ partitionIndex: 0, brokerIds: [1] }] }, INVALID_REQUEST],
      ];
      for (const [topic, errorCode] of cases) given.expect(await creation(given, topic), errorCode, JSON.stringify(topic).slice(0, 120));
      // With ZooKeeper such topics are made, and never become ready.
      if (!given.since('3.9')) return;
      const assigned = (partitionIndex: number, broker: number) =>
        creation(given, {
          name: fresh(),
          numPartitions: -1,
          replicationFactor: -1,
          assignments: [{ partitionIndex, brokerIds: [broker] }],
        });
      given.expect(await assigned(3, 1), INVALID_REPLICA_ASSIGNMENT, 'a gap in the partition numbers');
      given.expect(await assigned(0, 77), INVALID_REPLICA_ASSIGNMENT, 'a broker that does not exist');
    },
  },
  {
    name: 'CreateTopics only once; validateOnly never; names that differ in a dot collide',
    run: async (given) => {
      const name = fresh();
      given.expect(await creation(given, { name }, true), NONE, 'validated');
      given.expect(await creation(given, { name }), NONE, 'made');
      given.expect(await creation(given, { name }), TOPIC_ALREADY_EXISTS, 'again');
      given.expect(await creation(given, { name }, true), TOPIC_ALREADY_EXISTS, 'validated again');
      const dotted = `${name}.x`;
      given.expect(await creation(given, { name: dotted }), NONE, 'dotted');
      given.expect(await creation(given, { name: `${name}_x` }), INVALID_TOPIC_EXCEPTION, 'underscored');
    },
  },
  {
    name: 'CreateTopics v7 tells the id, the counts and the configs it made',
    run: async (given) => {
      const name = fresh();
      const { topics } = await given.client.ask(CreateTopics, 7, {
        topics: [{ name, numPartitions: 2, replicationFactor: -1, assignments: [], configs: [{ name: 'retention.ms', value: '77' }] }],
      });
      const { errorCode, numPartitions, replicationFactor, configs, topicId } = topics[0]!;
      given.expect([errorCode, numPartitions, replicationFactor], [NONE, 2, 1]);
      given.expect(configs?.find((config) => config.name === 'retention.ms')?.value, '77');
      // 2.8 on ZooKeeper does not tell the id.
      if (given.since('3.9')) given.expect(topicId !== ZERO_UUID, true, 'id');
    },
  },
  {
    name: 'CreatePartitions only grows',
    run: async (given) => {
      const topic = await given.topic({}, 2);
      const grow = async (name: string, count: number, assignments: { brokerIds: number[] }[] | null = null) => {
        const { results } = await given.client.ask(CreatePartitions, 1, {
          topics: [{ name, count, assignments }],
          timeoutMs: 10_000,
          validateOnly: false,
        });
        return results[0]!.errorCode;
      };
      given.expect(await grow(topic, 1), INVALID_PARTITIONS, 'less');
      given.expect(await grow(topic, 2), INVALID_PARTITIONS, 'the same');
      given.expect(await grow(topic, 4, [{ brokerIds: [1] }]), INVALID_REPLICA_ASSIGNMENT, 'too few assignments');
      given.expect(await grow(topic, 3), NONE, 'more');
      given.expect(await grow('no-such-topic', 3), UNKNOWN_TOPIC_OR_PARTITION, 'unknown');
      await given.eventually(async () => (await given.metadata(topic)).partitions.length, 3, 'partitions');
    },
  },
  {
    name: 'DeleteTopics by name and by id',
    run: async (given) => {
      const topic = await given.topic();
      const other = await given.topic();
      const byName = await given.client.ask(DeleteTopics, 5, { topicNames: [topic, 'no-such-topic'], timeoutMs: 10_000 });
      given.expect(byName.responses.map(({ name, errorCode }) => [name, errorCode]).sort(), [
        ['no-such-topic', UNKNOWN_TOPIC_OR_PARTITION],
        [topic, NONE],
      ]);
      const topicId = await given.topicId(other);
      const byId = await given.client.ask(DeleteTopics, 6, {
        topics: [{ topicId }, { topicId: '0123456789012345678901' }],
        timeoutMs: 10_000,
      });
      given.expect(
        byId.responses.map(({ errorCode }) => errorCode).sort((a, b) => a - b),
        [NONE, UNKNOWN_TOPIC_ID],
      );
      await given.eventually(async () => (await given.metadata(other)).errorCode, UNKNOWN_TOPIC_OR_PARTITION, 'gone');
    },
  },
  {
    name: 'Metadata of unknown topics, by name and by id',
    run: async (given) => {
      const { topics } = await given.client.ask(Metadata, 8, {
        topics: [{ name: 'no-such-topic' }, { name: 'not ok' }],
        allowAutoTopicCreation: false,
      });
      given.expect(topics.map(({ name, errorCode }) => [name, errorCode]).sort(), [
        ['no-such-topic', UNKNOWN_TOPIC_OR_PARTITION],
        ['not ok', INVALID_TOPIC_EXCEPTION],
      ]);
      if (!given.since('3.9')) return;
      const byId = await given.client.ask(Metadata, 12, {
        topics: [{ name: null, topicId: '0123456789012345678901' }],
        allowAutoTopicCreation: false,
      });
      given.expect(
        byId.topics.map(({ name, errorCode }) => [name, errorCode]),
        [[null, UNKNOWN_TOPIC_ID]],
      );
    },
  },
  {
    name: 'configs: set, append, subtract, delete, and what each refuses',
    run: async (given) => {
      const topic = await given.topic();
      const alter = async (name: string, configOperation: number, value: string | null, validateOnly = false) => {
        const { responses } = await given.client.ask(IncrementalAlterConfigs, 0, {
          resources: [{ resourceType: TOPIC, resourceName: topic, configs: [{ name, configOperation, value }] }],
          validateOnly,
        });
        return responses[0]!.errorCode;
      };
      const value = async (name: string) => {
        const config = (await describe(given, topic, [name])).configs[0]!;
        return [config.value, config.configSource];
      };
      given.expect(await alter('segment.ms', 0, '5000', true), NONE, 'validated');
      await given.eventually(() => value('segment.ms'), ['604800000', 5], 'validated only');
      given.expect(await alter('segment.ms', 0, '5000'), NONE, 'set');
      await given.eventually(() => value('segment.ms'), ['5000', 1], 'after set');
      given.expect(await alter('segment.ms', 1, null), NONE, 'delete');
      await given.eventually(() => value('segment.ms'), ['604800000', 5], 'after delete');
      given.expect(await alter('cleanup.policy', 2, 'compact'), NONE, 'append');
      await given.eventually(() => value('cleanup.policy'), ['delete,compact', 1], 'after append');
      given.expect(await alter('cleanup.policy', 3, 'delete'), NONE, 'subtract');
      await given.eventually(() => value('cleanup.policy'), ['compact', 1], 'after subtract');
      given.expect(await alter('segment.ms', 2, '1'), given.since('3.9') ? INVALID_CONFIG : INVALID_REQUEST, 'append to a number');
      given.expect(await alter('no.such.config', 0, '1'), INVALID_CONFIG, 'unknown');
      given.expect(await alter('retention.ms', 0, '-2'), given.since('3.9') ? INVALID_CONFIG : INVALID_REQUEST, 'illegal value');
      given.expect(await alter('retention.ms', 0, null), INVALID_REQUEST, 'null value');
    },
  },
  {
    name: 'a changed config is in force for what is written from then on',
    run: async (given) => {
      const topic = await given.topic();
      const bytes = await batch({}, [record('x'.repeat(300), NOW, null)]);
      const code = async () => (await given.outcome(topic, bytes))[0];
      given.expect(await code(), NONE);
      await given.configure(topic, { 'max.message.bytes': '300' });
      await given.eventually(code, MESSAGE_TOO_LARGE);
      await given.configure(topic, { 'max.message.bytes': '1000', 'cleanup.policy': 'compact' });
      await given.eventually(code, INVALID_RECORD, 'no key');
      await given.configure(topic, { 'cleanup.policy': 'delete', 'message.timestamp.type': 'LogAppendTime' });
      await given.eventually(async () => (await given.produce(topic, bytes)).logAppendTimeMs > 0n, true, 'append times');
      const types = new Set((await given.stored(topic)).map(({ timestampType }) => timestampType));
      given.expect([...types], ['CreateTime', 'LogAppendTime'], 'what was there before stays as it is');
    },
  },
  {
    name: 'AlterConfigs replaces all overrides',
    run: async (given) => {
      const topic = await given.topic({ 'segment.ms': '5000' });
      const { responses } = await given.client.ask(AlterConfigs, 1, {
        resources: [{ resourceType: TOPIC, resourceName: topic, configs: [{ name: 'flush.ms', value: '7' }] }],
        validateOnly: false,
      });
      given.expect(responses[0]!.errorCode, NONE);
      const overrides = async () => {
        const { configs } = await describe(given, topic, null);
        return configs.filter(({ configSource }) => configSource === 1).map(({ name, value }) => [name, value]);
      };
      await given.eventually(overrides, [['flush.ms', '7']]);
    },
  },
  {
    name: 'DescribeConfigs of an unknown topic',
    run: async (given) => given.expect((await describe(given, 'no-such-topic', null)).errorCode, UNKNOWN_TOPIC_OR_PARTITION),
  },
  {
    name: 'without an authorizer ACLs are SECURITY_DISABLED',
    run: async (given) => {
      const { errorCode } = await given.client.ask(DescribeAcls, 1, {
        resourceTypeFilter: 1,
        resourceNameFilter: null,
        patternTypeFilter: 1,
        principalFilter: null,
        hostFilter: null,
        operation: 1,
        permissionType: 1,
      });
      given.expect(errorCode, SECURITY_DISABLED);
    },
  },
];
