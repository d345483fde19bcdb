/** A thousand mirrors with ten thousand partitions in the store, and a process that has just been started and knows nothing but the link's name. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Workbench } from '../scenarios/workbench.ts';
import { describeAfresh } from '../support/described.ts';
import { type KafkaCluster, startKafka } from '../support/kafka/cluster.ts';
import { KAFKA_39, KAFKA_NEWEST } from '../support/kafka/versions.ts';
import { writeWideLink } from '../support/wide-link.ts';

const TOPICS = 1_000;
const PARTITIONS = 10;
const LIMIT_MS = 2_000;
/** Of which the least is taken: other work on the machine only adds. */
const RUNS = 3;

describe.each([KAFKA_39, KAFKA_NEWEST])('Kafka %s', (version) => {
  let kafka: KafkaCluster;
  let bench: Workbench;
  beforeAll(async () => {
    kafka = await startKafka({ version });
    bench = await Workbench.open(kafka.bootstrap, 'destination');
  });
  afterAll(async () => {
    await bench?.[Symbol.asyncDispose]();
    await kafka?.stop();
  });

  // The mirrors are in the store alone: no topics belong to them. What is measured is how a link is described, which asks for nothing else.
  it.each([1, 10])(`${TOPICS} mirrors and ${TOPICS * PARTITIONS} partitions, each mirror written %i time(s)`, async (versions) => {
    const name = `wide-${versions}`;
    const mirrors = await writeWideLink(bench, { name, topics: TOPICS, partitions: PARTITIONS, versions });
    const runs = [];
    for (let run = 0; run < RUNS; run++) runs.push(await describeAfresh(name, kafka.bootstrap));
    const { end } = await bench.range('__kafka_link', 0);
    console.log(
      `Kafka ${version}, ${end} records in the store: ${runs.map(({ tookMs, cpuMs, sinceStartMs }) => `${tookMs} ms (${cpuMs} ms CPU; ${sinceStartMs} ms after the start of the process)`).join(', ')}`,
    );
    for (const { description } of runs) {
      expect(description.mirrors).toHaveLength(TOPICS);
      expect(description.mirrors.flatMap(({ stop }) => stop?.offsets ?? [])).toHaveLength(TOPICS * PARTITIONS);
      const expected = mirrors.map(({ topic, sourceTopic, state, stop, history, transitionErrors = [] }) => ({
        ...{ topic, sourceTopic, state, stop, history, transitionErrors },
      }));
      const byTopic = (a: { topic: string }, b: { topic: string }): number => a.topic.localeCompare(b.topic);
      expect([...description.mirrors].sort(byTopic)).toEqual([...expected].sort(byTopic));
      expect(description.configs.find(({ name: config }) => config === 'metadata.max.age.ms')).toMatchObject({ value: '1234' });
    }
    expect(Math.min(...runs.map(({ tookMs }) => tookMs))).toBeLessThan(LIMIT_MS);
  });
});
