/** The task `AclSync` between embedded clusters with authorizers. */
import { describe, expect, it } from 'vitest';
import { describeAcls } from '../../../../src/link/tasks/acl-admin.ts';
import { AclSync } from '../../../../src/link/tasks/acl-sync.ts';
import type { AclBinding, AclSyncMode } from '../../../../src/link/tasks/plan-acls.ts';
import { CreateAcls } from '../../../../src/protocol/messages/create-acls.ts';
import { DeleteAcls } from '../../../../src/protocol/messages/delete-acls.ts';
import { Bench, never } from './bench.ts';

const SECURED = { authorizer: { superUsers: ['User:root', 'User:kafka-link'] } };

const acl = (resourceName: string, given: Partial<AclBinding> = {}): AclBinding => ({
  resourceType: 2,
  resourceName,
  patternType: 3,
  principal: 'User:ann',
  host: '*',
  operation: 3,
  permissionType: 3,
  ...given,
});

const add = async (bench: Bench, side: 'source' | 'destination', ...bindings: readonly AclBinding[]): Promise<void> => {
  const creations = bindings.map(({ patternType: resourcePatternType, ...rest }) => ({ resourcePatternType, ...rest }));
  await bench.root[side].send(CreateAcls, { creations }, 'controller');
};
const sorted = (all: readonly AclBinding[]): readonly string[] => all.map((one) => JSON.stringify(one, Object.keys(one).sort())).sort();
const listing = async (bench: Bench): Promise<readonly string[]> => sorted(await describeAcls(bench.root.destination, never));

const syncOf = (
  { source, destination }: Bench,
  selects: (binding: AclBinding) => boolean = () => true,
  mode: AclSyncMode = 'add-and-remove',
): AclSync => new AclSync({ source, destination, selects, mode, prefix: null });

describe('a run', () => {
  it('adds what is missing and removes what the source has no more, and then there is nothing to do', async () => {
    await using bench = await Bench.open({ source: SECURED, destination: SECURED });
    const all = [
      acl('orders'),
      acl('orders', { patternType: 4 }),
      acl('group', { resourceType: 3, permissionType: 2 }),
      acl('kafka-cluster', { resourceType: 4, operation: 12, host: '10.0.0.1' }),
    ];
    await add(bench, 'source', ...all);
    await add(bench, 'destination', acl('orders'), acl('old', { principal: 'User:eve' }));
    expect(await bench.run(syncOf(bench))).toEqual({ counts: { same: 1, added: 3, deleted: 1 }, errors: [] });
    expect(await listing(bench)).toEqual(sorted(all));
    const writes = await bench.count('destination', CreateAcls, async () => {
      const deletes = await bench.count('destination', DeleteAcls, async () => {
        expect(await bench.run(syncOf(bench))).toEqual({ counts: { same: 4, added: 0, deleted: 0 }, errors: [] });
      });
      expect(deletes).toBe(0);
    });
    expect(writes).toBe(0);
  });

  it('touches nothing outside of its region', async () => {
    await using bench = await Bench.open({ source: SECURED, destination: SECURED });
    const outside = [acl('local'), acl('local', { patternType: 4 }), acl('orders', { resourceType: 3 })];
    await add(bench, 'source', acl('orders'), acl('secret'));
    // One that is covered by a pattern of the same name, and one that covers it.
    await add(bench, 'destination', ...outside, acl('orders-old'), acl('*'));
    const selects = ({ resourceType, resourceName }: AclBinding): boolean => resourceType === 2 && resourceName.startsWith('orders');
    const plan = await syncOf(bench, selects).plan(never);
    expect(plan).toEqual({ creates: [acl('orders')], deletes: [acl('orders-old')], same: 0 });
    await bench.run(syncOf(bench, selects));
    expect(await listing(bench)).toEqual(sorted([...outside, acl('*'), acl('orders')]));
  });

  it('removes nothing when it may only add', async () => {
    await using bench = await Bench.open({ source: SECURED, destination: SECURED });
    await add(bench, 'source', acl('orders'));
    await add(bench, 'destination', acl('mine'));
    await bench.run(syncOf(bench, undefined, 'add-only'));
    expect(await listing(bench)).toEqual(sorted([acl('mine'), acl('orders')]));
  });

  it('moves thousands of them', async () => {
    await using bench = await Bench.open({ source: SECURED, destination: SECURED });
    const all = Array.from({ length: 1_200 }, (_, i) => acl(`topic-${i}`));
    await add(bench, 'source', ...all);
    const requests = await bench.count('destination', CreateAcls, async () => {
      expect((await bench.run(syncOf(bench))).counts).toEqual({ same: 0, added: 1_200, deleted: 0 });
    });
    expect(requests).toBe(3);
    expect(await listing(bench)).toEqual(sorted(all));
  });
});

it('a plan changes nothing', async () => {
  await using bench = await Bench.open({ source: SECURED, destination: SECURED });
  await add(bench, 'source', acl('orders'));
  await add(bench, 'destination', acl('old'));
  expect(await syncOf(bench).plan(never)).toEqual({ creates: [acl('orders')], deletes: [acl('old')], same: 0 });
  expect(await listing(bench)).toEqual(sorted([acl('old')]));
});

describe('is refused', () => {
  it('for a link with a prefix', () => {
    const nowhere = {} as Bench['source'];
    const options = { source: nowhere, destination: nowhere, selects: () => true, mode: 'add-only', prefix: 'west.' } as const;
    expect(() => new AclSync(options)).toThrow(
      expect.objectContaining({ code: 'KLINK_CONFIG', message: expect.stringContaining('west.') }),
    );
  });

  it.each(['source', 'destination'] as const)('when the %s has no authorizer', async (side) => {
    await using bench = await Bench.open({ source: SECURED, destination: SECURED, [side]: {} });
    await expect(bench.run(syncOf(bench))).rejects.toMatchObject({
      brokerName: 'SECURITY_DISABLED',
      message: expect.stringContaining(`the ${side} has none`),
    });
  });

  it.each(['source', 'destination'] as const)('without DESCRIBE on the cluster of the %s', async (side) => {
    await using bench = await Bench.open({ source: SECURED, destination: SECURED, [side]: { authorizer: { superUsers: ['User:root'] } } });
    await expect(bench.run(syncOf(bench))).rejects.toMatchObject({
      code: 'KLINK_AUTH',
      message: expect.stringContaining(`DESCRIBE on the cluster of the ${side}`),
    });
  });

  it('without ALTER on the cluster of the destination, for each ACL', async () => {
    await using bench = await Bench.open({ source: SECURED, destination: { authorizer: { superUsers: ['User:root'] } } });
    const mayDescribe = acl('kafka-cluster', { resourceType: 4, operation: 8, principal: 'User:kafka-link' });
    await add(bench, 'destination', mayDescribe);
    await add(bench, 'source', acl('orders'), mayDescribe);
    const { counts, errors } = await bench.run(syncOf(bench));
    expect(counts).toEqual({ same: 1, added: 0, deleted: 0 });
    expect(errors).toMatchObject([
      {
        code: 'AUTHORIZATION_ERROR',
        subject: 'ALLOW READ on topic orders to User:ann from *',
        message: expect.stringContaining('ALTER on the cluster of the destination'),
      },
    ]);
  });
});
