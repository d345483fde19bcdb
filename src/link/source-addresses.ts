/** New addresses of a source: asked which cluster they lead to, before anything is changed. */

import { limit } from '../client/clock.ts';
import type { Cluster } from '../client/cluster.ts';
import { summary } from '../client/dial.ts';
import { endpointText } from '../client/transport.ts';
import { LinkError } from '../errors.ts';
import { endpointsOf } from './configs/address.ts';
import type { ConfigProblem } from './configs/config-problem.ts';
import type { ConfigChange } from './configs/config-set.ts';
import { rowOf } from './configs/link-configs.ts';
import { openCluster } from './connect-clusters.ts';
import { Gate } from './gate.ts';
import type { ParsedOptions } from './options.ts';

const { key: NAME } = rowOf('bootstrapServers');
const AT_ONCE = 16;

/** A link without an address of its source cannot be started again. */
export const missingAddresses = (changes: readonly ConfigChange[]): readonly ConfigProblem[] =>
  changes
    .filter(
      (change) => change.name === NAME && (change.op === 'DELETE' || (typeof change.value === 'string' && change.value.trim() === '')),
    )
    .map(({ op }) => ({
      name: NAME,
      path: '',
      value: op === 'DELETE' ? 'to be deleted' : 'empty',
      rule: 'a link needs at least one address of its source',
    }));

/**
 * Asks every address once which cluster it leads to. Those that do not answer are no problem while one does.
 * Resolves with those that lead elsewhere; `expected`: the source of the link, null when that is not known.
 *
 * @throws LinkError as `Cluster.refreshMetadata` when none answers; `KLINK_TIMEOUT`, `KLINK_ABORTED`.
 */
export const foreignAddresses = async (
  options: ParsedOptions,
  addresses: readonly string[],
  expected: string | null,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<readonly ConfigProblem[]> => {
  const wait = limit(options.clock, timeoutMs, 'Asking the new addresses of the source which cluster they lead to', [signal]);
  const gate = new Gate(AT_ONCE);
  try {
    const asked = await Promise.all(
      endpointsOf(addresses).map((endpoint) =>
        gate.run(async () => ({ address: endpointText(endpoint), found: await clusterAt(options, endpoint, wait.signal) })),
      ),
    );
    wait.signal.throwIfAborted();
    const errors = asked.flatMap(({ found }) => (LinkError.is(found) ? [found] : []));
    if (errors.length === asked.length) throw summary(errors, 'The new addresses of the source cannot be used, and nothing was changed');
    return asked.flatMap(({ address, found }) =>
      LinkError.is(found) || found === null || expected === null || found === expected
        ? []
        : [{ name: NAME, path: '', value: address, rule: `it leads to cluster ${found}, but the source of the link is ${expected}` }],
    );
  } finally {
    wait.end();
  }
};

/** The id of the cluster, or why it could not be asked. */
const clusterAt = async (
  options: ParsedOptions,
  endpoint: ReturnType<typeof endpointsOf>[number],
  signal: AbortSignal,
): Promise<string | null | LinkError> => {
  const { clientId } = options.source;
  const alone: Cluster = openCluster('source', { ...options, settings: options.settings, source: { bootstrap: [endpoint], clientId } });
  try {
    await alone.refreshMetadata([], signal);
    return alone.metadata.clusterId;
  } catch (error) {
    return LinkError.from(error);
  } finally {
    await alone.close();
  }
};
