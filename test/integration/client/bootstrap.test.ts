/** Reaching a cluster: any good address is enough, and what is said when there is none. */
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Cluster } from '../../../src/client/cluster.ts';
import { LinkError } from '../../../src/errors.ts';
import { Heartbeat } from '../../../src/protocol/messages/heartbeat.ts';
import { Metadata } from '../../../src/protocol/messages/metadata.ts';
import { ManualClock, settled, until } from '../../support/manual-clock.ts';
import { ScriptedBroker } from '../../support/scripted-broker.ts';
import { failure } from './open-connection.ts';
import { BEAT, OFFER, portsOf, ScriptedCluster, settingsOf } from './scripted-cluster.ts';

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});
const started = async (ids: readonly number[], offer = OFFER): Promise<ScriptedCluster> => {
  const cluster = await ScriptedCluster.start(ids, offer);
  endings.push(() => cluster.stop());
  return cluster;
};
/** An address at which nobody listens. */
const vacant = async (): Promise<{ readonly host: string; readonly port: number }> => {
  const broker = await ScriptedBroker.listen();
  const { port } = broker;
  await broker.close();
  return { host: '127.0.0.1', port };
};
/** A port that accepts and never answers. */
const silent = async (): Promise<ScriptedBroker> => {
  const broker = await ScriptedBroker.listen();
  endings.push(() => broker.close());
  return broker;
};
const unknownHost = async (host: string): Promise<readonly string[]> => {
  if (/^[\d.]+$/.test(host)) return [host];
  throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' });
};

