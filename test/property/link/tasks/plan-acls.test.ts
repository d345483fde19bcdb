/** ACL plans against sets of strings: inside the region the source's, outside what was there. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type AclBinding, planAcls } from '../../../../src/link/tasks/plan-acls.ts';

const binding: fc.Arbitrary<AclBinding> = fc.record({
  resourceType: fc.constantFrom(2, 3, 4),
  resourceName: fc.constantFrom('a', 'a"', 'b', '*'),
  patternType: fc.constantFrom(3, 4),
  principal: fc.constantFrom('User:x', 'User:*', 'User:x","y'),
  host: fc.constantFrom('*', '10.0.0.1'),
  operation: fc.integer({ min: 2, max: 5 }),
  permissionType: fc.constantFrom(2, 3),
});
/** As brokers have them: none twice. */
const bindings = fc
  .array(binding, { maxLength: 25 })
  .map((all) => all.filter((one, i) => all.findIndex((other) => text(other) === text(one)) === i));
const text = (acl: AclBinding): string =>
  [acl.resourceType, acl.patternType, acl.operation, acl.permissionType, acl.resourceName, acl.principal, acl.host].join('\u0000');
const texts = (all: readonly AclBinding[]): ReadonlySet<string> => new Set(all.map(text));

const facts = fc.record({
  source: bindings,
  destination: bindings,
  selects: fc.constantFrom<(acl: AclBinding) => boolean>(
    () => true,
    () => false,
    ({ resourceName }) => resourceName === 'a',
    ({ permissionType, principal }) => permissionType === 3 && principal !== 'User:*',
  ),
  mode: fc.constantFrom('add-only' as const, 'add-and-remove' as const),
});

it('inside the region there is what the source has, and with add-only what was there too; outside nothing has changed', () => {
  fc.assert(
    fc.property(facts, ({ source, destination, selects, mode }) => {
      const { creates, deletes, same } = planAcls({ source, destination, selects, mode });
      const removed = texts(deletes);
      const after = [...destination.filter((one) => !removed.has(text(one))), ...creates];
      expect(texts(after).size, 'none is there twice').toBe(after.length);
      const wanted = [...source.filter(selects), ...(mode === 'add-only' ? destination.filter(selects) : [])];
      expect(texts(after.filter(selects))).toEqual(texts(wanted));
      const outside = (one: AclBinding): boolean => !selects(one);
      expect(texts(after.filter(outside))).toEqual(texts(destination.filter(outside)));
      expect(same + creates.length).toBe(texts(source.filter(selects)).size);
      expect(planAcls({ source, destination: after, selects, mode })).toMatchObject({ creates: [], deletes: [] });
    }),
  );
});
