/** Three brokers on each side: leaders move and die, the link is killed and doubled under live Java producers. In short; `npm run test:soak` takes its time. */
import { expect, it } from 'vitest';
import { realEnvironment } from '../scenarios/environments/real.ts';
import { playScenarios } from '../scenarios/runner.ts';
import { runSeed, seeded } from '../scenarios/seeded.ts';
import { Arena } from '../soak/arena.ts';
import { killTheLink, twoProcesses } from '../soak/ordeals.ts';
import { KAFKA_NEWEST } from '../support/kafka/versions.ts';

const KILLS = 4;
const RECORDS_PER_SECOND = 500;
const seed = runSeed();
const random = seeded(seed);

playScenarios(
  `Kafka ${KAFKA_NEWEST} to ${KAFKA_NEWEST}, three brokers each, seed ${seed}`,
  () => realEnvironment({ source: { brokers: 3 }, destination: { brokers: 3 } }),
  { brokers: 3, only: ({ brokers }) => brokers === 3 },
  (environment) => {
    it('kill -9 of the link at random moments', async () => {
      const { acknowledged } = await killTheLink(new Arena(environment(), RECORDS_PER_SECOND), 'killed', KILLS, random);
      expect(acknowledged).toBeGreaterThan(0);
    });

    it('two processes of the link at once, one of which dies and comes back', async () => {
      const { acknowledged } = await twoProcesses(new Arena(environment(), RECORDS_PER_SECOND), 'doubled', 1, random);
      expect(acknowledged).toBeGreaterThan(0);
    });
  },
);
