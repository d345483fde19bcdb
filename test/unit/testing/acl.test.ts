/** What a set of ACLs allows, and what a filter finds. */
import { describe, expect, it } from 'vitest';
import {
  type Acl,
  isAllowed,
  matchesFilter,
  OPERATIONS,
  PATTERN_TYPES,
  PERMISSIONS,
  RESOURCE_TYPES,
} from '../../../src/testing/security/acl.ts';

const acl = (changes: Partial<Acl> = {}): Acl => ({
  resourceType: RESOURCE_TYPES.topic,
  resourceName: 'orders',
  patternType: PATTERN_TYPES.literal,
  principal: 'User:link',
  host: '*',
  operation: OPERATIONS.read,
  permissionType: PERMISSIONS.allow,
  ...changes,
});
const attempt = (operation: keyof typeof OPERATIONS, resourceName = 'orders', principal = 'User:link', host = '127.0.0.1') => ({
  principal,
  host,
  operation: OPERATIONS[operation],
  resourceType: RESOURCE_TYPES.topic,
  resourceName,
});

describe('isAllowed', () => {
  it.each([
    ['the same operation', [acl()], attempt('read'), true],
    ['another operation', [acl()], attempt('write'), false],
    ['READ includes DESCRIBE', [acl()], attempt('describe'), true],
    ['ALTER_CONFIGS includes DESCRIBE_CONFIGS', [acl({ operation: OPERATIONS.alterConfigs })], attempt('describeConfigs'), true],
    ['CREATE does not include DESCRIBE', [acl({ operation: OPERATIONS.create })], attempt('describe'), false],
    ['ALL includes everything', [acl({ operation: OPERATIONS.all })], attempt('delete'), true],
    ['another principal', [acl()], attempt('read', 'orders', 'User:other'), false],
    ['everyone', [acl({ principal: 'User:*' })], attempt('read', 'orders', 'User:other'), true],
    ['another host', [acl({ host: '10.0.0.1' })], attempt('read'), false],
    ['a prefix', [acl({ resourceName: 'ord', patternType: PATTERN_TYPES.prefixed })], attempt('read'), true],
    ['a prefix is none when literal', [acl({ resourceName: 'ord' })], attempt('read'), false],
    ['the wildcard', [acl({ resourceName: '*' })], attempt('read', 'anything'), true],
    ['deny beats allow', [acl(), acl({ permissionType: PERMISSIONS.deny })], attempt('read'), false],
    ['deny of READ leaves DESCRIBE', [acl(), acl({ permissionType: PERMISSIONS.deny })], attempt('describe'), true],
    [
      'deny ALL denies everything',
      [acl(), acl({ permissionType: PERMISSIONS.deny, operation: OPERATIONS.all })],
      attempt('describe'),
      false,
    ],
    ['another resource type', [acl({ resourceType: RESOURCE_TYPES.group })], attempt('read'), false],
  ] as const)('%s', (_name, acls, wanted, expected) => {
    expect(isAllowed(acls, wanted, false)).toBe(expected);
  });

  it('without any entry for the resource the setting counts', () => {
    expect(isAllowed([], attempt('read'), true)).toBe(true);
    expect(isAllowed([acl()], attempt('read', 'other'), true)).toBe(true);
    expect(isAllowed([acl()], attempt('write'), true)).toBe(false);
  });
});

describe('matchesFilter', () => {
  const everything = {
    resourceTypeFilter: RESOURCE_TYPES.any,
    resourceNameFilter: null,
    patternTypeFilter: PATTERN_TYPES.any,
    principalFilter: null,
    hostFilter: null,
    operation: OPERATIONS.any,
    permissionType: PERMISSIONS.any,
  };
  const prefixed = acl({ resourceName: 'ord', patternType: PATTERN_TYPES.prefixed });

  it.each([
    ['everything', {}, acl(), true],
    ['a name', { resourceNameFilter: 'orders' }, acl(), true],
    ['a name finds no prefix', { resourceNameFilter: 'orders' }, prefixed, false],
    ['MATCH finds what applies to a name', { resourceNameFilter: 'orders', patternTypeFilter: PATTERN_TYPES.match }, prefixed, true],
    ['a pattern type', { patternTypeFilter: PATTERN_TYPES.literal }, prefixed, false],
    ['a principal', { principalFilter: 'User:other' }, acl(), false],
    ['an operation', { operation: OPERATIONS.write }, acl(), false],
    ['a permission', { permissionType: PERMISSIONS.deny }, acl(), false],
    ['a type', { resourceTypeFilter: RESOURCE_TYPES.group }, acl(), false],
    ['a host', { hostFilter: '10.0.0.1' }, acl(), false],
  ] as const)('%s', (_name, filter, entry, expected) => {
    expect(matchesFilter(entry, { ...everything, ...filter })).toBe(expected);
  });
});
