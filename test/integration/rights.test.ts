/** The rights that the README names are what a link needs: with them and no others it does all it has to, and without any of them it says so. */
import { once } from 'node:events';
import { createLink, LinkError, type WarningEvent } from 'kafka-link';
import { CreateAcls, CreatePartitions, DeleteAcls, IncrementalAlterConfigs } from 'kafka-link/protocol';
import { startCluster, type TestCluster } from 'kafka-link/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readPage } from '../unit/docs/pages.ts';
import { RawClient } from './testing/raw-client.ts';

const TOPIC = 2;
const LITERAL = 3;
const ALLOW = 3;
const PRINCIPAL = 'User:kafka-link-dr';
const OPERATIONS: Readonly<Record<string, number>> = {
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
};
const SUPER = { authorizer: { superUsers: ['User:root'] } };

interface Right {
  readonly side: string;
  readonly topic: string;
  readonly operation: string;
}

/** The table under "Requirements", as single rights on topics. The rest of it is for certain logs and for syncs. */
const rightsOfReadme = (): Right[] =>
  [...readPage('README.md').matchAll(/^\| (source|destination) \| (.+?) \| (.+) \|$/gm)].flatMap(
    ({ 1: side = '', 2: resource = '', 3: list = '' }) => {
      if (resource === 'cluster') return [];
      const topic = /`(.+)`/.exec(resource)?.[1] ?? 'orders';
      return [...list.matchAll(/\b[A-Z]+(?:_[A-Z]+)*\b/g)].map(([operation]) => ({ side, topic, operation }));
    },
  );

let source: TestCluster;
let destination: TestCluster;
beforeEach(async () => {
  source = await startCluster({ ...SUPER, topics: { orders: {} } });
  destination = await startCluster(SUPER);
  await source.log('orders').append([{ value: 'first' }]);
});
afterEach(() => Promise.all([source.stop(), destination.stop()]));

const grant = async (rights: readonly Right[]): Promise<void> => {
  for (const cluster of [source, destination]) {
    await using root = await RawClient.to(cluster.bootstrap[0]!, 'root');
    const creations = rights
      .filter(({ side }) => (side === 'source') === (cluster === source))
      .map(({ topic, operation }) => ({
        resourceType: TOPIC,
        resourceName: topic,
        resourcePatternType: LITERAL,
        principal: PRINCIPAL,
        host: '*',
        operation: OPERATIONS[operation]!,
        permissionType: ALLOW,
      }));
    const { results } = await root.ask(CreateAcls, 2, { creations });
    expect(results.every(({ errorCode }) => errorCode === 0)).toBe(true);
  }
};

const revoke = async ({ side, topic, operation }: Right): Promise<void> => {
  await using root = await RawClient.to((side === 'source' ? source : destination).bootstrap[0]!, 'root');
  const filter = {
    resourceTypeFilter: TOPIC,
    resourceNameFilter: topic,
    patternTypeFilter: LITERAL,
    principalFilter: PRINCIPAL,
    hostFilter: null,
    operation: OPERATIONS[operation]!,
    permissionType: ALLOW,
  };
  const { filterResults } = await root.ask(DeleteAcls, 2, { filters: [filter] });
  expect(filterResults[0]?.matchingAcls).toHaveLength(1);
};

/** Some rights are used when a link and its mirrors are made, others when it goes on. */
const isForNewLinks = ({ topic, operation }: Right): boolean =>
  operation === 'CREATE' || operation === 'ALTER' || (operation === 'WRITE' && topic === '__kafka_link');

const start = () =>
  createLink({
    name: 'dr',
    source: { bootstrap: source.bootstrap },
    destination: { bootstrap: destination.bootstrap },
    topics: ['orders'],
    settings: { metadataMaxAgeMs: 100, requestTimeoutMs: 1_000 },
  });

