/** Random nasty logs by the hundred, `NASTY_LOGS=200 NASTY_SEED=… npm run test:soak`: at rest, while they are cleaned, from their first record on, and under kills of the link and of brokers. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LinkConfigOptions } from '../../src/index.ts';
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
  { source: KAFKA_28, destination: KAFKA_39, logs: LOGS / 5 },
  { source: KAFKA_40, destination: KAFKA_41, logs: LOGS / 5 },
];

interface Way {
  readonly way: string;
  readonly settings: LinkConfigOptions;
  readonly share: number;
  /** A link keeps what it was made with, under its name, which has the seed in it. */
  readonly seeds: number;
}

const WAYS: readonly Way[] = [
  { way: 'committed transactions', settings: {}, share: 1, seeds: 0 },
  { way: 'exact transactions', settings: { transactions: 'exact', transactionVerification: 'disable' }, share: 0.2, seeds: 5 },
];

const totals: Record<string, number> = {};
const judge = (round: number, { survey, differences }: Verdict): void => {
  for (const [kind, count] of Object.entries(survey satisfies Survey)) totals[kind] = (totals[kind] ?? 0) + count;
  expect(differences.join('\n\n'), `seed ${round}`).toBe('');
};

describe.each(CLUSTERS)('Kafka $source to $destination', ({ logs: all, ...clusters }) => {
  let stage: NastyStage;
  beforeAll(async () => {
    stage = await NastyStage.open(clusters);
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
    console.log(`met so far: ${JSON.stringify(totals)}`);
  });

  describe.each(WAYS)('$way', ({ settings, share, seeds }) => {
    const rounds = (kind: number): { round: number; logs: number }[] => {
      const left = Math.max(1, Math.ceil(all * share));
      return Array.from({ length: Math.ceil(left / LOGS_PER_ROUND) }, (_, i) => ({
        round: seed + 10 * i + seeds + kind,
        logs: Math.min(LOGS_PER_ROUND, left - i * LOGS_PER_ROUND),
      }));
    };

    it.each(rounds(0))('$logs logs at rest, seed $round', async ({ round, logs }) => {
      judge(round, await atRest(stage, { seed: round, logs, settings, sample: 8 }));
    });

    it.each(rounds(1))('$logs logs that are cleaned while they are copied, seed $round', async ({ round, logs }) => {
      judge(round, await whileCleaned(stage, { seed: round, logs, settings }));
    });

    it.each(rounds(2))('$logs logs that are mirrored from their first record on, seed $round', async ({ round, logs }) => {
      judge(round, await fromTheBeginning(stage, { seed: round, logs, settings }));
    });

    it.each(rounds(3))('$logs logs under kills of the link and of brokers, seed $round', async ({ round, logs }) => {
      const verdict = await underKills(stage, { seed: round, logs, settings }, { kills: KILLS, brokers: 0.3 });
      judge(round, verdict);
      expect(verdict.midway).toBeGreaterThan(0);
    });
  });

  it(`${Math.min(all, LOGS_PER_ROUND)} logs at rest, filled with ghosts, seed ${seed + 4}`, async () => {
    const settings = { fillPolicy: 'ghosts' } as const;
    judge(seed + 4, await atRest(stage, { seed: seed + 4, logs: Math.min(all, LOGS_PER_ROUND), settings, sample: 8 }));
  });
});
