/** Which ACLs are added and removed, by example. */
import { describe, expect, it } from 'vitest';
import { aclText } from '../../../../src/link/tasks/acl-admin.ts';
import { type AclBinding, planAcls } from '../../../../src/link/tasks/plan-acls.ts';

const [TOPIC, GROUP, CLUSTER] = [2, 3, 4];
const [LITERAL, PREFIXED] = [3, 4];
const [READ, WRITE] = [3, 4];
const [DENY, ALLOW] = [2, 3];

const acl = (given: Partial<AclBinding> = {}): AclBinding => ({
  resourceType: TOPIC!,
  resourceName: 'orders',
  patternType: LITERAL!,
  principal: 'User:ann',
  host: '*',
  operation: READ!,
  permissionType: ALLOW!,
  ...given,
});
const everything = (): boolean => true;

describe('inside the region', () => {
  it('what is missing is added, what is too much is removed, what is equal is left', () => {
    const [kept, added, removed] = [acl(), acl({ principal: 'User:bob' }), acl({ principal: 'User:eve' })];
    const plan = planAcls({ source: [kept, added], destination: [removed, kept], selects: everything, mode: 'add-and-remove' });
    expect(plan).toEqual({ creates: [added], deletes: [removed], same: 1 });
  });

  it('nothing is removed when things may only be added', () => {
    const plan = planAcls({ source: [], destination: [acl()], selects: everything, mode: 'add-only' });
    expect(plan).toEqual({ creates: [], deletes: [], same: 0 });
  });

  it.each<Partial<AclBinding>>([
    { resourceType: GROUP! },
    { resourceName: 'orders2' },
    { patternType: PREFIXED! },
    { principal: 'User:*' },
    { host: '10.0.0.1' },
    { operation: WRITE! },
    { permissionType: DENY! },
  ])('an ACL that differs in %j is another one', (difference) => {
    const plan = planAcls({ source: [acl()], destination: [acl(difference)], selects: everything, mode: 'add-and-remove' });
    expect(plan).toMatchObject({ creates: [acl()], deletes: [acl(difference)] });
  });

  it('denials come first and go last, so that no right is there in between that nobody gave', () => {
    const [deny, allow] = [acl({ permissionType: DENY! }), acl()];
    expect(planAcls({ source: [allow, deny], destination: [], selects: everything, mode: 'add-only' }).creates).toEqual([deny, allow]);
    expect(planAcls({ source: [], destination: [deny, allow], selects: everything, mode: 'add-and-remove' }).deletes).toEqual([
      allow,
      deny,
    ]);
  });
});

it('outside of it nothing is copied and nothing is touched', () => {
  const selects = ({ resourceName }: AclBinding): boolean => resourceName.startsWith('orders');
  const [theirs, ours] = [acl({ resourceName: 'secret' }), acl({ resourceName: 'local' })];
  expect(planAcls({ source: [theirs], destination: [ours], selects, mode: 'add-and-remove' })).toEqual({
    creates: [],
    deletes: [],
    same: 0,
  });
});

it.each([
  [acl(), 'ALLOW READ on topic orders to User:ann from *'],
  [acl({ patternType: PREFIXED!, permissionType: DENY!, operation: 2 }), 'DENY ALL on topic orders* to User:ann from *'],
  [
    acl({ resourceType: CLUSTER!, resourceName: 'kafka-cluster', operation: 12 }),
    'ALLOW IDEMPOTENT_WRITE on cluster kafka-cluster to User:ann from *',
  ],
  [acl({ resourceType: 99, operation: 98 }), 'ALLOW operation 98 on resource type 99 orders to User:ann from *'],
])('reads as people write it', (binding, text) => {
  expect(aclText(binding)).toBe(text);
});
