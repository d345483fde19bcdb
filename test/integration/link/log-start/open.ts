/** A client of the destination as a link has it, over an embedded or a real cluster. */
import { systemClock } from '../../../../src/client/clock.ts';
import { Cluster, type ClusterSettings } from '../../../../src/client/cluster.ts';
import { openTcp } from '../../../../src/client/transport.ts';
import { settingsOf } from '../../client/scripted-cluster.ts';

export const connectTo = async (bootstrap: readonly string[], settings: Partial<ClusterSettings> = {}): Promise<Cluster> => {
  const addresses = bootstrap.map((address) => {
    const [host = '', port] = address.split(':');
    return { host, port: Number(port) };
  });
  return Cluster.connect(
    settingsOf(addresses, { role: 'destination', retry: { backoffMs: 5, maxBackoffMs: 50 }, ...settings }),
    { clock: systemClock, random: Math.random, openTransport: openTcp },
    { timeoutMs: 20_000 },
  );
};
