/** A real unclean election: the source loses acknowledged records that the mirror has; the link says where both part, and the repair makes them the same again. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CreateTopics } from '../../src/protocol/index.ts';
import { type RealEnvironment, realEnvironment } from '../scenarios/environments/real.ts';
import { failsWith, inState, Stage } from '../scenarios/stage.ts';
import { KAFKA_NEWEST } from '../support/kafka/versions.ts';

const PATIENCE_MS = 120_000;
const COMMON = 300;
const LOST = 120;
/** More than were lost: the new log is longer than the old one. */
const OTHERS = 200;
/** The third broker has no replica: it keeps the quorum of the controllers. */
const [LEADER, FOLLOWER] = [1, 2];

describe(`Kafka ${KAFKA_NEWEST}, three brokers, to one`, () => {
  let environment: RealEnvironment;
  beforeAll(async () => {
    environment = await realEnvironment({ source: { brokers: 3 }, destination: { brokers: 1 } });
  }, PATIENCE_MS);
  afterAll(() => environment?.[Symbol.asyncDispose]());

  const createTopic = async (name: string): Promise<void> => {
    const { bench } = environment.source;
    const topic = {
      name,
      numPartitions: -1,
      replicationFactor: -1,
      assignments: [{ partitionIndex: 0, brokerIds: [LEADER, FOLLOWER] }],
      configs: [
        { name: 'unclean.leader.election.enable', value: 'true' },
        { name: 'min.insync.replicas', value: '1' },
      ],
    };
    const { topics } = await bench.cluster.send(CreateTopics, { topics: [topic], timeoutMs: 30_000 }, 'controller');
    expect(topics[0]!.errorCode).toBe(0);
    await bench.awaitTopic(name, 1);
  };

  const produce = (topic: string, seed: number, count: number) =>
    environment.java.produce(environment.source.bootstrap, topic, { seed, count, keys: 20, headers: 1, flushEvery: 10 });

  it('loses what only the dead leader had: UNEXPECTED_TRUNCATION with the offset, a plan that says it, and a mirror that is like its source again', {
    timeout: PATIENCE_MS,
  }, async () => {
    await using stage = new Stage(environment);
    const { clusters, source } = environment;
    const [shortened, rewritten] = [stage.topic('shortened'), stage.topic('rewritten')];
    const topics = [shortened, rewritten];
    for (const topic of topics) await createTopic(topic);
    for (const [seed, topic] of topics.entries()) await produce(topic, seed + 1, COMMON);
    const link = await stage.link(topics);
    for (const topic of topics) await stage.expectMirrored(link, topic);

    // In order, so that the leader is left alone in sync at once: it acknowledges what nobody else has.
    await clusters.source.broker(FOLLOWER).stop();
    for (const [seed, topic] of topics.entries()) await produce(topic, seed + 11, LOST);
    for (const topic of topics) await stage.expectMirrored(link, topic);
    await clusters.source.broker(LEADER).kill();
    await source.start(FOLLOWER);
    for (const topic of topics) await expect.poll(() => source.bench.leaderOf(topic, 0), { timeout: 60_000 }).toBe(FOLLOWER);
    expect(await source.bench.range(shortened, 0)).toEqual({ start: 0, end: COMMON });
    await produce(rewritten, 21, OTHERS);

    for (const topic of topics) {
      const { error } = await failsWith(link, topic, 'UNEXPECTED_TRUNCATION');
      expect(error?.message).toContain(
        `alike up to offset ${COMMON}; the mirror's ${LOST} offset(s) from there on exist at the destination alone`,
      );
    }
    const refused = await link.repair('all');
    expect(refused.map(({ error }) => error?.code)).toEqual(['KLINK_LOSS', 'KLINK_LOSS']);
    for (const { plan, topic } of refused) {
      expect(plan).toMatchObject({
        method: 'recreate',
        lostOffsets: BigInt(LOST),
        partitions: [{ divergence: BigInt(COMMON), mirrorEnd: BigInt(COMMON + LOST) }],
        offsetsToCopy: BigInt(topic === shortened ? COMMON : COMMON + OTHERS),
      });
    }
    // What both still have apart, by Kafka's own consumer.
    const apart = await environment.digests(rewritten);
    expect(apart.destination).not.toEqual(apart.source);

    expect((await link.repair('all', { acceptLoss: true })).map(({ error }) => error)).toEqual([null, null]);
    await produce(shortened, 31, 10);
    for (const topic of topics) {
      await inState(link, topic, 'ACTIVE');
      // The walk over both logs, and the digest of the Java consumer.
      await stage.expectMirrored(link, topic);
    }
    expect(await link.verify(topics)).toMatchObject({ identical: true });
  });
});
