/** What is done with nasty logs, each time to its end: mirrored and compared. The caller chooses how many and with which seed. */
import { type ClusterLink, createLink, type LinkConfigOptions } from '../../src/index.ts';
import { seeded } from '../scenarios/seeded.ts';
import { takeView } from './comparison.ts';
import { mirrorUnderKills, type Ordeal } from './kills.ts';
import type { Isolation, PartitionName } from './nasty-java.ts';
import type { NastyLogs, NastyStage } from './nasty-stage.ts';
import type { Survey } from './survey.ts';

export interface TrialOptions {
  readonly seed: number;
  readonly logs: number;
  /** Partitions that kcat and kafkajs read too. Default 0. */
  readonly sample?: number;
  /** Of the link, besides those of every trial. */
  readonly settings?: LinkConfigOptions;
}

export interface Verdict {
  /** What was in the source's logs in the end. */
  readonly survey: Survey;
  /** One text for each log and reader in which the mirror shows something else. */
  readonly differences: readonly string[];
}

const PATIENCE_MS = 120_000;
const ISOLATIONS: readonly Isolation[] = ['read_committed', 'read_uncommitted'];

const failedTopics = (link: ClusterLink): ReadonlySet<string> => new Set(link.mirrors({ state: 'FAILED' }).map(({ topic }) => topic));

/** Fails with the reasons of mirrors that have stopped. */
const settled = async (stage: NastyStage, link: ClusterLink, logs: NastyLogs): Promise<void> => {
  await stage.settled(logs, () => failedTopics(link), PATIENCE_MS);
};

const reasonsOf = (link: ClusterLink): string[] =>
  link.mirrors({ state: 'FAILED' }).map(({ topic, error }) => `${topic} FAILED: ${error?.message}`);

/** Logs at rest are mirrored, while consumers read the mirrors from the first moment on. */
export const atRest = async (stage: NastyStage, { seed, logs: count, sample = 0, settings = {} }: TrialOptions): Promise<Verdict> => {
  const logs = await stage.cast(seed, count);
  await stage.play(logs);
  const survey = await stage.survey(logs);
  await using link = await createLink(stage.linkOptions(`at-rest-${seed}`, logs.topics, settings));
  const followers = await follow(stage, logs);
  await settled(stage, link, logs);
  const differences = [
    ...reasonsOf(link),
    ...(await stage.differences(logs)),
    ...(await followers()),
    ...(sample > 0 ? await stage.differencesOfOthers(logs, sample) : []),
  ];
  await link.close();
  await stage.strike(logs);
  return { survey, differences };
};

/** Consumers of both isolation levels read on while mirrors grow; resolves with the judgement of what they saw. Padding is visible until it is cut off, so logs that begin above 0 are left out. */
const follow = async (stage: NastyStage, { partitions }: NastyLogs): Promise<() => Promise<readonly string[]>> => {
  const { java, source, destination } = stage;
  const bounds = await java.bounds({ bootstrap: source.bootstrap, isolation: 'read_committed', partitions });
  const followed = partitions.filter((_, i) => bounds[i]!.start === 0);
  const name = (isolation: Isolation): string => `followed-${isolation}`;
  for (const isolation of ISOLATIONS) {
    await java.startFollowing(name(isolation), { bootstrap: destination.bootstrap, isolation, partitions: followed });
  }
  return async () => {
    const expected = await takeView(java, source, followed);
    const complaints: string[] = [];
    for (const isolation of ISOLATIONS) {
      await java.stopFollowing(name(isolation));
      for (const { index, ...found } of await java.differences(expected.name, name(isolation))) {
        const { topic, partition } = followed[index]!;
        complaints.push(`${topic}-${partition}: a ${isolation} consumer that read all the while saw ${JSON.stringify(found)}`);
      }
      await java.dropView(name(isolation));
    }
    await java.dropView(expected.name);
    return complaints;
  };
};

/** The source's cleaner goes through the logs while they are being copied. */
export const whileCleaned = async (stage: NastyStage, { seed, logs: count, settings = {} }: TrialOptions): Promise<Verdict> => {
  const logs = await stage.cast(seed, count);
  await stage.play(logs);
  const before = await takeView(stage.java, stage.source, logs.partitions);
  await using link = await createLink(stage.linkOptions(`while-cleaned-${seed}`, logs.topics, settings));
  await stage.clean(logs);
  await settled(stage, link, logs);
  const survey = await stage.survey(logs);
  const differences = [...reasonsOf(link), ...(await stage.differences(logs, { since: before.name }))];
  await stage.java.dropView(before.name);
  await link.close();
  await stage.strike(logs);
  return { survey, differences };
};

/** The link runs from the first record on: through transactions that end and are left, trims, cleanings and changes of configs. */
export const fromTheBeginning = async (stage: NastyStage, { seed, logs: count, settings = {} }: TrialOptions): Promise<Verdict> => {
  const logs = await stage.cast(seed, count);
  await using link = await createLink(stage.linkOptions(`from-the-beginning-${seed}`, logs.topics, settings));
  await stage.play(logs);
  await settled(stage, link, logs);
  const survey = await stage.survey(logs);
  const compacted = new Set(logs.topics.filter(({ traits }) => traits.compacted).map(({ name }) => name));
  const having = (isCompacted: boolean): { partitions: readonly PartitionName[] } => ({
    partitions: logs.partitions.filter(({ topic }) => compacted.has(topic) === isCompacted),
  });
  const differences = [...reasonsOf(link), ...(await stage.differences(having(false))), ...(await stage.differences(having(true), 'both'))];
  await link.close();
  await stage.strike(logs);
  return { survey, differences };
};

/** The link, and brokers, are killed while mirrors are made. `midway`: kills of the link at a moment when some was mirrored and some was not. */
export const underKills = async (
  stage: NastyStage,
  { seed, logs: count }: TrialOptions,
  ordeal: Omit<Ordeal, 'random'>,
): Promise<Verdict & { readonly midway: number }> => {
  const logs = await stage.cast(seed, count);
  await stage.play(logs);
  const survey = await stage.survey(logs);
  const midway = await mirrorUnderKills(stage, logs, { ...ordeal, random: seeded(seed) });
  const differences = await stage.differences(logs);
  await stage.strike(logs);
  return { survey, differences, midway };
};
