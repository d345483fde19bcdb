/** What is done with nasty logs, each time to its end: mirrored and compared. The caller chooses how many and with which seed. */
import { type ClusterLink, createLink, type LinkConfigOptions } from '../../src/index.ts';
import { seeded } from '../scenarios/seeded.ts';
import { type Cleaning, ISOLATIONS, sourceIsolation, type Transactions, takeView } from './comparison.ts';
import { mirrorUnderKills, type Ordeal } from './kills.ts';
import type { Isolation } from './nasty-java.ts';
import type { Cast, NastyLogs, NastyStage } from './nasty-stage.ts';
import { partitionsOf, type TopicPlan } from './script.ts';
import type { Survey } from './survey.ts';

export interface TrialOptions extends Cast {
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

const DAY_MS = 86_400_000;
const PATIENCE_MS = 120_000;

const failedTopics = (link: ClusterLink): ReadonlySet<string> => new Set(link.mirrors({ state: 'FAILED' }).map(({ topic }) => topic));

/** Mirrors that have failed are not waited for. */
const settled = (stage: NastyStage, link: ClusterLink, logs: NastyLogs, { transactions }: LinkConfigOptions): Promise<void> =>
  stage.settled(logs, () => failedTopics(link), PATIENCE_MS, transactions);

const reasonsOf = (link: ClusterLink): string[] =>
  link.mirrors({ state: 'FAILED' }).map(({ topic, error }) => `${topic} FAILED: ${error?.message}`);

/** Logs at rest are mirrored, while consumers read the mirrors from the first moment on. */
export const atRest = async (stage: NastyStage, { sample = 0, settings = {}, ...cast }: TrialOptions): Promise<Verdict> => {
  const logs = await stage.cast(cast);
  await stage.play(logs);
  const survey = await stage.survey(logs);
  await using link = await createLink(stage.linkOptions(`at-rest-${cast.seed}`, logs.topics, settings));
  const followers = await follow(stage, logs, settings.transactions);
  await settled(stage, link, logs, settings);
  const differences = [
    ...reasonsOf(link),
    ...(await stage.differences(logs, settings)),
    ...(await followers()),
    ...(sample > 0 ? await stage.differencesOfOthers(logs, sample) : []),
  ];
  await link.close();
  await stage.strike(logs);
  return { survey, differences };
};

/** Consumers of both isolation levels read on while mirrors grow; resolves with the judgement of what they saw. Padding is visible until it is cut off, so logs that begin above 0 are left out. */
const follow = async (
  stage: NastyStage,
  { partitions }: NastyLogs,
  transactions: Transactions = 'committed',
): Promise<() => Promise<readonly string[]>> => {
  const { java, source, destination } = stage;
  const bounds = await java.bounds({ bootstrap: source.bootstrap, isolation: 'read_committed', partitions });
  const followed = partitions.filter((_, i) => bounds[i]!.start === 0);
  const name = (isolation: Isolation): string => `followed-${isolation}`;
  for (const isolation of ISOLATIONS) {
    await java.startFollowing(name(isolation), { bootstrap: destination.bootstrap, isolation, partitions: followed });
  }
  return async () => {
    const complaints: string[] = [];
    for (const isolation of ISOLATIONS) {
      const expected = await takeView(java, source, followed, sourceIsolation(transactions, isolation));
      await java.stopFollowing(name(isolation));
      for (const { index, ...found } of await java.differences(expected.name, name(isolation))) {
        const { topic, partition } = followed[index]!;
        complaints.push(`${topic}-${partition}: a ${isolation} consumer that read all the while saw ${JSON.stringify(found)}`);
      }
      for (const view of [expected.name, name(isolation)]) await java.dropView(view);
    }
    return complaints;
  };
};

/** The source's cleaner goes through the logs while they are being copied. */
export const whileCleaned = async (stage: NastyStage, { settings = {}, ...cast }: TrialOptions): Promise<Verdict> => {
  const logs = await stage.cast(cast);
  await stage.play(logs);
  const transactions = settings.transactions ?? 'committed';
  const before = async (isolation: Isolation): Promise<string> =>
    (await takeView(stage.java, stage.source, logs.partitions, sourceIsolation(transactions, isolation))).name;
  const since = { read_committed: await before('read_committed'), read_uncommitted: await before('read_uncommitted') };
  await using link = await createLink(stage.linkOptions(`while-cleaned-${cast.seed}`, logs.topics, settings));
  await stage.clean(logs);
  await settled(stage, link, logs, settings);
  const survey = await stage.survey(logs);
  const differences = [...reasonsOf(link), ...(await stage.differences(logs, { transactions, cleaning: { since } }))];
  for (const name of Object.values(since)) await stage.java.dropView(name);
  await link.close();
  await stage.strike(logs);
  return { survey, differences };
};

/** The link runs from the first record on: through transactions that end and are left, trims, cleanings and changes of configs. */
export const fromTheBeginning = async (stage: NastyStage, { settings = {}, ...cast }: TrialOptions): Promise<Verdict> => {
  const logs = await stage.cast(cast);
  await using link = await createLink(stage.linkOptions(`from-the-beginning-${cast.seed}`, logs.topics, settings));
  await stage.play(logs);
  await settled(stage, link, logs, settings);
  const survey = await stage.survey(logs);
  const differences = reasonsOf(link);
  for (const topic of logs.topics) {
    const how = { ...settings, cleaning: cleaningOf(topic) };
    differences.push(...(await stage.differences({ partitions: partitionsOf([topic]) }, how)));
  }
  await link.close();
  await stage.strike(logs);
  return { survey, differences };
};

const cleaningOf = ({ traits, configs }: TopicPlan): Cleaning => {
  if (!traits.compacted) return 'none';
  return Number(configs['delete.retention.ms']) >= DAY_MS ? 'records' : 'tombstones';
};

/** The link, and brokers, are killed while mirrors are made. `midway`: kills of the link at a moment when some was mirrored and some was not. */
export const underKills = async (
  stage: NastyStage,
  { settings = {}, ...cast }: TrialOptions,
  ordeal: Omit<Ordeal, 'random' | 'settings'>,
): Promise<Verdict & { readonly midway: number }> => {
  const logs = await stage.cast(cast);
  await stage.play(logs);
  const survey = await stage.survey(logs);
  const midway = await mirrorUnderKills(stage, logs, { ...ordeal, settings, random: seeded(cast.seed) });
  const differences = await stage.differences(logs, settings);
  await stage.strike(logs);
  return { survey, differences, midway };
};
