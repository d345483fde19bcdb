/** Configs of the tasks that keep topic configs, consumer offsets and ACLs in step, as data. */
import { checkConfigSyncInclude, DEFAULT_CONFIG_SYNC_INCLUDE } from '../tasks/config-classes.ts';
import type { DeletedOffsets, OffsetSyncMode } from '../tasks/consumer-offset-sync.ts';
import type { AclSyncMode } from '../tasks/plan-acls.ts';
import { TASK_NAMES } from '../tasks/task.ts';
import { type ConfigRow, INT_MAX } from './config-row.ts';

const OFFSET_SYNC_MODES = ['periodic', 'following'] as const satisfies readonly OffsetSyncMode[];
const DELETED_OFFSETS = ['keep', 'delete'] as const satisfies readonly DeletedOffsets[];
const ACL_SYNC_MODES = ['add-and-remove', 'add-only'] as const satisfies readonly AclSyncMode[];
const isTask = (name: string): boolean => TASK_NAMES.some((task) => task === name);

/** Shorter than the product's second, for clusters that are near. */
const period = { type: 'int', min: 100, max: INT_MAX, dynamic: true } as const;

export const SYNC_CONFIGS = {
  topicConfigSyncMs: {
    ...period,
    key: 'topic.config.sync.ms',
    default: 5_000,
    meaning: 'Milliseconds between two comparisons of the configs of mirrors with those of their sources.',
  },
  topicConfigSyncInclude: {
    key: 'topic.config.sync.include',
    type: 'list',
    default: DEFAULT_CONFIG_SYNC_INCLUDE,
    check: (items) => checkConfigSyncInclude(items),
    rule: 'topic configs that can follow the source, among them all that always do',
    dynamic: true,
    meaning:
      'Topic configs that follow the source. Default: all that can, but for `min.insync.replicas` and `unclean.leader.election.enable`, which are about the destination.',
  },
  consumerOffsetSyncEnable: {
    key: 'consumer.offset.sync.enable',
    type: 'boolean',
    default: false,
    dynamic: true,
    meaning: 'Committed offsets of the groups that the filters select are copied. Switched off, the filters are kept.',
  },
  consumerOffsetSyncMs: {
    ...period,
    key: 'consumer.offset.sync.ms',
    default: 30_000,
    meaning: 'Milliseconds between two looks at the committed offsets of the source.',
  },
  consumerOffsetGroupFilters: {
    key: 'consumer.offset.group.filters',
    type: 'groupFilters',
    default: [],
    dynamic: true,
    meaning: 'Which consumer groups are synced. Offsets that were copied stay when a group is selected no more.',
  },
  consumerGroupPrefixEnable: {
    key: 'consumer.group.prefix.enable',
    type: 'boolean',
    default: false,
    dynamic: true,
    meaning: 'Groups get `cluster.link.prefix` before their names too.',
  },
  consumerOffsetSyncMode: {
    key: 'kafka.link.consumer.offset.sync.mode',
    type: 'enum',
    default: 'periodic',
    values: OFFSET_SYNC_MODES,
    dynamic: true,
    meaning: 'Offsets are copied at every look, or when they are committed; then the looks only make sure that nothing was missed.',
  },
  consumerOffsetSyncDeleted: {
    key: 'kafka.link.consumer.offset.sync.deleted',
    type: 'enum',
    default: 'keep',
    values: DELETED_OFFSETS,
    dynamic: true,
    meaning:
      'What becomes of copied offsets that the source does not have any more: they stay until they expire, or are deleted if nobody else has committed since.',
  },
  aclSyncEnable: {
    key: 'acl.sync.enable',
    type: 'boolean',
    default: false,
    dynamic: true,
    meaning:
      'ACLs that the filters select are kept as they are at the source. Not with `cluster.link.prefix`. Switched off, the filters are kept.',
  },
  aclSyncMs: {
    ...period,
    key: 'acl.sync.ms',
    default: 5_000,
    meaning: 'Milliseconds between two comparisons of the ACLs of both clusters.',
  },
  aclFilters: {
    key: 'acl.filters',
    type: 'aclFilters',
    default: [],
    dynamic: true,
    meaning: 'Which ACLs are synced. What they select on the destination belongs to the link; nothing else is touched.',
  },
  aclSyncMode: {
    key: 'kafka.link.acl.sync.mode',
    type: 'enum',
    default: 'add-and-remove',
    values: ACL_SYNC_MODES,
    dynamic: true,
    meaning: 'ACLs of the destination that the source does not have are removed within the filters, or stay.',
  },
  tasksPaused: {
    key: 'kafka.link.tasks.paused',
    type: 'list',
    default: [],
    check: (items) => items.filter((item) => !isTask(item)).map((item) => `it has '${item}'; there are ${TASK_NAMES.join(', ')}`),
    rule: TASK_NAMES.map((name) => `\`${name}\``).join(', '),
    dynamic: true,
    meaning: 'Tasks that rest, each by itself, with all of their configs kept.',
  },
} as const satisfies Readonly<Record<string, ConfigRow>>;
