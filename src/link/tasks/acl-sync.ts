/** The task `AclSync`: inside a region, the destination gets the ACLs of the source. Planned as a whole before anything is changed. */
import type { Cluster } from '../../client/cluster.ts';
import { LinkError } from '../../errors.ts';
import { aclText, createAcls, deleteAcls, describeAcls, type RefusedAcl } from './acl-admin.ts';
import { type AclBinding, type AclPlan, type AclSyncMode, planAcls } from './plan-acls.ts';
import { type Task, type TaskContext, type TaskError, type TaskResult, taskError } from './task.ts';

export interface AclSyncOptions {
  readonly source: Cluster;
  readonly destination: Cluster;
  /** The region that the link owns on the destination; asked of every ACL at every run. What it does not select is neither copied nor touched. */
  readonly selects: (binding: AclBinding) => boolean;
  readonly mode: AclSyncMode;
  /** `cluster.link.prefix`, null for none. */
  readonly prefix: string | null;
}

export class AclSync implements Task {
  readonly name = 'AclSync';
  readonly #options: AclSyncOptions;

  /** Throws `KLINK_CONFIG` for a link with a prefix: the resources of the source's ACLs have other names on the destination. */
  constructor(options: AclSyncOptions) {
    if (options.prefix !== null && options.prefix !== '') {
      throw new LinkError(
        'KLINK_CONFIG',
        `ACLs cannot be synced by a link with cluster.link.prefix=${options.prefix}: they name topics without it. Leave acl.sync.enable off, or use a link without a prefix`,
      );
    }
    this.#options = options;
  }

  /** What a run would change now; changes nothing. Throws as {@link describeAcls}. */
  async plan(signal: AbortSignal): Promise<AclPlan> {
    const { source, destination, selects, mode } = this.#options;
    const [theirs, ours] = await Promise.all([describeAcls(source, signal), describeAcls(destination, signal)]);
    return planAcls({ source: theirs, destination: ours, selects, mode });
  }

  async run({ signal }: TaskContext): Promise<TaskResult> {
    const { destination } = this.#options;
    const { creates, deletes, same } = await this.plan(signal);
    const notAdded = await createAcls(destination, creates, signal);
    const notRemoved = await deleteAcls(destination, deletes, signal);
    return {
      counts: { same, added: creates.length - notAdded.length, deleted: deletes.length - notRemoved.length },
      errors: [...notAdded, ...notRemoved].map(errorOf),
    };
  }
}

const errorOf = ({ binding, error }: RefusedAcl): TaskError => taskError(error, aclText(binding));
