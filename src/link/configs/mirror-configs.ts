/** Configs of a link and of the mirrors it makes, as data. */
import { parseStartOffsetSpec } from '../log-start/start-offset.ts';
import { FILL_POLICIES } from '../replication/fill-policy.ts';
import { parseAddress } from './address.ts';
import type { ConfigRow } from './config-row.ts';

/** As the product has it; kept because names of topics are limited too. */
const MAX_PREFIX = 12;

const checkStartOffset = (spec: string): string | null => {
  const parsed = parseStartOffsetSpec(spec);
  return 'problem' in parsed ? parsed.problem.slice(`is '${spec}'; `.length) : null;
};

export const MIRROR_CONFIGS = {
  linkMode: {
    key: 'link.mode',
    type: 'enum',
    default: 'DESTINATION',
    values: ['DESTINATION'],
    dynamic: false,
    meaning: 'The side of the link that this is. The link is kept on the destination; the source knows nothing of it.',
  },
  connectionMode: {
    key: 'connection.mode',
    type: 'enum',
    default: 'OUTBOUND',
    values: ['OUTBOUND'],
    dynamic: false,
    meaning: 'Who opens connections: always the process that runs the link, to both clusters, wherever it runs.',
  },
  bootstrapServers: {
    key: 'bootstrap.servers',
    type: 'list',
    default: [],
    check: (items) =>
      items.filter((item) => parseAddress(item) === null).map((item) => `it has '${item}'; addresses are host:port, without a scheme`),
    rule: '`host:port`',
    dynamic: true,
    meaning:
      'Addresses of the source cluster to begin with; `source.bootstrap` is another way to set it. New ones must lead to the same cluster.',
  },
  clusterLinkPrefix: {
    key: 'cluster.link.prefix',
    type: 'string',
    default: null,
    check: (value) =>
      /^[a-zA-Z0-9._-]{1,12}$/.test(value)
        ? null
        : `it must have 1 to ${MAX_PREFIX} of the characters a-z A-Z 0-9 . _ -, as names of topics have`,
    rule: '1 to 12 of a-z A-Z 0-9 . _ -',
    dynamic: false,
    meaning: 'What the name of a mirror has before the name of its source topic. Only one link of a destination can have it.',
  },
  clusterLinkPaused: {
    key: 'cluster.link.paused',
    type: 'boolean',
    default: false,
    dynamic: true,
    meaning: 'All mirroring and all tasks of the link rest; mirrors are `LINK_PAUSED`.',
  },
  startOffset: {
    key: 'mirror.start.offset.spec',
    type: 'string',
    default: 'earliest',
    check: checkStartOffset,
    rule: '`earliest`, `latest`, `earliest-v2`, or an ISO 8601 time',
    dynamic: true,
    meaning:
      'Where new mirrors begin in the log of their source; they have its offsets in any case. Mirrors that are there go on where they are.',
  },
  autoCreateMirrorTopicsEnable: {
    key: 'auto.create.mirror.topics.enable',
    type: 'boolean',
    default: false,
    dynamic: true,
    meaning: 'Source topics that the filters select get mirrors, now and whenever new ones appear.',
  },
  autoCreateMirrorTopicsFilters: {
    key: 'auto.create.mirror.topics.filters',
    type: 'topicFilters',
    default: [],
    dynamic: true,
    meaning: 'Which source topics get mirrors. A topic that is selected no more keeps its mirror. Kept while auto-creation is off.',
  },
  acks: {
    key: 'kafka.link.acks',
    type: 'enum',
    default: 'all',
    values: ['all', 'leader'],
    dynamic: true,
    meaning: 'When a batch counts as written: when all in-sync replicas have it, or when the leader has it.',
  },
  fillPolicy: {
    key: 'kafka.link.fill.policy',
    type: 'enum',
    default: null,
    values: FILL_POLICIES,
    dynamic: true,
    meaning: 'How offsets without a record are filled. Not set: `markers` where the link may write them, else `refuse`.',
  },
  transactions: {
    key: 'kafka.link.transactions',
    type: 'enum',
    default: 'committed',
    values: ['committed', 'exact'],
    dynamic: false,
    meaning: 'What a mirror has of transactions: the records of committed ones, or the batches and markers of all of them.',
  },
  transactionVerification: {
    key: 'kafka.link.transaction.verification',
    type: 'enum',
    default: 'keep',
    values: ['keep', 'disable'],
    dynamic: true,
    meaning:
      'With `exact` transactions the brokers of the destination must not verify them with their own coordinators: the link finds that so, or switches it off for the cluster.',
  },
  sourceTrimmed: {
    key: 'kafka.link.source.trimmed',
    type: 'enum',
    default: 'fill',
    values: ['fill', 'stop'],
    dynamic: true,
    meaning: 'When the source deletes records before they were copied: the mirror goes on without them, or it fails.',
  },
} as const satisfies Readonly<Record<string, ConfigRow>>;
