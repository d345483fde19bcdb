/** Test tiers as vitest projects. The real-Kafka tier always runs under CI. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';
import { PlainSummaryReporter } from './test/support/reporter.ts';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const alias = {
  'kafka-link/protocol': at('./src/protocol/index.ts'),
  'kafka-link/codec': at('./src/codec/index.ts'),
  'kafka-link/testing': at('./src/testing/index.ts'),
  'kafka-link': at('./src/index.ts'),
};
const quick = ['unit', 'property', 'conformance', 'integration', 'types'];
/** Files of these tiers leave nothing behind that another one could meet: they share what they import, in half the time. */
const sharingModules = ['unit', 'conformance'];
const realKafka = process.env['CI'] === 'true' || process.env['KAFKA'] === '1';

/** Hours and gigabytes: only for those who ask by name, as `npm run test:soak` and `npm run test:matrix` do. */
const asked = (name: string): boolean => process.argv.includes(`--project=${name}`);
const onRealKafka = {
  testTimeout: 180_000,
  hookTimeout: 180_000,
  fileParallelism: false,
  // Brokers of tests do not live long enough to earn back what the second compiler costs.
  env: { JAVA_TOOL_OPTIONS: '-XX:TieredStopAtLevel=1' },
};

const project = (name: string, extra: object = {}) => ({
  resolve: { alias },
  // Nothing here is about time: the limit only ends what hangs, on machines of every speed.
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout: 60_000, hookTimeout: 60_000, ...extra },
});

export default defineConfig({
  test: {
    // Tests with real brokers wait more than they work: two of them leave cores idle.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    reporters: ['default', new PlainSummaryReporter()],
    projects: [
      ...quick.map((name) => project(name, { isolate: !sharingModules.includes(name) })),
      ...(realKafka ? [project('e2e', { ...onRealKafka, fileParallelism: true, globalSetup: ['test/support/kafka/prefetch.ts'] })] : []),
      ...['soak', 'matrix'].filter(asked).map((name) => project(name, { ...onRealKafka, testTimeout: 1_200_000 })),
    ],
  },
});
