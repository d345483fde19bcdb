/** What a link needs to mirror transactions exactly, right by right: without any of them it says so before it changes anything. */
import { createLink, type LinkConfigOptions } from 'kafka-link';
import { CreateAcls, DescribeConfigs, IncrementalAlterConfigs } from 'kafka-link/protocol';
import { startCluster, type TestCluster } from 'kafka-link/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { RawClient } from '../testing/raw-client.ts';

const RESOURCES = { topic: 2, cluster: 4, transactionalId: 5 } as const;
const OPERATIONS = { read: 3, write: 4, create: 5, alter: 7, describe: 8, describeConfigs: 10, alterConfigs: 11 } as const;
const LITERAL = 3;
const ALLOW = 3;
const BROKER = 4;
const VERIFICATION = 'transaction.partition.verification.enable';

type Right = readonly [resource: keyof typeof RESOURCES, name: string, operation: keyof typeof OPERATIONS];
const CLUSTER = 'kafka-cluster';
const ORDINARY: readonly Right[] = (['read', 'write', 'create', 'alter', 'describe', 'describeConfigs', 'alterConfigs'] as const).flatMap(
  (operation) => [
    ['topic', 'orders', operation],
    ['topic', '__kafka_link', operation],
  ],
);
const MARKERS: Right = ['cluster', CLUSTER, 'alter'];
const TRANSACTIONS: Right = ['transactionalId', 'kafka-link-dr', 'write'];
const LOOK: Right = ['cluster', CLUSTER, 'describeConfigs'];
const SWITCH: Right = ['cluster', CLUSTER, 'alterConfigs'];

let source: TestCluster;
let destination: TestCluster;
beforeEach(async () => {
  source = await startCluster({ topics: { orders: {} } });
  destination = await startCluster({ brokers: 2, release: '4.1', authorizer: { superUsers: ['User:root'] } });
  await source.log('orders').append([{ value: 'first' }]);
});
afterEach(() => Promise.all([source.stop(), destination.stop()]));

/** Each broker answers for its own configs alone. */
const asRoot = async <T>(act: (root: RawClient) => Promise<T>, broker = 1): Promise<T> => {
  await using root = await RawClient.to(destination.bootstrap[broker - 1]!, 'root');
  return await act(root);
};
const grant = (...rights: readonly Right[]): Promise<unknown> =>
  asRoot((root) =>
    root.ask(CreateAcls, 2, {
      creations: rights.map(([resource, resourceName, operation]) => ({
        resourceType: RESOURCES[resource],
        resourceName,
        resourcePatternType: LITERAL,
        principal: 'User:kafka-link-dr',
        host: '*',
        operation: OPERATIONS[operation],
        permissionType: ALLOW,
      })),
    }),
  );
/** At one broker, or by default at all. */
const setVerification = (value: string, broker?: number): Promise<unknown> =>
  asRoot((root) => {
    const configs = [{ name: VERIFICATION, configOperation: 0, value }];
    const resources = [{ resourceType: BROKER, resourceName: broker === undefined ? '' : String(broker), configs }];
    return root.ask(IncrementalAlterConfigs, 1, { resources, validateOnly: false });
  }, broker);
const verificationAt = (broker: number): Promise<string | null | undefined> =>
  asRoot(async (root) => {
    const resources = [{ resourceType: BROKER, resourceName: String(broker), configurationKeys: [VERIFICATION] }];
    return (await root.ask(DescribeConfigs, 4, { resources })).results[0]?.configs[0]?.value;
  }, broker);

const start = (settings: LinkConfigOptions = {}) =>
  createLink({
    name: 'dr',
    source: { bootstrap: source.bootstrap },
    destination: { bootstrap: destination.bootstrap },
    topics: ['orders'],
    settings: { transactions: 'exact', requestTimeoutMs: 1_000, ...settings },
  });
const refusal = async (settings?: LinkConfigOptions): Promise<{ readonly code: string; readonly message: string }> => {
  const error = await start(settings).then(
    (link) => link.close().then(() => ({ code: 'none', message: 'it started' })),
    (thrown) => thrown,
  );
  expect(destination.topics).not.toContain('orders');
  return error;
};

it('are asked for one after the other, each with the command that gives it', async () => {
  await setVerification('false');
  await grant(...ORDINARY);
  expect(await refusal()).toMatchObject({ code: 'KLINK_AUTH', message: expect.stringMatching(/exact.*--operation Alter --cluster/) });
  await grant(MARKERS);
  const message = expect.stringMatching(/'kafka-link-dr'.*--operation Write --transactional-id 'kafka-link-dr'/);
  expect(await refusal()).toMatchObject({ code: 'KLINK_AUTH', message });
  await grant(TRANSACTIONS);
  expect(await refusal()).toMatchObject({ code: 'KLINK_AUTH', message: expect.stringMatching(/DESCRIBE_CONFIGS on the cluster/) });
  await grant(LOOK);
  await using link = await start();
  await link.caughtUp({ timeoutMs: 5_000 });
});

it('with verification on at one broker nothing is started, unless the link is told to switch it off and may', async () => {
  await setVerification('false');
  await setVerification('true', 2);
  await grant(...ORDINARY, MARKERS, TRANSACTIONS, LOOK);
  expect(await refusal()).toMatchObject({ code: 'KLINK_CONFIG', message: expect.stringMatching(/broker 2 of.*kafka-configs\.sh/) });
  const switching = { transactionVerification: 'disable' } as const;
  expect(await refusal(switching)).toMatchObject({ code: 'KLINK_AUTH', message: expect.stringMatching(/ALTER_CONFIGS on the cluster/) });
  await grant(SWITCH);
  // What is set at a broker counts more than the default of all: that is not for a link to change.
  expect(await refusal(switching)).toMatchObject({
    code: 'KLINK_CONFIG',
    message: expect.stringMatching(/broker 2 still.*--delete-config/),
  });
  expect(await verificationAt(2)).toBe('true');
});

it('switches verification off for the whole cluster when it is told to', async () => {
  await grant(...ORDINARY, MARKERS, TRANSACTIONS, LOOK, SWITCH);
  expect(await verificationAt(1)).toBe('true');
  await using link = await start({ transactionVerification: 'disable' });
  expect([await verificationAt(1), await verificationAt(2)]).toEqual(['false', 'false']);
  await link.caughtUp({ timeoutMs: 5_000 });
});

it('needs none of all that with committed transactions', async () => {
  await grant(...ORDINARY);
  await using link = await start({ transactions: 'committed' });
  await link.caughtUp({ timeoutMs: 5_000 });
  expect(link.mirror('orders').fillPolicy).toBe('refuse');
});
