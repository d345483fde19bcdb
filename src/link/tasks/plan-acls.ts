/** What has to change in the ACLs of the destination so that, inside a region, they are those of the source. Pure. */

/** One ACL, in the codes of the wire: see protocol/messages/describe-acls.ts. */
export interface AclBinding {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly patternType: number;
  readonly principal: string;
  readonly host: string;
  readonly operation: number;
  readonly permissionType: number;
}

/**
 * - `add-and-remove`: the region is owned; what the source does not have there is removed, as the product does.
 * - `add-only`: what somebody else has added there stays.
 */
export type AclSyncMode = 'add-only' | 'add-and-remove';

export interface AclFacts {
  readonly source: readonly AclBinding[];
  readonly destination: readonly AclBinding[];
  /** The region: ACLs outside are neither copied nor touched. */
  readonly selects: (binding: AclBinding) => boolean;
  readonly mode: AclSyncMode;
}

/** Applied in this order, nobody has a right in between that he has neither before nor after. */
export interface AclPlan {
  /** To be added first; denials before what they take back. */
  readonly creates: readonly AclBinding[];
  /** To be removed then; permissions before the denials that limit them. */
  readonly deletes: readonly AclBinding[];
  /** ACLs of the region that both clusters have. */
  readonly same: number;
}

/** Equal for equal ACLs alone. Principals and names may contain anything. */
const keyOf = ({ resourceType, resourceName, patternType, principal, host, operation, permissionType }: AclBinding): string =>
  JSON.stringify([resourceType, resourceName, patternType, principal, host, operation, permissionType]);

const region = (bindings: readonly AclBinding[], selects: AclFacts['selects']): ReadonlyMap<string, AclBinding> =>
  new Map(bindings.filter(selects).map((binding) => [keyOf(binding), binding]));

/** The differences inside the region, and nothing else: applied, the same facts give an empty plan. */
export const planAcls = ({ source, destination, selects, mode }: AclFacts): AclPlan => {
  const [theirs, ours] = [region(source, selects), region(destination, selects)];
  const without = (all: ReadonlyMap<string, AclBinding>, others: ReadonlyMap<string, AclBinding>): AclBinding[] =>
    [...all].filter(([key]) => !others.has(key)).map(([, binding]) => binding);
  const creates = without(theirs, ours);
  const deletes = mode === 'add-only' ? [] : without(ours, theirs);
  const denyFirst = (a: AclBinding, b: AclBinding): number => a.permissionType - b.permissionType;
  return { creates: creates.sort(denyFirst), deletes: deletes.sort(denyFirst).reverse(), same: theirs.size - creates.length };
};
