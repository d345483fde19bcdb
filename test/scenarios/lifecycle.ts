/** Scenarios of beginning and ending: nothing is left open, whoever ends it and when. */
import { expect } from 'vitest';
import { createLink, type LinkEvent } from '../../src/index.ts';
import { BackgroundWriter } from './background-writer.ts';
import { Network } from './network.ts';
import { sampleBatches } from './sample-batches.ts';
import type { Scenario } from './stage.ts';

const awaitUsing: Scenario = {
  name: '`await using` closes the link: connections are gone, events and `closed` end',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic);
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 1, batches: 3 }));
    const network = new Network();
    const seen: LinkEvent['type'][] = [];
    let reading: Promise<void>;
    let closed: Promise<unknown>;
    {
      await using link = await createLink(stage.options([topic], { openTransport: network.openTransport }));
      closed = link.closed;
      reading = (async () => {
        for await (const event of link.events()) seen.push(event.type);
      })();
      await stage.expectMirrored(link, topic);
      expect(network.connections).toBeGreaterThan(0);
    }
    await expect.poll(() => network.connections).toBe(0);
    expect(await closed).toBeNull();
    await reading;
    expect(seen).toContain('mirror');
    expect(seen.at(-1)).toBe('close');
  },
};

const closedUnderLoad: Scenario = {
  name: 'closed under load, again and again, the mirror is always a prefix and always goes on',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic, { partitions: 2 });
    const writer = new BackgroundWriter(stage.source.bench, topic, 2);
    for (let i = 0; i < 5; i++) {
      const link = await stage.link([topic]);
      await writer.wrote(6);
      await Promise.all([link.close(), link.close()]);
      await expect(link.caughtUp()).rejects.toMatchObject({ code: 'KLINK_CLOSED' });
    }
    await writer.stop();
    await stage.expectMirrored(await stage.link([topic]), topic);
  },
};

const abortedStart: Scenario = {
  name: 'a start that is aborted leaves nothing open',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic);
    const network = new Network();
    const options = stage.options([topic], { openTransport: network.openTransport });
    await expect(createLink(options, { signal: AbortSignal.abort(new Error('no')) })).rejects.toMatchObject({ code: 'KLINK_ABORTED' });
    const abort = new AbortController();
    const starting = createLink(options, { signal: abort.signal });
    setImmediate(() => abort.abort(new Error('changed my mind')));
    await expect(starting).rejects.toMatchObject({ code: 'KLINK_ABORTED' });
    await expect.poll(() => network.connections).toBe(0);
    expect(await stage.destination.bench.topics()).not.toContain(topic);
  },
};

export const lifecycleScenarios: readonly Scenario[] = [awaitUsing, closedUnderLoad, abortedStart];
