/** Endurance, `npm run test:soak`: the long versions of what test/e2e shows in short. Three brokers on each side, live Java producers. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RealEnvironment, realEnvironment } from '../scenarios/environments/real.ts';
import { runSeed, seeded } from '../scenarios/seeded.ts';
import { KAFKA_39, KAFKA_NEWEST } from '../support/kafka/versions.ts';
import { Arena, type Verdict } from './arena.ts';
import { killTheLink, moveLeaders, restartBrokers, twoProcesses, volume } from './ordeals.ts';

const KILLS = 30;
const RECORDS_PER_SECOND = 2_000;
const GIGABYTE = 1_000_000_000;
const seed = runSeed();
const random = seeded(seed);

const report = (what: string, verdict: Verdict): void => {
  console.log(`${what}: ${JSON.stringify(verdict)}`);
  expect(verdict.acknowledged).toBeGreaterThan(0);
};

describe(`Kafka ${KAFKA_39} to ${KAFKA_NEWEST}, seed ${seed}`, () => {
  let environment: RealEnvironment | undefined;
  let arena: Arena;
  beforeAll(async () => {
    environment = await realEnvironment({ source: { version: KAFKA_39, brokers: 3 }, destination: { version: KAFKA_NEWEST, brokers: 3 } });
    arena = new Arena(environment, RECORDS_PER_SECOND);
  });
  afterAll(() => environment?.[Symbol.asyncDispose]());

  it(`the link is killed ${KILLS} times`, async () => {
    report(`${KILLS} kills of the link`, await killTheLink(arena, 'killed', KILLS, random));
  });

  it('two processes of the link at once, one of them dying again and again', async () => {
    report('two processes at once', await twoProcesses(arena, 'doubled', 10, random));
  });

  it('one leader move per second on each side for a minute', async () => {
    const verdict = await moveLeaders(arena, 'moved', 60, random);
    report('leader moves', verdict);
    expect(verdict.moves).toBeGreaterThanOrEqual(60);
  });

  it('every broker of both sides restarts', async () => {
    report('restarts', await restartBrokers(arena, 'restarted', random));
  });

  it('1 GB in all codecs over 6 partitions, with live producers', async () => {
    report('1 GB', await volume(arena, 'volume', GIGABYTE));
  });
});