describe('bootstrap', () => {
  it('learns the brokers, then uses their own addresses and lets the first connection go', async () => {
    const script = await started([1, 2]);
    const client = await script.connect({ bootstrap: [script.endpoint(1)] });
    expect([...client.metadata.brokers.keys()]).toEqual([1, 2]);
    expect(client.metadata.clusterId).toBe('c-1');
    const first = await script.broker(1).nextPeer();
    await first.gone;
    await client.send(Heartbeat, BEAT, { broker: 2 });
    expect([script.broker(1).open, script.broker(2).open]).toEqual([0, 1]);
  });

  it('one good address among bad ones is enough, and a silent one costs a second', async () => {
    const script = await started([1]);
    const mute = await silent();
    const bootstrap = [await vacant(), { host: 'nowhere.example', port: 9092 }, { host: '127.0.0.1', port: mute.port }, script.endpoint(1)];
    const connecting = script.connect({ bootstrap }, { lookup: unknownHost });
    const peer = await mute.nextPeer();
    await peer.next();
    expect(script.broker(1).accepted).toBe(0);
    await script.clock.advance(1_000);
    const client = await connecting;
    expect(client.metadata.brokers.size).toBe(1);
    // The one that lost is not left open.
    await peer.gone;
    expect(script.clock.pending).toBeLessThanOrEqual(1);
  });

  it('tries every address of a name', async () => {
    const script = await started([1]);
    const { port } = script.broker(1);
    const asked: string[] = [];
    const client = await script.connect(
      { bootstrap: [{ host: 'kafka.example', port }] },
      {
        lookup: async (host) => {
          asked.push(host);
          // Nobody listens at the first two: the whole of 127/8 is this machine.
          return host === 'kafka.example' ? ['127.0.0.2', '127.0.0.3', '127.0.0.1'] : [host];
        },
      },
    );
    expect(asked[0]).toBe('kafka.example');
    expect(client.metadata.brokers.size).toBe(1);
  });

  it('says every address and every reason when there is no good one', async () => {
    const [one, two] = [await vacant(), await vacant()];
    const clock = new ManualClock();
    const settings = settingsOf([one, two, { host: 'nowhere.example', port: 9092 }, { host: 'many.example', port: one.port }]);
    const lookup = async (host: string): Promise<readonly string[]> =>
      host === 'many.example' ? ['127.0.0.2', '127.0.0.3'] : unknownHost(host);
    const connecting = failure(Cluster.connect(settings, portsOf(clock, { lookup }), { timeoutMs: 50 }));
    const error = await connecting;
    expect(error).toMatchObject({ code: 'KLINK_CONNECT', retriable: true });
    expect(error.message).toContain(
      `The source cluster cannot be reached at 127.0.0.1:${one.port}, 127.0.0.1:${two.port}, nowhere.example:9092, many.example:${one.port}: `,
    );
    expect(error.message).toContain(`Cannot connect to 127.0.0.1:${one.port}: connect ECONNREFUSED`);
    expect(error.message).toContain(`Cannot connect to 127.0.0.1:${two.port}: connect ECONNREFUSED`);
    expect(error.message).toContain(
      'The name nowhere.example cannot be resolved (getaddrinfo ENOTFOUND nowhere.example): check it and the DNS',
    );
    expect(error.message).toContain(`many.example:${one.port} (127.0.0.2): connect ECONNREFUSED`);
    expect(error.message).toContain(`many.example:${one.port} (127.0.0.3): connect ECONNREFUSED`);
    expect(clock.pending).toBe(0);
  });

  it('goes on until a broker comes up, or the time is over', async () => {
    const { port } = await vacant();
    const script = new ScriptedCluster();
    endings.push(() => script.stop());
    const { clock } = script;
    const settings = settingsOf([{ host: '127.0.0.1', port }]);
    const connecting = Cluster.connect(settings, portsOf(clock), { timeoutMs: 10_000 });
    // The deadline, and the wait before the second attempt.
    await clock.timers(2);
    await script.startBroker(1, OFFER, port);
    await clock.advance(100);
    const client = await connecting;
    await client.close();

    await script.broker(1).close();
    const hopeless = failure(Cluster.connect(settings, portsOf(clock), { timeoutMs: 1_000 }));
    expect(await clock.passUntil(hopeless)).toMatchObject({ code: 'KLINK_CONNECT', message: expect.stringContaining('ECONNREFUSED') });
    expect(clock.pending).toBe(0);
  });

  it('ends by its own time when nobody answers, though opening might take longer', async () => {
    const mute = await silent();
    const clock = new ManualClock();
    const settings = settingsOf([{ host: '127.0.0.1', port: mute.port }]);
    const connecting = failure(Cluster.connect(settings, portsOf(clock), { timeoutMs: 2_000 }));
    const peer = await mute.nextPeer();
    await peer.next();
    await clock.advance(2_000);
    expect(await connecting).toMatchObject({
      code: 'KLINK_CONNECT',
      message: `Reaching the source cluster at 127.0.0.1:${mute.port} took longer than 2000 ms`,
    });
    await peer.gone;
    expect(clock.pending).toBe(0);
  });

  it('does not try again what will never be a broker, but does when another address may come back', async () => {
    const web = createServer((socket) => void socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n')));
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    endings.push(() => new Promise((resolve) => web.close(resolve)));
    const address = { host: '127.0.0.1', port: (web.address() as { port: number }).port };
    const clock = new ManualClock();
    const fatal = await failure(Cluster.connect(settingsOf([address]), portsOf(clock), { timeoutMs: 10_000 }));
    expect(fatal).toMatchObject({ code: 'KLINK_MALFORMED', retriable: false, message: expect.stringContaining('HTTP server') });
    expect(fatal.message).toContain('The source cluster cannot be reached at');

    const mixed = await failure(Cluster.connect(settingsOf([address, await vacant()]), portsOf(clock), { timeoutMs: 50 }));
    expect(mixed).toMatchObject({ code: 'KLINK_CONNECT', retriable: true, message: expect.stringContaining('HTTP server') });
    expect(clock.pending).toBe(0);
  });

  it('ends with its signal, whether it waits for an address, for a name or for the next attempt', async () => {
    const mute = await silent();
    const clock = new ManualClock();
    const reason = new LinkError('KLINK_CLOSED', 'enough');
    for (const [host, port, lookup] of [
      ['127.0.0.1', mute.port, async (name: string) => [name]],
      ['slow.example', 9092, () => new Promise<never>(() => {})],
      ['127.0.0.1', (await vacant()).port, async (name: string) => [name]],
    ] as const) {
      const controller = new AbortController();
      const options = { timeoutMs: 60_000, signal: controller.signal };
      const connecting = failure(Cluster.connect(settingsOf([{ host, port }]), portsOf(clock, { lookup }), options));
      await clock.timers(2);
      controller.abort(reason);
      expect(await connecting).toBe(reason);
      await settled();
      expect(clock.pending).toBe(0);
    }
  });

  it('does not wait for ever for a resolver', async () => {
    const clock = new ManualClock();
    const settings = settingsOf([{ host: 'slow.example', port: 9092 }], { connectTimeoutMs: 500 });
    const lookup = (): Promise<never> => new Promise(() => {});
    const connecting = failure(Cluster.connect(settings, portsOf(clock, { lookup }), { timeoutMs: 550 }));
    await clock.advance(550);
    expect(await connecting).toMatchObject({ code: 'KLINK_CONNECT', message: expect.stringContaining('lookup of the name slow.example') });
    expect(clock.pending).toBe(0);
  });

  it('says so when the cluster answers but advertises addresses that lead nowhere', async () => {
    const script = await started([1]);
    script.metadata = { ...script.metadata, brokers: [{ nodeId: 1, host: 'inside.example', port: 9092 }] };
    const client = await script.connect({}, { lookup: unknownHost });
    const error = await failure(client.send(Heartbeat, BEAT, { broker: 1 }));
    expect(error).toMatchObject({ code: 'KLINK_CONNECT', retriable: true });
    expect(error.message).toMatch(
      /^Broker 1 of the source cluster, which advertises inside\.example:9092, cannot be reached: The name inside/,
    );
  });

  it('waits for a cluster that knows no brokers yet, and does not take that for an answer later', async () => {
    const script = await started([1]);
    script.metadata = { ...script.metadata, brokers: [] };
    const connecting = script.connect();
    await until(() => script.count(Metadata) === 1);
    script.tellOf([1]);
    const client = await script.clock.passUntil(connecting);
    script.metadata = { ...script.metadata, brokers: [] };
    const empty = {
      code: 'KLINK_CONNECT',
      retriable: true,
      message: expect.stringContaining('knows no brokers of the source cluster yet'),
    };
    expect(await failure(client.refreshMetadata([]))).toMatchObject(empty);
    expect([...client.metadata.brokers.keys()]).toEqual([1]);
  });
});