describe('rights', () => {
  it('are all read from the README', () => {
    const rights = rightsOfReadme();
    expect(rights).toHaveLength(11);
    for (const { operation } of rights) expect(OPERATIONS).toHaveProperty(operation);
  });

  it('are enough to start, to mirror, to follow new partitions and to set configs back', async () => {
    await grant(rightsOfReadme());
    {
      await using link = await start();
      await link.caughtUp({ timeoutMs: 5_000 });
      await using root = await RawClient.to(source.bootstrap[0]!, 'root');
      await root.ask(CreatePartitions, 2, {
        topics: [{ name: 'orders', count: 2, assignments: null }],
        timeoutMs: 1_000,
        validateOnly: false,
      });
      await source.log('orders', 1).append([{ value: 'in a new partition' }]);
      await expect.poll(() => destination.partitionCount('orders')).toBe(2);
      await destination.log('orders', 1).until(({ endOffset }) => endOffset === 1n);
    }
    await using root = await RawClient.to(destination.bootstrap[0]!, 'root');
    const configs = [{ name: 'retention.ms', configOperation: 0, value: '1000' }];
    await root.ask(IncrementalAlterConfigs, 1, {
      resources: [{ resourceType: TOPIC, resourceName: 'orders', configs }],
      validateOnly: false,
    });
    await using link = await start();
    await link.caughtUp({ timeoutMs: 5_000 });
    expect(destination.topicConfigs('orders').get('retention.ms')).toBe('-1');
  });

  it('are enough to repair a mirror, and without one of those that it takes nothing is changed', async () => {
    await grant(rightsOfReadme());
    await using link = await start();
    await link.caughtUp({ timeoutMs: 5_000 });
    await destination.log('orders').append([{ value: 'foreign' }]);
    await expect.poll(() => link.mirror('orders').state, { timeout: 5_000 }).toBe('FAILED');
    const id = destination.topicId('orders');
    for (const operation of ['DELETE', 'CREATE'] as const) {
      const right = { side: 'destination', topic: 'orders', operation };
      await revoke(right);
      const [refused] = await link.repair(['orders'], { acceptLoss: true });
      expect(refused!.error?.code, operation).toBe('KLINK_AUTH');
      const spelled = operation === 'DELETE' ? 'Delete' : 'Create';
      expect(refused!.error?.message).toContain(
        `kafka-acls --bootstrap-server ${destination.bootstrap.join(',')} --add --allow-principal 'User:<of the link>' --operation ${spelled} --topic 'orders'`,
      );
      expect(link.mirror('orders')).toMatchObject({ state: 'FAILED', repair: null });
      await grant([right]);
    }
    expect(destination.topicId('orders')).toBe(id);
    expect(await link.repair(['orders'], { acceptLoss: true })).toMatchObject([{ error: null }]);
    await link.caughtUp({ timeoutMs: 5_000 });
    expect(destination.topicId('orders')).not.toBe(id);
    expect(destination.log('orders').endOffset).toBe(1n);
  });

  it.each(rightsOfReadme())('are needed: $operation on $topic of the $side', async (right) => {
    await grant(rightsOfReadme());
    if (!isForNewLinks(right)) {
      await using link = await start();
      await link.caughtUp({ timeoutMs: 5_000 });
    }
    await revoke(right);
    await source.log('orders').append([{ value: 'second' }]);
    const said = await complaint(right);
    expect(said.code).toBe('KLINK_AUTH');
    expect(said.message).toMatch(new RegExp(`${right.topic}|on its mirror topics`));
  });
});

/** Why the link does not start, or what it warns of. */
const complaint = async ({ operation }: Right): Promise<LinkError> => {
  try {
    await using link = await start();
    const warned = once(link, 'warning');
    if (operation === 'ALTER') {
      await using root = await RawClient.to(source.bootstrap[0]!, 'root');
      await root.ask(CreatePartitions, 2, {
        topics: [{ name: 'orders', count: 3, assignments: null }],
        timeoutMs: 1_000,
        validateOnly: false,
      });
    }
    if (operation === 'DELETE') await source.log('orders').deleteRecords(1n);
    const [{ error }] = (await warned) as [WarningEvent];
    return error;
  } catch (error) {
    if (LinkError.is(error)) return error;
    throw error;
  }
};
