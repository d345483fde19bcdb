/** What takes up offsets without a record, before the eyes of consumers: Java's in both isolation levels, kcat and kafkajs. The table in docs/fill-policies.md. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClusterLink, createLink, type LinkConfigOptions } from '../../src/index.ts';
import { NastyJava } from '../nasty/nasty-java.ts';
import { type ReadRecord, readWithKafkaJs, readWithKcat } from '../nasty/other-readers.ts';
import { type RealEnvironment, realEnvironment } from '../scenarios/environments/real.ts';
import { compacted } from '../scenarios/uneven-logs.ts';
import { KAFKA_39, KAFKA_NEWEST } from '../support/kafka/versions.ts';

const TOPIC = 'orders';
const PATIENCE_MS = 60_000;

/** By each kind of consumer: every record it shows. */
type Seen = Readonly<Record<string, readonly ReadRecord[]>>;

describe(`Kafka ${KAFKA_39} to ${KAFKA_NEWEST}`, () => {
  let environment: RealEnvironment;
  let java: NastyJava;
  let due: readonly ReadRecord[];
  let end: number;

  beforeAll(async () => {
    environment = await realEnvironment({ source: { version: KAFKA_39 }, destination: { version: KAFKA_NEWEST } });
    java = await NastyJava.start();
    const { bench, bootstrap } = environment.source;
    await bench.createTopic(TOPIC);
    // Transactions by Java, then what a log cleaner leaves.
    await java.openProducer(bootstrap, 'p', { 'linger.ms': '0' }, 'p');
    for (const [round, result] of (['commit', 'abort', 'commit', 'abort'] as const).entries()) {
      await java.act('p', 'begin');
      const content = { key: Buffer.from(`${round}`), value: Buffer.from(result), headers: [] };
      await java.send(
        'p',
        Array.from({ length: 4 }, () => ({ topic: TOPIC, partition: 0, ...content })),
      );
      await java.act('p', result);
    }
    await java.act('p', 'close');
    const { bytes } = await compacted((await bench.range(TOPIC, 0)).end);
    await environment.source.appendRaw([{ topic: TOPIC, partition: 0, bytes }]);
    end = (await bench.range(TOPIC, 0)).end;
    due = await readWithJava(bootstrap, TOPIC, 'read_committed');
  }, 3 * PATIENCE_MS);
  afterAll(async () => {
    await java?.close();
    await environment?.[Symbol.asyncDispose]();
  });

  const readWithJava = async (
    bootstrap: readonly string[],
    topic: string,
    isolation: 'read_committed' | 'read_uncommitted',
  ): Promise<readonly ReadRecord[]> =>
    (await java.consume(bootstrap, topic, isolation)).map(({ offset, timestamp, key, value }) => ({ offset, timestamp, key, value }));

  const mirror = async (name: string, settings: LinkConfigOptions): Promise<ClusterLink> => {
    const { source, destination } = environment;
    const link = await createLink({
      name,
      source: { bootstrap: source.bootstrap },
      destination: { bootstrap: destination.bootstrap },
      topics: [TOPIC],
      settings: { clusterLinkPrefix: `${name}.`, ...settings },
    });
    await link.caughtUp({ timeoutMs: PATIENCE_MS });
    return link;
  };

  /** `last`: the offset of the last record that is to be seen. */
  const look = async (topic: string, last: number): Promise<Seen> => {
    const { bootstrap } = environment.destination;
    const partitions = [{ topic, partition: 0, last }];
    const [[byKcat], [byKafkaJs]] = [await readWithKcat(bootstrap, partitions), await readWithKafkaJs(bootstrap, partitions)];
    return {
      'Java, read_committed': await readWithJava(bootstrap, topic, 'read_committed'),
      'Java, read_uncommitted': await readWithJava(bootstrap, topic, 'read_uncommitted'),
      kcat: byKcat!,
      kafkajs: byKafkaJs!,
    };
  };

  it.each(['markers', 'ghosts'] as const)(
    '%s: everybody sees the records of the source and nothing else',
    async (fillPolicy) => {
      await using link = await mirror(fillPolicy, { fillPolicy });
      expect(link.mirror(`${fillPolicy}.${TOPIC}`)).toMatchObject({ state: 'ACTIVE', fillPolicy });
      for (const [who, found] of Object.entries(await look(`${fillPolicy}.${TOPIC}`, due.at(-1)!.offset))) expect(found, who).toEqual(due);
    },
    2 * PATIENCE_MS,
  );

  it(
    'records: everybody sees a record without key and value at every other offset',
    async () => {
      await using link = await mirror('records', { fillPolicy: 'records' });
      expect(link.mirror(`records.${TOPIC}`)).toMatchObject({ state: 'ACTIVE', fillPolicy: 'records' });
      const expected = new Map(due.map((record) => [record.offset, record]));
      for (const [who, found] of Object.entries(await look(`records.${TOPIC}`, end - 1))) {
        expect(
          found.map(({ offset }) => offset),
          who,
        ).toEqual(Array.from({ length: end }, (_, offset) => offset));
        for (const record of found) {
          const { offset, timestamp } = record;
          expect(record, `${who} at ${offset}`).toEqual(expected.get(offset) ?? { offset, timestamp, key: null, value: null });
        }
      }
    },
    2 * PATIENCE_MS,
  );
});
