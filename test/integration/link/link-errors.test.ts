/** Why a source cannot be reached, in the product's words, from the errors that the client really has for it. */
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/client/clock.ts';
import { Cluster, type ClusterPorts } from '../../../src/client/cluster.ts';
import type { Endpoint } from '../../../src/client/transport.ts';
import { openTcp } from '../../../src/client/transport.ts';
import { LinkError } from '../../../src/errors.ts';
import { type LinkErrorName, linkErrorOf } from '../../../src/link/states/link-states.ts';
import { ScriptedBroker } from '../../support/scripted-broker.ts';
import { settingsOf } from '../client/scripted-cluster.ts';

const brokers: ScriptedBroker[] = [];
afterEach(async () => {
  for (const broker of brokers.splice(0)) await broker.close();
});

const linkErrorAt = async (bootstrap: readonly Endpoint[], ports: Partial<ClusterPorts> = {}): Promise<LinkErrorName> => {
  const settings = settingsOf(bootstrap, { connectTimeoutMs: 200, requestTimeoutMs: 1_000 });
  const cluster = Cluster.open(settings, { clock: systemClock, random: () => 0.5, openTransport: openTcp, ...ports });
  try {
    await cluster.refreshMetadata([]);
    throw new Error('the cluster can be reached');
  } catch (error) {
    if (!LinkError.is(error)) throw error;
    return linkErrorOf(error);
  } finally {
    await cluster.close();
  }
};

const endpointOf = (broker: ScriptedBroker): Endpoint => ({ host: '127.0.0.1', port: broker.port });
const vacant = async (): Promise<Endpoint> => {
  const broker = await ScriptedBroker.listen();
  await broker.close();
  return endpointOf(broker);
};
const unknownHost = async (host: string): Promise<readonly string[]> => {
  if (/^[\d.]+$/.test(host)) return [host];
  throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' });
};

describe('link_error', () => {
  it('nobody listens', async () => {
    expect(await linkErrorAt([await vacant(), await vacant()])).toBe('BOOTSTRAP_TCP_CONNECTION_FAILED_ERROR');
  });

  it('no name can be resolved', async () => {
    const bootstrap = [
      { host: 'nowhere.example', port: 9092 },
      { host: 'neither.example', port: 9092 },
    ];
    expect(await linkErrorAt(bootstrap, { lookup: unknownHost })).toBe('UNRESOLVABLE_BOOTSTRAP_ERROR');
  });

  it('somebody listens and never answers', async () => {
    const mute = await ScriptedBroker.listen();
    brokers.push(mute);
    expect(await linkErrorAt([endpointOf(mute)])).toBe('TIMEOUT_ERROR');
  });
});
