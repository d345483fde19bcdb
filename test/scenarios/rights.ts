/** Takes rights from everybody and gives them back, on a cluster with `allow.everyone.if.no.acl.found`. */
import { BrokerError } from '../../src/client/broker-error.ts';
import type { Cluster } from '../../src/client/cluster.ts';
import { ErrorCode } from '../../src/protocol/error-codes.ts';
import { CreateAcls } from '../../src/protocol/messages/create-acls.ts';
import { DeleteAcls } from '../../src/protocol/messages/delete-acls.ts';
import { DescribeAcls } from '../../src/protocol/messages/describe-acls.ts';

/** Numbers of `ResourceType`, `PatternType`, `AclOperation` and `AclPermissionType`. */
const RESOURCES = { topic: 2, cluster: 4 } as const;
const LITERAL = 3;
const ANY = 1;
const OPERATIONS = { all: 2, read: 3, write: 4, create: 5 } as const;
const PERMISSIONS = { deny: 2, allow: 3 } as const;
const CLUSTER_NAME = 'kafka-cluster';
const PATIENCE_MS = 30_000;

interface Resource {
  readonly type: keyof typeof RESOURCES;
  readonly name: string;
}

interface Entry {
  readonly principal: 'User:*' | 'User:somebody-else';
  readonly operation: keyof typeof OPERATIONS;
  readonly permission: keyof typeof PERMISSIONS;
}

const cluster: Resource = { type: 'cluster', name: CLUSTER_NAME };

export class Rights {
  readonly #cluster: Cluster;

  constructor(of: Cluster) {
    this.#cluster = of;
  }

  /** Gives a topic to somebody, which takes it from everybody else. */
  reserveTopic(name: string): Promise<void> {
    const somebody = { principal: 'User:somebody-else', permission: 'allow' } as const;
    return this.#add({ type: 'topic', name }, [
      { ...somebody, operation: 'read' },
      { ...somebody, operation: 'write' },
    ]);
  }

  releaseTopic(name: string): Promise<void> {
    return this.#remove({ type: 'topic', name });
  }

  /** How many ACLs there are that name this topic. */
  ofTopic(name: string): Promise<number> {
    return this.#count({ type: 'topic', name });
  }

  /** Nobody may create this topic, nor may it be created with a right on the whole cluster; everything else stays as it was. */
  async denyCreation(topic: string): Promise<void> {
    for (const resource of [cluster, { type: 'topic', name: topic } as const]) {
      // The first entry keeps the second from closing the resource altogether.
      await this.#add(resource, [{ principal: 'User:*', operation: 'all', permission: 'allow' }]);
      await this.#add(resource, [{ principal: 'User:*', operation: 'create', permission: 'deny' }]);
    }
  }

  async permitCreation(topic: string): Promise<void> {
    for (const resource of [cluster, { type: 'topic', name: topic } as const]) await this.#remove(resource);
  }

  async #add({ type, name }: Resource, entries: readonly Entry[]): Promise<void> {
    const before = await this.#count({ type, name });
    const creations = entries.map(({ principal, operation, permission }) => ({
      resourceType: RESOURCES[type],
      resourceName: name,
      resourcePatternType: LITERAL,
      principal,
      host: '*',
      operation: OPERATIONS[operation],
      permissionType: PERMISSIONS[permission],
    }));
    const { results } = await this.#cluster.send(CreateAcls, { creations }, 'controller');
    for (const { errorCode, errorMessage } of results) {
      if (errorCode !== ErrorCode.NONE) throw new BrokerError(errorCode, `add rights on ${type} ${name}`, { detail: errorMessage });
    }
    await this.#awaitCount({ type, name }, before + entries.length);
  }

  async #remove(resource: Resource): Promise<void> {
    await this.#cluster.send(DeleteAcls, { filters: [filterOf(resource)] }, 'controller');
    await this.#awaitCount(resource, 0);
  }

  async #count(resource: Resource): Promise<number> {
    const { resources } = await this.#cluster.send(DescribeAcls, filterOf(resource), 'any');
    return resources.reduce((sum, { acls }) => sum + acls.length, 0);
  }

  /** Brokers learn of rights some moments after they were given. */
  #awaitCount(resource: Resource, count: number): Promise<void> {
    const look = async (): Promise<void> => {
      if ((await this.#count(resource)) !== count)
        throw new BrokerError(ErrorCode.REQUEST_TIMED_OUT, `see ${count} rights on ${resource.name}`);
    };
    return this.#cluster.retry(look, { timeoutMs: PATIENCE_MS });
  }
}

const filterOf = ({ type, name }: Resource) => ({
  resourceTypeFilter: RESOURCES[type],
  resourceNameFilter: name,
  patternTypeFilter: LITERAL,
  principalFilter: null,
  hostFilter: null,
  operation: ANY,
  permissionType: ANY,
});
