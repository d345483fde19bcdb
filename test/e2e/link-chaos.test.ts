/** The link under kill -9, broker restarts, moving leaders and a double of itself, in short; `npm run test:soak` takes its time. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runSeed, seeded } from '../scenarios/seeded.ts';
import { Arena } from '../soak/arena.ts';
import { killTheLink, moveLeaders, restartBrokers, twoProcesses } from '../soak/ordeals.ts';
import { KAFKA_NEWEST } from '../support/kafka/versions.ts';

const seed = runSeed();
const random = seeded(seed);

describe(`Kafka ${KAFKA_NEWEST}, three brokers each, seed ${seed}`, () => {
  let arena: Arena;
  beforeAll(async () => {
    arena = await Arena.open({ source: { brokers: 3 }, destination: { brokers: 3 } });
  });
  afterAll(() => arena?.[Symbol.asyncDispose]());

  it('kill -9 of the link', async () => {
    expect((await killTheLink(arena, 'killed', 4, random)).acknowledged).toBeGreaterThan(0);
  });

  it('two processes of the link at once', async () => {
    expect((await twoProcesses(arena, 'doubled', 1, random)).acknowledged).toBeGreaterThan(0);
  });

  it('leaders move on both sides', async () => {
    expect((await moveLeaders(arena, 'moved', 5, random)).moves).toBeGreaterThan(0);
  });

  it('a broker of each side restarts', async () => {
    const brokers = [[arena.source, 2] as const, [arena.destination, 3] as const];
    expect((await restartBrokers(arena, 'restarted', brokers, random)).acknowledged).toBeGreaterThan(0);
  });
});
