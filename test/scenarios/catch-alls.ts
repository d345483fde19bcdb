/** Scenarios of the product's words for what none of its other words fits: UNKNOWN, INTERNAL_ERROR, SUPPRESSED_ERRORS. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'vitest';
import { Network } from './network.ts';
import { sampleBatches } from './sample-batches.ts';
import { inState, type Scenario } from './stage.ts';

const PATIENCE = { timeout: 60_000, interval: 20 };
/** Errors of one run that are kept, each by itself. */
const KEPT_ERRORS = 100;
const LONGEST_NAME = 249;

const anotherService: Scenario = {
  name: 'tasks are UNKNOWN before their first run; something else that answers in place of the source has no word of the product, and is told by the error itself',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic);
    await stage.source.bench.append(topic, 0, await sampleBatches({ batches: 2 }));
    const network = new Network();
    const link = await stage.link([topic], { openTransport: network.openTransport });
    expect(link.tasks().find(({ name }) => name === 'TopicConfigsSync')).toMatchObject({ state: 'UNKNOWN', lastRun: null, runs: 0 });
    await stage.expectMirrored(link, topic);
    expect(link.status()).toMatchObject({ state: 'ACTIVE', linkError: 'NO_ERROR' });
    await using web = createServer().listen(0, '127.0.0.1');
    await once(web, 'listening');
    const { address, port } = web.address() as AddressInfo;
    network.redirect(stage.source.bootstrap, { host: address, port });
    await inState(link, topic, 'SOURCE_UNAVAILABLE');
    expect(link.status()).toMatchObject({
      state: 'UNAVAILABLE',
      linkError: 'UNKNOWN',
      error: { message: expect.stringContaining('HTTP') },
    });
    network.redirect(stage.source.bootstrap, null);
    await inState(link, topic, 'ACTIVE');
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 2, batches: 2 }));
    await stage.expectMirrored(link, topic);
    expect(link.status()).toMatchObject({ state: 'ACTIVE', linkError: 'NO_ERROR' });
  },
};

const tooMany: Scenario = {
  name: 'of very many topics that cannot be mirrored the first are told one by one, and of the rest how many there are',
  play: async (stage) => {
    const longs = Array.from({ length: KEPT_ERRORS + 3 }, (_, i) => stage.topic(`${i}-`).padEnd(LONGEST_NAME, 'y'));
    await Promise.all(longs.map((topic) => stage.source.bench.createTopic(topic)));
    const link = await stage.link([], {
      settings: {
        clusterLinkPrefix: 'many-',
        autoCreateMirrorTopicsEnable: true,
        autoCreateMirrorTopicsFilters: [{ name: stage.topic(''), patternType: 'PREFIXED', filterType: 'INCLUDE' }],
      },
    });
    const task = () => link.tasks().find(({ name }) => name === 'AutoCreateMirror')!;
    await expect.poll(() => task().state, PATIENCE).toBe('IN_ERROR');
    const { errors } = task();
    expect(errors.map(({ code }) => code)).toEqual([...Array.from({ length: KEPT_ERRORS }, () => 'INVALID_TOPIC'), 'SUPPRESSED_ERRORS']);
    expect(errors.at(-1)?.message).toMatch(/^3 more errors/);
    for (const { subject } of errors.slice(0, KEPT_ERRORS)) expect(longs).toContain(subject);
    expect(link.mirrors()).toEqual([]);
    await Promise.all(longs.map((topic) => stage.source.bench.deleteTopic(topic)));
  },
};

const defect: Scenario = {
  name: 'a defect of the program that a link is part of is an internal error of the task that met it, and passes with it',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic);
    const network = new Network();
    let broken = false;
    const link = await stage.link([topic], {
      openTransport: (...call) => {
        if (broken) throw new TypeError('address is not a function');
        return network.openTransport(...call);
      },
    });
    await stage.expectMirrored(link, topic);
    broken = true;
    network.cut();
    const task = () => link.tasks().find(({ name }) => name === 'AvailabilityCheck')!;
    await expect.poll(() => task().state, PATIENCE).toBe('IN_ERROR');
    expect(task().errors).toMatchObject([{ code: 'INTERNAL_ERROR', message: expect.stringContaining('address is not a function') }]);
    broken = false;
    await expect.poll(() => task().state, PATIENCE).toBe('ACTIVE');
    await inState(link, topic, 'ACTIVE');
    await stage.source.bench.append(topic, 0, await sampleBatches({ batches: 2 }));
    await stage.expectMirrored(link, topic);
  },
};

export const catchAllScenarios: readonly Scenario[] = [anotherService, tooMany, defect];
