/** Metrics as text: what each means, by example, read back by a parser of its own. */
import { describe, expect, it } from 'vitest';
import { LinkError } from '../../../../src/errors.ts';
import { METRIC_FAMILIES } from '../../../../src/link/metrics/metric-families.ts';
import type { LinkSnapshot } from '../../../../src/link/metrics/metric-family.ts';
import { OPEN_METRICS_CONTENT_TYPE, openMetrics } from '../../../../src/link/metrics/open-metrics.ts';
import { taskError } from '../../../../src/link/tasks/task.ts';
import { linkOf, mirrorOf, partitionAt, taskOf } from '../../../support/link-snapshot.ts';
import { parseOpenMetrics } from '../../../support/open-metrics.ts';

const WEST = linkOf(
  'west',
  {
    mirrors: [
      mirrorOf('orders', { partitions: [partitionAt(0), partitionAt(1, { lag: 25n, nextOffset: 2n ** 60n, sinceLastFetchMs: null })] }),
      mirrorOf('done', { state: 'STOPPED', partitions: [partitionAt(0, { state: 'CLOSED', lag: 1_000n })] }),
      mirrorOf('broken', { state: 'FAILED', bytes: 5n, partitions: [partitionAt(0, { state: 'FAILED', lag: 0n })] }),
    ],
    tasks: [
      taskOf('AclSync', {
        totals: { added: 5, deleted: 1 },
        state: 'IN_ERROR',
        errors: [1, 2].map(() => taskError(new LinkError('KLINK_AUTH', 'no'), null)),
      }),
      taskOf('ConsumerOffsetSync', { totals: { committed: 12 } }),
      taskOf('TopicConfigsSync', { totals: { updates: 4 } }),
      taskOf('AutoCreateMirror', { state: 'NOT_CONFIGURED', runs: 0, failedRuns: 0, errorCount: 0 }),
    ],
  },
  { metrics: { bufferedBytes: 1_024 }, offsetSync: { ageMs: 250, groups: 9, waiting: 1 } },
);

/** Samples of one name, as `label=value … number`. */
const samplesOf = (links: readonly LinkSnapshot[], name: string): string[] =>
  [...parseOpenMetrics(openMetrics(links)).values()]
    .flatMap(({ samples }) => samples)
    .filter((sample) => sample.name === name)
    .map(({ labels, text }) => [...Object.entries(labels).map(([label, value]) => `${label}=${value}`), text].join(' '));

