/** Whatever links are called and however much they have done, their metrics are well-formed and say just that. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { openMetrics } from '../../../../src/link/metrics/open-metrics.ts';
import { linkOf, mirrorOf, partitionAt, taskOf } from '../../../support/link-snapshot.ts';
import { parseOpenMetrics } from '../../../support/open-metrics.ts';

const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('"', '\\', '\n', '\\n', 'a"} 1\n# EOF\n', '\r', '\u2028'));
const offset = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });
const partitions = fc.array(fc.tuple(offset, offset, fc.option(fc.nat())), { maxLength: 3 });
const links = fc.uniqueArray(
  fc.record({
    name: anyText,
    clusterId: fc.option(anyText),
    topics: fc.uniqueArray(fc.tuple(anyText, partitions), { maxLength: 3, selector: ([topic]) => topic }),
  }),
  { maxLength: 3, selector: ({ name }) => name },
);

it('is read back as it was', () => {
  fc.assert(
    fc.property(links, (given) => {
      const snapshots = given.map(({ name, clusterId, topics }) =>
        linkOf(name, {
          sourceClusterId: clusterId,
          tasks: [taskOf('AclSync')],
          mirrors: topics.map(([topic, list]) =>
            mirrorOf(topic, {
              partitions: list.map(([lag, nextOffset, sinceLastFetchMs], i) => partitionAt(i, { lag, nextOffset, sinceLastFetchMs })),
            }),
          ),
        }),
      );
      const families = parseOpenMetrics(openMetrics(snapshots));
      expect(families.get('kafka_link')?.samples.map(({ labels }) => [labels['link'], labels['source_cluster_id']])).toEqual(
        given.map(({ name, clusterId }) => [name, clusterId ?? '']),
      );
      const lags = given.flatMap(({ name, topics }) =>
        topics.flatMap(([topic, list]) => list.map(([lag], i) => [{ link: name, topic, partition: String(i) }, String(lag)])),
      );
      expect(families.get('kafka_link_partition_lag')?.samples.map(({ labels, text }) => [labels, text])).toEqual(lags);
    }),
  );
});
