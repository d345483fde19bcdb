/** A link that is killed again and again while it makes mirrors, as are the brokers under it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { LinkConfigOptions } from '../../src/index.ts';
import { between } from '../scenarios/seeded.ts';
import type { KafkaCluster } from '../support/kafka/cluster.ts';
import { LinkProcess } from '../support/link-process/link-process.ts';
import type { NastyLogs, NastyStage } from './nasty-stage.ts';

export interface Ordeal {
  readonly kills: number;
  readonly settings: LinkConfigOptions;
  readonly random: () => number;
  /** Share of the kills that hit a broker, of either side. */
  readonly brokers: number;
}

/** Little at a time, so that a kill comes in the middle of something. */
const SLOW = { replicaFetchMaxBytes: 1_024, replicaFetchResponseMaxBytes: 8_192, fillRequestMaxMarkers: 5, fillGraceMs: 200 };
const PATIENCE_MS = 120_000;
const LONGEST_LIFE_MS = 1_500;
const LOOK_MS = 10;

/** Resolves when the mirrors are complete at last, with the number of kills of the link after which they were neither empty nor complete. Rejects when one fails. */
export const mirrorUnderKills = async (
  stage: NastyStage,
  logs: NastyLogs,
  { kills, random, brokers, settings }: Ordeal,
): Promise<number> => {
  const options = stage.linkOptions(`killed-${logs.topics[0]?.name}`, logs.topics, { ...SLOW, ...settings });
  let link = new LinkProcess(options);
  let midway = 0;
  try {
    for (let i = 0; i < kills; i++) {
      // Some die before they have begun to mirror.
      const hasBegun = random() < 0.8;
      if (hasBegun) await link.started;
      // Small logs are complete within a moment: chance alone might hit none.
      await (hasBegun && midway === 0 ? untilMidway(stage, logs) : delay(between(random, 0, LONGEST_LIFE_MS)));
      if (random() < brokers) {
        await restartOne(random() < 0.5 ? stage.source.cluster : stage.destination.cluster, random);
      } else {
        await link.kill();
        if (hasBegun && (await stage.isMidway(logs))) midway++;
        link = new LinkProcess(options);
      }
    }
    await link.started;
    const failed = (): ReadonlySet<string> => {
      if (!link.running || link.failures.length > 0) throw new Error(`the link failed: ${link.failures.join('; ')}\n${link.log()}`);
      return new Set();
    };
    await stage.settled(logs, failed, PATIENCE_MS, settings.transactions).catch((cause: unknown) => {
      throw new Error(`${(cause as Error).message}\n${link.log()}`, { cause });
    });
    return midway;
  } finally {
    await link.kill();
  }
};

/** Or until a life is over. */
const untilMidway = async (stage: NastyStage, logs: NastyLogs): Promise<void> => {
  const over = performance.now() + LONGEST_LIFE_MS;
  while (performance.now() < over && !(await stage.isMidway(logs))) await delay(LOOK_MS);
};

const restartOne = async (cluster: KafkaCluster, random: () => number): Promise<void> => {
  const broker = cluster.broker(between(random, 1, cluster.brokers.length));
  await broker.kill();
  await broker.start();
  await cluster.awaitReady();
};
