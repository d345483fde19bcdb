/** Which produce connection a partition goes over: few share as few as can be, many are spread evenly, and who leaves makes room. */
import { expect, it } from 'vitest';
import { systemClock } from '../../../src/client/clock.ts';
import type { Cluster } from '../../../src/client/cluster.ts';
import { Lanes } from '../../../src/link/replication/lanes.ts';
import { PartitionMirror } from '../../../src/link/replication/partition-mirror.ts';
import { given } from './partition-bench.ts';

const lanesOf = (appendersPerBroker: number, partitionsPerAppender: number, leaderOf = (_: number) => 1) => {
  const cluster = { metadata: { partition: (_: string, partition: number) => ({ leaderId: leaderOf(partition) }) } } as unknown as Cluster;
  const lanes = new Lanes({
    source: cluster,
    destination: cluster,
    clock: systemClock,
    transactions: 'committed',
    fetch: { responseMaxBytes: 1, partitionMaxBytes: 1, minBytes: 1, waitMaxMs: 1 },
    append: { acks: -1, timeoutMs: 1, maxInFlightRequests: 1, requestMaxBytes: 1, transactionalId: 'link' },
    markers: { requestMaxMarkers: 1, maxInFlightRequests: 1 },
    fetchersPerBroker: 1,
    appendersPerBroker,
    partitionsPerAppender,
    bufferBytes: 1,
  });
  let partition = 0;
  const join = (count: number) =>
    Array.from({ length: count }, () => {
      const mirror = new PartitionMirror({ topic: 't', sourceTopic: 't', partition: partition++ }, given());
      const { appender } = lanes.route(mirror);
      appender.add(mirror);
      return { mirror, appender };
    });
  const sharesOf = (joined: ReturnType<typeof join>): number[] =>
    [...new Set(joined.map(({ appender }) => appender))].map(({ partitions }) => partitions);
  return { join, sharesOf };
};

it('opens a connection when the ones before are shared by enough', () => {
  const { join, sharesOf } = lanesOf(3, 16);
  const joined = join(6);
  expect(sharesOf(joined)).toEqual([6]);
  joined.push(...join(14));
  expect(sharesOf(joined)).toEqual([16, 4]);
  joined.push(...join(20));
  expect(sharesOf(joined)).toEqual([16, 16, 8]);
});

it('spreads evenly what is more than that, over as many as there may be', () => {
  const { join, sharesOf } = lanesOf(3, 16);
  expect(sharesOf(join(200))).toEqual([67, 67, 66]);
  expect(sharesOf(lanesOf(1, 16).join(200))).toEqual([200]);
  expect(sharesOf(lanesOf(3, 1).join(5))).toEqual([2, 2, 1]);
});

it('fills the place of those that have left', () => {
  const { join, sharesOf } = lanesOf(3, 2);
  const [first, second, ...others] = join(6);
  for (const { mirror, appender } of [first!, second!]) appender.withdraw(mirror);
  const late = join(2);
  expect(late.map(({ appender }) => appender === first!.appender)).toEqual([true, true]);
  expect(sharesOf([...late, ...others])).toEqual([2, 2, 2]);
});

it('counts for each broker by itself', () => {
  const { join, sharesOf } = lanesOf(3, 16, (partition) => 1 + (partition % 4));
  expect(sharesOf(join(40))).toEqual([10, 10, 10, 10]);
});
