/** Random nasty logs by the hundred, `NASTY_LOGS=200 NASTY_SEED=… npm run test:soak`: at rest, while they are cleaned, from their first record on, and under kills of the link and of brokers. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NastyStage } from '../nasty/nasty-stage.ts';
import type { Survey } from '../nasty/survey.ts';
import { atRest, fromTheBeginning, underKills, type Verdict, whileCleaned } from '../nasty/trials.ts';
import { runSeed } from '../scenarios/seeded.ts';
import { KAFKA_28, KAFKA_39, KAFKA_40, KAFKA_41, KAFKA_NEWEST } from '../support/kafka/versions.ts';

/** Of each pair of clusters, and of each kind of trial there. */
const LOGS = Number(process.env['NASTY_LOGS'] ?? 200);
/** More at once would only be more files to keep open. */
const LOGS_PER_ROUND = 40;
const KILLS = 12;
const seed = Number(process.env['NASTY_SEED']) || runSeed();

interface Clusters {
  readonly source: string;
  readonly destination: string;
  readonly destinationBrokers?: 3;
  readonly logs: number;
}

const CLUSTERS: readonly Clusters[] = [
  { source: KAFKA_39, destination: KAFKA_NEWEST, logs: LOGS },
  { source: KAFKA_NEWEST, destination: KAFKA_NEWEST, destinationBrokers: 3, logs: LOGS },
  { source: KAFKA_28, destination: KAFKA_39, logs: LOGS / 4 },
  { source: KAFKA_40, destination: KAFKA_41, logs: LOGS / 4 },
];

const totals: Record<string, number> = {};
const judge = (round: number, { survey, differences }: Verdict): void => {
  for (const [kind, count] of Object.entries(survey satisfies Survey)) totals[kind] = (totals[kind] ?? 0) + count;
  expect(differences.join('\n\n'), `seed ${round}`).toBe('');
};

describe.each(CLUSTERS)('Kafka $source to $destination', ({ logs, ...clusters }) => {
  let stage: NastyStage;
  beforeAll(async () => {
    stage = await NastyStage.open(clusters);
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
    console.log(`met so far: ${JSON.stringify(totals)}`);
  });
  const rounds = (kind: number): { round: number; count: number }[] =>
    Array.from({ length: Math.ceil(logs / LOGS_PER_ROUND) }, (_, i) => ({
      round: seed + 10 * i + kind,
      count: Math.min(LOGS_PER_ROUND, logs - i * LOGS_PER_ROUND),
    }));

  it.each(rounds(0))('$count logs at rest, seed $round', async ({ round, count }) => {
    judge(round, await atRest(stage, { seed: round, logs: count, sample: 8 }));
  });

  it.each(rounds(4).slice(0, 1))('$count logs at rest, filled with ghosts, seed $round', async ({ round, count }) => {
    judge(round, await atRest(stage, { seed: round, logs: count, sample: 8, settings: { fillPolicy: 'ghosts' } }));
  });

  it.each(rounds(1))('$count logs that are cleaned while they are copied, seed $round', async ({ round, count }) => {
    judge(round, await whileCleaned(stage, { seed: round, logs: count }));
  });

  it.each(rounds(2))('$count logs that are mirrored from their first record on, seed $round', async ({ round, count }) => {
    judge(round, await fromTheBeginning(stage, { seed: round, logs: count }));
  });

  it.each(rounds(3))('$count logs under kills of the link and of brokers, seed $round', async ({ round, count }) => {
    const verdict = await underKills(stage, { seed: round, logs: count }, { kills: KILLS, brokers: 0.3 });
    judge(round, verdict);
    expect(verdict.midway).toBeGreaterThan(0);
  });
});