describe('metrics', () => {
  it.each([
    ['kafka_link_info', ['link=west link_id=abc source_cluster_id=west destination_cluster_id=east 1']],
    ['kafka_link_max_lag', ['link=west 25']],
    ['kafka_link_buffered_bytes', ['link=west 1024']],
    ['kafka_link_mirror_topic_lag', ['link=west topic=orders 25', 'link=west topic=broken 0']],
    ['kafka_link_mirror_topic_bytes_total', ['link=west topic=orders 4000', 'link=west topic=broken 5']],
    ['kafka_link_mirror_topic_filled_offsets_total', ['link=west topic=orders 4', 'link=west topic=broken 2']],
    ['kafka_link_mirror_topic_rebuilt_batches_total', ['link=west topic=orders 2', 'link=west topic=broken 1']],
    [
      'kafka_link_partition_lag',
      ['link=west topic=orders partition=0 10', 'link=west topic=orders partition=1 25', 'link=west topic=broken partition=0 0'],
    ],
    [
      'kafka_link_partition_last_source_fetch_offset',
      [
        'link=west topic=orders partition=0 90',
        'link=west topic=orders partition=1 1152921504606846976',
        'link=west topic=broken partition=0 90',
      ],
    ],
    ['kafka_link_partition_fetch_age_seconds', ['link=west topic=orders partition=0 1.5', 'link=west topic=broken partition=0 1.5']],
    [
      'kafka_link_mirror_partitions',
      ['link=west state=PENDING 0', 'link=west state=ACTIVE 2', 'link=west state=PAUSED 0', 'link=west state=FAILED 1'],
    ],
    ['kafka_link_task_errors', ['link=west task=AclSync reason=AUTHORIZATION_ERROR 2']],
    ['kafka_link_consumer_offsets_committed_total', ['link=west 12']],
    ['kafka_link_consumer_offset_sync_age_seconds', ['link=west 0.25']],
    ['kafka_link_consumer_groups', ['link=west 9']],
    ['kafka_link_topic_config_updates_total', ['link=west 4']],
    ['kafka_link_acls_added_total', ['link=west 5']],
    ['kafka_link_acls_deleted_total', ['link=west 1']],
    ['kafka_link_acl_errors_total', ['link=west 3']],
    ['kafka_link_auto_creations_total', ['link=west 0']],
  ])('%s', (name, expected) => {
    expect(samplesOf([WEST], name)).toEqual(expected);
  });

  it('have one sample for each word of a state, so that a query finds it at every time', () => {
    const states = samplesOf([linkOf('a', { state: 'UNAVAILABLE', linkError: 'TIMEOUT_ERROR' })], 'kafka_link_state');
    expect(states.filter((sample) => sample.endsWith(' 1'))).toEqual(['link=a state=UNAVAILABLE 1']);
    expect(states).toHaveLength(6);
    expect(samplesOf([linkOf('a', { linkError: 'TIMEOUT_ERROR' })], 'kafka_link_error').filter((sample) => sample.endsWith(' 1'))).toEqual([
      'link=a error=TIMEOUT_ERROR 1',
    ]);
    expect(samplesOf([linkOf('a', { state: 'CLOSED' })], 'kafka_link_state')).toContain('link=a state=CLOSED 1');
    const topics = samplesOf([WEST], 'kafka_link_mirror_topics');
    expect(topics).toHaveLength(12);
    expect(topics.filter((sample) => !sample.endsWith(' 0'))).toEqual([
      'link=west state=ACTIVE 1',
      'link=west state=FAILED 1',
      'link=west state=STOPPED 1',
    ]);
    const tasks = samplesOf([WEST], 'kafka_link_task_state').filter((sample) => sample.endsWith(' 1'));
    expect(tasks.sort()).toEqual([
      'link=west task=AclSync state=IN_ERROR 1',
      'link=west task=AutoCreateMirror state=NOT_CONFIGURED 1',
      'link=west task=ConsumerOffsetSync state=ACTIVE 1',
      'link=west task=TopicConfigsSync state=ACTIVE 1',
    ]);
  });

  it('leave out what is not known', () => {
    const bare = linkOf('bare', { sourceClusterId: null });
    expect(samplesOf([bare], 'kafka_link_consumer_offset_sync_age_seconds')).toEqual([]);
    expect(
      samplesOf([{ ...bare, offsetSync: { ageMs: null, groups: 1, waiting: 0 } }], 'kafka_link_consumer_offset_sync_age_seconds'),
    ).toEqual([]);
    expect(samplesOf([bare], 'kafka_link_info')).toEqual(['link=bare link_id=abc source_cluster_id= destination_cluster_id=east 1']);
    expect(samplesOf([bare], 'kafka_link_max_lag')).toEqual(['link=bare 0']);
  });

  it('stand together by name for several links', () => {
    expect(samplesOf([WEST, linkOf('north')], 'kafka_link_buffered_bytes')).toEqual(['link=west 1024', 'link=north 0']);
  });

  it('are there without partitions, for links of very many', () => {
    const text = openMetrics([WEST], { partitions: false });
    expect(text).not.toContain('partition="');
    expect(parseOpenMetrics(text).get('kafka_link_mirror_topic_lag')?.samples).toHaveLength(2);
  });

  it('are a text of their own even without a link', () => {
    const families = parseOpenMetrics(openMetrics([]));
    expect([...families.keys()]).toEqual(METRIC_FAMILIES.map(({ name }) => name));
    for (const { help, name, unit, type } of METRIC_FAMILIES)
      expect(families.get(name)).toMatchObject({ type, help, unit: unit ?? '', samples: [] });
    expect(OPEN_METRICS_CONTENT_TYPE).toContain('application/openmetrics-text');
  });
});

describe('the parser of these tests', () => {
  it.each([
    ['no end', '# TYPE a gauge\n# HELP a b\n'],
    ['a sample of no family', 'a{} 1\n# EOF\n'],
    ['a counter without its suffix', '# TYPE a counter\na{} 1\n# EOF\n'],
    ['a counter below zero', '# TYPE a counter\na_total{} -1\n# EOF\n'],
    ['a unit that is not in the name', '# TYPE a gauge\n# UNIT a bytes\n# EOF\n'],
    ['samples of two families among each other', '# TYPE a gauge\n# TYPE b gauge\na{} 1\n# EOF\n'],
    ['the same sample twice', '# TYPE a gauge\na{x="1"} 1\na{x="1"} 2\n# EOF\n'],
    ['a family twice', '# TYPE a gauge\n# TYPE a gauge\n# EOF\n'],
    ['a name of two families', '# TYPE a_total gauge\n# TYPE a counter\n# EOF\n'],
    ['a stray backslash', '# TYPE a gauge\na{x="\\x"} 1\n# EOF\n'],
    ['no number', '# TYPE a gauge\na{} 1n\n# EOF\n'],
    ['an empty line', '# TYPE a gauge\n\na{} 1\n# EOF\n'],
  ])('refuses %s', (_, text) => {
    expect(() => parseOpenMetrics(text)).toThrow();
  });
});
