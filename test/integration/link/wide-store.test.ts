/** A link with a thousand mirrors is described by a new process that knows its name; test/soak/store.test.ts does so on real brokers. */
import { expect, it } from 'vitest';
import { startCluster } from '../../../src/testing/index.ts';
import { Workbench } from '../../scenarios/workbench.ts';
import { describeAfresh } from '../../support/described.ts';
import { writeWideLink } from '../../support/wide-link.ts';

const LIMIT_MS = 2_000;

it('1,000 mirrors with 10,000 partitions', async () => {
  await using kafka = await startCluster();
  await using bench = await Workbench.open(kafka.bootstrap, 'destination');
  await writeWideLink(bench, { name: 'wide', topics: 1_000, partitions: 10, versions: 1 });
  const { description, cpuMs } = await describeAfresh('wide', kafka.bootstrap);
  expect(description.mirrors.map(({ state }) => state)).toEqual(Array.from({ length: 1_000 }, () => 'STOPPED'));
  expect(description.mirrors.flatMap(({ stop }) => stop?.offsets ?? [])).toHaveLength(10_000);
  // Other work on the machine makes it take longer, but not more.
  expect(cpuMs).toBeLessThan(LIMIT_MS);
});
