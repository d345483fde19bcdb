/** Scenarios that write down everything a link tells, and compare it with what it should have told, in order: outages, discovery, growth, deletion. */
import { expect } from 'vitest';
import type { ClusterLink } from '../../src/index.ts';
import { sampleBatches } from './sample-batches.ts';
import { failsWith, inState, type Scenario, type Stage } from './stage.ts';

const PATIENCE = { timeout: 60_000, interval: 20 };

/** What a link has told, by subject: a mirror, a partition, a task, the link itself. Different subjects do not wait for each other. */
class Told {
  readonly #lines = new Map<string, string[]>();
  readonly #link: ClusterLink;
  #state: string;

  constructor(link: ClusterLink) {
    this.#link = link;
    this.#state = link.status().state;
    this.#note('link', this.#state);
    link.on('mirror', ({ topic, to, error }) => this.#note(topic, error === null ? to : `${to} ${error.code}`));
    link.on('partition', ({ topic, partition, to }) => this.#note(`${topic}-${partition}`, to));
    link.on('task', ({ task, to, errors }) => this.#note(task, [to, ...new Set(errors.map(({ code }) => code))].join(' ')));
    link.on('warning', ({ error }) => this.#note('warnings', error.code));
  }

  of(subject: string): readonly string[] {
    return this.#lines.get(subject) ?? [];
  }

  get all(): Readonly<Record<string, readonly string[]>> {
    return Object.fromEntries(this.#lines);
  }

  /** The link has no event of its own: its state changes with those of its tasks and mirrors. */
  #note(subject: string, line: string): void {
    const { state, linkError } = this.#link.status();
    if (state !== this.#state) {
      this.#state = state;
      this.#note('link', `${state} ${linkError}`);
    }
    this.#lines.set(subject, [...this.of(subject), line]);
  }
}

/** Tasks run when the link lets them, and not in between: what they tell depends on nothing but the link. */
const CALM = {
  availabilityCheckMs: 100,
  availabilityCheckConsecutiveFailureThreshold: 5,
  requestTimeoutMs: 5_000,
  topicConfigSyncMs: 600_000,
  consumerOffsetSyncMs: 600_000,
};
/** With the default of a check a minute, ten minutes. */
const CHECKS_MISSED = 10;

const filled = async (stage: Stage, topic: string, seed = 1): Promise<void> => {
  await stage.source.bench.createTopic(topic);
  await stage.source.bench.append(topic, 0, await sampleBatches({ seed, batches: 3 }));
};

const outage: Scenario = {
  name: 'the source is away for ten checks in a row and comes back: link, mirror, partition and tasks tell it in order, and nothing is missing',
  play: async (stage) => {
    const topic = stage.topic();
    await filled(stage, topic);
    const everything = [{ name: '*', patternType: 'LITERAL', filterType: 'INCLUDE' }] as const;
    const link = await stage.link([topic], {
      settings: { ...CALM, consumerOffsetSyncEnable: true, consumerOffsetGroupFilters: everything },
    });
    const told = new Told(link);
    await stage.expectMirrored(link, topic);
    const syncs = ['TopicConfigsSync', 'ConsumerOffsetSync'] as const;
    const settled = (): Promise<void> =>
      expect.poll(() => syncs.map((task) => told.of(task).at(-1)), PATIENCE).toEqual(['ACTIVE', 'ACTIVE']);
    await settled();
    for (const broker of stage.source.brokerIds) await stage.source.kill(broker);
    const away = await inState(link, topic, 'SOURCE_UNAVAILABLE');
    expect(link.status()).toMatchObject({ state: 'UNAVAILABLE', linkError: 'BOOTSTRAP_TCP_CONNECTION_FAILED_ERROR' });
    const missed = () => link.tasks().find(({ name }) => name === 'AvailabilityCheck')!.failedRuns;
    await expect.poll(missed, PATIENCE).toBeGreaterThanOrEqual(CHECKS_MISSED);
    await Promise.all(stage.source.brokerIds.map((broker) => stage.source.start(broker)));
    await inState(link, topic, 'ACTIVE');
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 2, batches: 3 }));
    await stage.expectMirrored(link, topic);
    await settled();
    const { warnings = [], ...rest } = told.all;
    expect(rest).toEqual({
      link: ['ACTIVE', 'UNAVAILABLE BOOTSTRAP_TCP_CONNECTION_FAILED_ERROR', 'ACTIVE NO_ERROR'],
      [topic]: ['ACTIVE', 'SOURCE_UNAVAILABLE', 'ACTIVE'],
      [`${topic}-0`]: ['ACTIVE', 'PENDING', 'ACTIVE'],
      AvailabilityCheck: ['ACTIVE', 'IN_ERROR UNKNOWN', 'ACTIVE'],
      TopicConfigsSync: ['ACTIVE', 'LINK_UNAVAILABLE', 'ACTIVE'],
      ConsumerOffsetSync: ['ACTIVE', 'LINK_UNAVAILABLE', 'ACTIVE'],
    });
    expect([...new Set(warnings)]).toEqual(['KLINK_CONNECT']);
    const { history, transitionErrors } = link.mirror(topic);
    expect(history.map(({ from, to }) => [from, to])).toEqual([
      ['PENDING_MIRROR', 'ACTIVE'],
      ['ACTIVE', 'SOURCE_UNAVAILABLE'],
      ['SOURCE_UNAVAILABLE', 'ACTIVE'],
    ]);
    expect(history[1]!.at).toBe(away.since.getTime());
    expect(transitionErrors).toEqual([]);
  },
};

const discoveredAndGrown: Scenario = {
  name: 'a topic is discovered, gets more partitions, is deleted and created anew: each is told in order, with its states and its errors',
  play: async (stage) => {
    const topic = stage.topic();
    const filters = [{ name: topic, patternType: 'LITERAL', filterType: 'INCLUDE' }] as const;
    const settings = { ...CALM, metadataMaxAgeMs: 200, autoCreateMirrorTopicsEnable: true, autoCreateMirrorTopicsFilters: filters };
    const link = await stage.link([], { settings });
    const told = new Told(link);
    await filled(stage, topic);
    await expect.poll(() => told.of(topic), PATIENCE).toEqual(['ACTIVE']);
    await stage.expectMirrored(link, topic);
    await stage.source.bench.growTopic(topic, 3);
    await expect.poll(() => told.of(topic), PATIENCE).toEqual(['ACTIVE', 'PENDING_MIRROR', 'ACTIVE']);
    await stage.source.bench.append(topic, 2, await sampleBatches({ seed: 2, batches: 3 }));
    await stage.expectMirrored(link, topic);
    expect(told.of('warnings')).toEqual([]);
    await stage.source.bench.deleteTopic(topic);
    await failsWith(link, topic, 'SOURCE_TOPIC_MAY_BE_DELETED');
    const { warnings: _, ...rest } = told.all;
    expect(rest).toEqual({
      link: ['ACTIVE'],
      [topic]: ['ACTIVE', 'PENDING_MIRROR', 'ACTIVE', 'FAILED KLINK_SOURCE_CHANGED'],
      ...Object.fromEntries([0, 1, 2].map((partition) => [`${topic}-${partition}`, ['ACTIVE', 'PENDING', 'FAILED']])),
      AvailabilityCheck: ['ACTIVE'],
      AutoCreateMirror: ['ACTIVE'],
      TopicConfigsSync: ['ACTIVE'],
    });
    expect(link.mirror(topic).history.map(({ from, to, error }) => [from, to, error?.split(':')[0] ?? null])).toEqual([
      ['PENDING_MIRROR', 'ACTIVE', null],
      ['ACTIVE', 'PENDING_MIRROR', null],
      ['PENDING_MIRROR', 'ACTIVE', null],
      ['ACTIVE', 'FAILED', 'SOURCE_TOPIC_MAY_BE_DELETED'],
    ]);
    // The next process finds another topic of that name.
    await link.close();
    await filled(stage, topic, 3);
    const next = await stage.link([]);
    await failsWith(next, topic, 'SOURCE_TOPIC_ID_CHANGED');
    const { from, to, error } = next.mirror(topic).history.at(-1)!;
    expect([from, to, error?.split(':')[0]]).toEqual(['PENDING_MIRROR', 'FAILED', 'SOURCE_TOPIC_ID_CHANGED']);
    await next.close();
    // What has to be done about it is what the error says.
    await stage.destination.bench.deleteTopic(topic);
    const last = await stage.link([]);
    const toldAnew = new Told(last);
    await stage.expectMirrored(last, topic);
    expect(toldAnew.of(topic)).toEqual(['ACTIVE']);
    expect(last.mirror(topic).history.map(({ to }) => to)).toEqual(['ACTIVE']);
  },
};

export const sequenceScenarios: readonly Scenario[] = [outage, discoveredAndGrown];
