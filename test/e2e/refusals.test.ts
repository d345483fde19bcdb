/** What real brokers refuse a link's tasks: it shows in the task that met it, under the product's code, and keeps nothing else from being done. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClusterLink, createLink, type TaskName } from '../../src/index.ts';
import { type RealEnvironment, realEnvironment } from '../scenarios/environments/real.ts';
import { sampleBatches } from '../scenarios/sample-batches.ts';
import { KAFKA_39, KAFKA_NEWEST } from '../support/kafka/versions.ts';

const PATIENCE = { timeout: 60_000, interval: 100 };
/** Longer than the test: tasks run when they are told to. */
const HOUR_MS = 3_600_000;
/** No authorizer, so there are no ACLs. */
const OPEN = { 'authorizer.class.name': '' };

describe(`Kafka ${KAFKA_39} without an authorizer to Kafka ${KAFKA_NEWEST} with a policy`, () => {
  let kafka: RealEnvironment;
  let link: ClusterLink;
  beforeAll(async () => {
    kafka = await realEnvironment({
      source: { version: KAFKA_39, config: OPEN },
      destination: { version: KAFKA_NEWEST, config: { 'create.topic.policy.class.name': 'NamePolicy' }, plugins: 'policy' },
    });
    const { bench } = kafka.source;
    // Segments below 1 MiB are not legal any more since Kafka 4.0.
    await bench.createTopic('allowed-small', { configs: { 'segment.bytes': '20000', 'flush.ms': '3000', 'retention.ms': '700000000' } });
    for (const name of ['allowed', 'forbidden', 'allowed-gone']) await bench.createTopic(name);
    for (const name of ['allowed', 'allowed-small']) await bench.append(name, 0, await sampleBatches({ seed: 1, batches: 2 }));
    link = await createLink({
      name: 'refused',
      source: { bootstrap: kafka.source.bootstrap },
      destination: { bootstrap: kafka.destination.bootstrap },
      topics: [],
      settings: {
        metadataMaxAgeMs: HOUR_MS,
        topicConfigSyncMs: HOUR_MS,
        aclSyncEnable: true,
        aclSyncMs: HOUR_MS,
        aclFilters: [{ resourceFilter: { resourceType: 'topic' }, accessFilter: { operation: 'any', permissionType: 'any' } }],
        autoCreateMirrorTopicsEnable: true,
        autoCreateMirrorTopicsFilters: [
          { name: 'allowed', patternType: 'PREFIXED', filterType: 'INCLUDE' },
          { name: 'forbidden', patternType: 'LITERAL', filterType: 'INCLUDE' },
        ],
      },
    });
  });
  afterAll(async () => {
    await link?.close();
    await kafka?.[Symbol.asyncDispose]();
  });

  const errorsOf = async (name: TaskName) => (await link.runTask(name, { timeoutMs: 60_000 })).errors;

  it('a policy of the destination refuses one topic, and the others get their mirrors', async () => {
    expect(await errorsOf('AutoCreateMirror')).toMatchObject([
      { code: 'POLICY_VIOLATION_ERROR', subject: 'forbidden', message: expect.stringContaining('topics here are not called forbidden') },
    ]);
    expect(
      link
        .mirrors()
        .map(({ topic }) => topic)
        .sort(),
    ).toEqual(['allowed', 'allowed-gone', 'allowed-small']);
    await link.caughtUp({ timeoutMs: 60_000 });
  });

  it('a cluster without an authorizer has no ACLs that could be synced', async () => {
    expect(await errorsOf('AclSync')).toMatchObject([{ code: 'SECURITY_DISABLED_ERROR' }]);
    expect(link.tasks().find(({ name }) => name === 'AclSync')).toMatchObject({ state: 'IN_ERROR' });
  });

  it('a value that the destination takes no more: a promotion is taken back, a failover goes on without it', async () => {
    expect(await errorsOf('TopicConfigsSync')).toEqual([]);
    const refused = { code: 'INVALID_REQUEST_ERROR', message: expect.stringContaining('segment.bytes to 20000') };
    const topics = ['allowed-small'];
    expect(await link.promote(topics, { timeoutMs: 60_000 })).toMatchObject([
      { state: 'ACTIVE', error: { message: expect.stringContaining('segment.bytes to 20000') } },
    ]);
    expect(await link.failover(topics, { timeoutMs: 60_000 })).toMatchObject([{ state: 'STOPPED', error: null }]);
    expect(link.mirror('allowed-small').transitionErrors).toMatchObject([
      { verb: 'PROMOTE', ...refused },
      { verb: 'FAILOVER', ...refused },
    ]);
    const ours = async () => {
      const { 'flush.ms': flush, 'retention.ms': retention } = await kafka.destination.bench.configs('allowed-small');
      return { flush, retention };
    };
    await expect.poll(ours, PATIENCE).toEqual({ flush: '3000', retention: '700000000' });
  });

  it('a topic that is gone keeps no other from being synced', async () => {
    const { source, destination } = kafka;
    await source.bench.deleteTopic('allowed-gone');
    await source.bench.setConfigs('allowed', { 'flush.ms': '4000' });
    expect(await errorsOf('TopicConfigsSync')).toMatchObject([{ code: 'UNKNOWN_TOPIC_OR_PARTITION_ERROR', subject: 'allowed-gone' }]);
    await expect.poll(async () => (await destination.bench.configs('allowed'))['flush.ms'], PATIENCE).toBe('4000');
  });
});
