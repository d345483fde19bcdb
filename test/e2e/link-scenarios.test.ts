/** The scenarios of the link on real brokers: the same files that run on embedded clusters. And a promotion under Java producers, which `npm run test:soak` has in long. */
import { expect, it } from 'vitest';
import { realEnvironment } from '../scenarios/environments/real.ts';
import { playScenarios } from '../scenarios/runner.ts';
import {
  createTopics,
  digestAll,
  expectStopped,
  fleetOf,
  optionsOf,
  produceAll,
  stopProducers,
  stopUnderKills,
  writeAfresh,
} from '../soak/stops.ts';
import { KAFKA_39, KAFKA_NEWEST } from '../support/kafka/versions.ts';
import { LinkProcess } from '../support/link-process/link-process.ts';

playScenarios(
  `Kafka ${KAFKA_39} to ${KAFKA_NEWEST}, one broker each`,
  () => realEnvironment({ source: { version: KAFKA_39 }, destination: { version: KAFKA_NEWEST } }),
  { brokers: 1 },
  (environment) => {
    it('promoted under live Java producers that are then stopped, by a link that is killed meanwhile; new producers write to the mirrors', async () => {
      const fleet = fleetOf(environment(), 'promoted', 2, 4);
      await createTopics(fleet);
      const producers = await produceAll(fleet, { recordsPerSecond: 400, valueBytes: 200 });
      await using first = new LinkProcess(optionsOf(fleet), { death: { step: 'copy everything the source has', nth: 1 } });
      await first.started;
      await expect.poll(() => first.status?.batches ?? 0, { timeout: 60_000 }).toBeGreaterThan(0);
      await expect(first.stopMirrors('promote', 60_000)).rejects.toThrow('ended');
      const tallies = await stopProducers(producers);
      await stopUnderKills(fleet, 'promote', []);
      await expectStopped(fleet, 'PROMOTE');
      for (const [index, { source, destination }] of (await digestAll(fleet)).entries()) {
        expect(destination).toEqual(source);
        expect(destination.reduce((sum, { count }) => sum + count, 0)).toBe(tallies[index]!.acked);
      }
      await writeAfresh(fleet);
    });
  },
);
