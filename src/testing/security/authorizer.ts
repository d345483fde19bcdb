/** The authorizer of an embedded cluster: keeps the ACLs and decides who may do what. */
import { type Acl, type AclFilter, type Attempt, isAllowed, matchesFilter } from './acl.ts';

/** Turns authorization on. */
export interface AuthorizerOptions {
  /** Principals that may do everything, as in `super.users`. */
  readonly superUsers?: readonly string[];
  /** Who a client is. There is no SASL here, so by default the client id names it: `User:<client id>`. */
  readonly principalOf?: (clientId: string | null) => string;
  /** `allow.everyone.if.no.acl.found`; default false. */
  readonly allowEveryoneIfNoAclFound?: boolean;
}

const byClientId = (clientId: string | null): string => `User:${clientId ?? 'ANONYMOUS'}`;

export class Authorizer {
  readonly principalOf: (clientId: string | null) => string;
  readonly #superUsers: ReadonlySet<string>;
  readonly #otherwise: boolean;
  #acls: readonly Acl[] = [];

  constructor({ superUsers = [], principalOf = byClientId, allowEveryoneIfNoAclFound = false }: AuthorizerOptions) {
    this.principalOf = principalOf;
    this.#superUsers = new Set(superUsers);
    this.#otherwise = allowEveryoneIfNoAclFound;
  }

  allows(attempt: Attempt): boolean {
    return this.#superUsers.has(attempt.principal) || isAllowed(this.#acls, attempt, this.#otherwise);
  }

  /** Adds an entry; one that is there already is not added twice. */
  add(acl: Acl): void {
    const same = this.#acls.some((other) => (Object.keys(acl) as (keyof Acl)[]).every((key) => other[key] === acl[key]));
    if (!same) this.#acls = [...this.#acls, acl];
  }

  find(filter: AclFilter): readonly Acl[] {
    return this.#acls.filter((acl) => matchesFilter(acl, filter));
  }

  /** Removes what matches and returns it. */
  remove(filter: AclFilter): readonly Acl[] {
    const removed = this.find(filter);
    this.#acls = this.#acls.filter((acl) => !removed.includes(acl));
    return removed;
  }
}
