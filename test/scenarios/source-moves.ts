/** Scenarios of a source that is found at other addresses: `bootstrap.servers` changes while the link runs, and is remembered. */
import { expect } from 'vitest';
import { type ClusterLink, type ConfigChange, createLink } from '../../src/index.ts';
import { BackgroundWriter } from './background-writer.ts';
import { Network } from './network.ts';
import { sampleBatches } from './sample-batches.ts';
import { inState, type Scenario } from './stage.ts';

const to = (addresses: readonly string[]): readonly ConfigChange[] => [
  { op: 'SET', name: 'bootstrap.servers', value: addresses.join(', ') },
];
const addressesOf = (link: ClusterLink): string | null | undefined =>
  link.configs().find(({ name }) => name === 'bootstrap.servers')?.value;
/** Nobody listens there. */
const VACANT = '127.0.0.1:1';

const underLoad: Scenario = {
  name: 'under load: the link goes over to the new addresses, loses nothing, and finds the source there again by its name alone',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic, { partitions: 2 });
    const writer = new BackgroundWriter(stage.source.bench, topic, 2);
    const network = new Network();
    const { openTransport } = network;
    const link = await stage.link([topic], { openTransport });
    const { bootstrap, elsewhere } = stage.source;
    expect(addressesOf(link)).toBe(bootstrap.join());
    await writer.wrote(4);
    const asked = await link.configure(to(elsewhere), { validateOnly: true });
    expect(asked).toEqual([{ name: 'bootstrap.servers', from: bootstrap.join(), to: elsewhere.join() }]);
    expect(addressesOf(link)).toBe(bootstrap.join());
    // One that does not answer is no obstacle while another does.
    expect(await link.configure(to([VACANT, ...elsewhere]))).toMatchObject([{ to: [VACANT, ...elsewhere].join() }]);
    expect(await link.configure(to(elsewhere))).toHaveLength(1);
    await writer.wrote(4);
    network.block(bootstrap);
    await writer.wrote(4);
    await writer.stop();
    await stage.expectMirrored(link, topic);
    expect([...network.addresses].filter((address) => bootstrap.includes(address))).toEqual([]);
    expect([...network.addresses].some((address) => elsewhere.includes(address))).toBe(true);
    await link.close();

    await stage.source.bench.append(topic, 1, await sampleBatches({ seed: 3, batches: 3 }));
    const { name, destination } = stage.options([]);
    await using next = await createLink({ name, destination, openTransport });
    expect(next.configs()).toEqual(link.configs());
    expect(next.linkId).toBe(link.linkId);
    await stage.expectMirrored(next, topic);
    await next.close();

    // What a program says counts more than what was remembered.
    network.block([]);
    const asked2 = await stage.link([], { openTransport });
    expect(addressesOf(asked2)).toBe(bootstrap.join());
  },
};

const refused: Scenario = {
  name: 'addresses of another cluster, addresses where nobody is, and no addresses are refused, and nothing has changed',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic);
    const link = await stage.link([topic]);
    const before = link.configs();
    const { elsewhere } = stage.source;
    const other = stage.destination.bootstrap[0]!;
    for (const validateOnly of [true, false]) {
      await expect(link.configure(to([VACANT]), { validateOnly })).rejects.toMatchObject({
        code: 'KLINK_CONNECT',
        message: expect.stringContaining('nothing was changed'),
      });
      await expect(link.configure(to([...elsewhere, other]), { validateOnly })).rejects.toMatchObject({
        code: 'KLINK_CONFIG',
        problems: [{ name: 'bootstrap.servers', value: other, rule: expect.stringContaining('it leads to cluster') }],
      });
      await expect(link.configure([{ op: 'DELETE', name: 'bootstrap.servers' }], { validateOnly })).rejects.toMatchObject({
        problems: [{ name: 'bootstrap.servers', rule: expect.stringContaining('at least one address') }],
      });
    }
    expect(link.configs()).toEqual(before);
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 4, batches: 3 }));
    await stage.expectMirrored(link, topic);
    await link.close();
    // A link keeps to the cluster that it was made for.
    const swapped = { source: { bootstrap: stage.destination.bootstrap } };
    await expect(stage.link([], swapped)).rejects.toMatchObject({
      code: 'KLINK_CONFIG',
      message: expect.stringContaining('mirrors cluster'),
    });
    const { name, destination } = stage.options([], { name: stage.topic('unheard-of') });
    await expect(createLink({ name, destination })).rejects.toMatchObject({
      code: 'KLINK_CONFIG',
      message: expect.stringContaining('source.bootstrap'),
    });
  },
};

const whileAway: Scenario = {
  name: 'a source that has moved while no link ran: the link starts without it, is told where it is, and goes on',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic);
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 5, batches: 3 }));
    const first = await stage.link([topic], { settings: { availabilityCheckMs: 3_600_000 } });
    await stage.expectMirrored(first, topic);
    await first.close();
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 6, batches: 3 }));
    const network = new Network();
    network.block(stage.source.bootstrap);
    const { name, destination } = stage.options([]);
    await using next = await createLink({ name, destination, openTransport: network.openTransport }, { timeoutMs: 3_000 });
    expect(next.mirror(topic).state).toBe('SOURCE_UNAVAILABLE');
    await next.configure(to(stage.source.elsewhere));
    await inState(next, topic, 'ACTIVE');
    await stage.expectMirrored(next, topic);
  },
};

export const sourceMoveScenarios: readonly Scenario[] = [underLoad, refused, whileAway];
