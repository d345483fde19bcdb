/** Test tiers as vitest projects. The real-Kafka tier always runs under CI. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { PlainSummaryReporter } from './test/support/reporter.ts';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const alias = {
  'kafka-link/protocol': at('./src/protocol/index.ts'),
  'kafka-link/codec': at('./src/codec/index.ts'),
  'kafka-link/testing': at('./src/testing/index.ts'),
  'kafka-link': at('./src/index.ts'),
};
const quick = ['unit', 'property', 'conformance', 'integration', 'types'];
const realKafka = process.env['CI'] === 'true' || process.env['KAFKA'] === '1';

const project = (name: string, extra: object = {}) => ({
  resolve: { alias },
  test: { name, include: [`test/${name}/**/*.test.ts`], ...extra },
});

export default defineConfig({
  test: {
    maxWorkers: 2,
    reporters: ['default', new PlainSummaryReporter()],
    projects: [
      ...quick.map((name) => project(name)),
      ...(realKafka ? [project('e2e', { testTimeout: 180_000, hookTimeout: 180_000, fileParallelism: false })] : []),
    ],
  },
});
