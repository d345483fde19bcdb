/** Question: what do offsets without a record cost, and does an offset cost the same however many there are? */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { renderVerifyReport, verifyMirror } from '../src/index.ts';
import { ListOffsets } from '../src/protocol/messages/list-offsets.ts';
import { appendToLogFile } from '../test/scenarios/environments/log-file.ts';
import { Workbench } from '../test/scenarios/workbench.ts';
import { type KafkaCluster, startKafka } from '../test/support/kafka/cluster.ts';
import { KAFKA_39, KAFKA_NEWEST } from '../test/support/kafka/versions.ts';
import type { Build } from './child.ts';
import { type CraftedLog, craftLogs, FILL_WARM_UP, FILL_WORKLOADS, type FillWorkload } from './fill-workloads.ts';
import type { LinkProcessOptions } from './process/link.ts';
import { cpuSeconds, peakMegabytes } from './process-usage.ts';
import { columns, number } from './table.ts';
import type { Effort } from './workloads.ts';

/** One log, mirrored once, and found to be exact. */
export interface FillRun {
  readonly workload: string;
  readonly title: string;
  /** Without a record, and with one, over all partitions. */
  readonly offsets: number;
  readonly seconds: number;
  readonly microsecondsPerOffset: number;
  /** Of the log files of the mirror, before anything of them is deleted. */
  readonly bytes: number;
  readonly cpuSeconds: { readonly link: number; readonly sourceBroker: number; readonly destinationBroker: number };
  readonly peakMegabytes: number;
}

/** A log that is ready to be mirrored. */
interface Prepared {
  readonly workload: FillWorkload;
  readonly offsets: number;
  readonly topic: string;
  readonly logs: readonly CraftedLog[];
}

/** What is used of a cluster. */
interface Side {
  readonly cluster: KafkaCluster;
  readonly bench: Workbench;
}

const HEAP_MB = 1024;
const POLL_MS = 20;
const RUN_TIMEOUT_MS = 1_800_000;
/** A size that would take longer by what a smaller one took is left out, unless everything is asked for. */
const LONGEST_RUN_SECONDS: Readonly<Record<Effort, number>> = { quick: 60, default: 180, full: 1_200 };
const LATEST = -1n;
const EARLIEST = -2n;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Puts all logs into the files of the source at once: it has to be down for that, and recovers them as after a crash. */
const prepare = async ({ cluster, bench }: Side, effort: Effort, workloads: readonly FillWorkload[]): Promise<readonly Prepared[]> => {
  const prepared: Prepared[] = [];
  for (const workload of workloads) {
    for (const offsets of workload.sizes[effort]) {
      const topic = `${workload.name}-${offsets}`;
      await bench.createTopic(topic, { partitions: workload.partitions });
      prepared.push({ workload, offsets, topic, logs: await craftLogs(workload, offsets) });
    }
  }
  const broker = cluster.broker(1);
  await broker.kill();
  for (const { topic, logs } of prepared) {
    for (const [partition, { bytes }] of logs.entries()) await appendToLogFile(broker.dataDir, topic, partition, bytes);
  }
  await broker.start();
  for (const { topic, logs } of prepared) {
    await bench.awaitTopic(topic, logs.length);
    for (const [partition, { start }] of logs.entries()) if (start > 0) await bench.deleteRecords(topic, partition, start);
  }
  return prepared;
};

/** One offset of every partition; none of a topic that is not there yet. */
const offsetsOf = async ({ cluster }: Workbench, topic: string, timestamp: bigint): Promise<readonly number[]> => {
  const partitions = cluster.metadata.topic(topic)?.partitions ?? [];
  if (partitions.length === 0) {
    await cluster.refreshMetadata([topic]);
    return [];
  }
  const asked = partitions.map((_, partitionIndex) => ({ partitionIndex, timestamp }));
  const { topics } = await cluster.send(ListOffsets, { replicaId: -1, topics: [{ name: topic, partitions: asked }] }, { broker: 1 });
  return topics[0]!.partitions.map(({ offset }) => Math.max(0, Number(offset)));
};

/** Log files alone; those that are about to be deleted are still there, under another name. */
const storedBytes = async ({ cluster }: Side, topic: string, partitions: number): Promise<number> => {
  const { dataDir } = cluster.broker(1);
  let bytes = 0;
  for (let partition = 0; partition < partitions; partition++) {
    const directory = join(dataDir, `${topic}-${partition}`);
    for (const name of await readdir(directory)) if (/\.log(\.deleted)?$/.test(name)) bytes += (await stat(join(directory, name))).size;
  }
  return bytes;
};

interface Look {
  readonly end: number;
  readonly at: number;
  readonly cpu: readonly number[];
}

/** Watches the mirror from its last moment without an offset until it ends, and starts, where its source does. */
const observe = async (
  { bench }: Side,
  { topic, logs }: Prepared,
  pids: readonly number[],
  failed: () => unknown,
): Promise<[Look, Look]> => {
  const [start, end] = [sum(logs.map((log) => log.start)), sum(logs.map((log) => log.end))];
  const look = async (): Promise<Look> => ({
    end: sum(await offsetsOf(bench, topic, LATEST)),
    at: performance.now(),
    cpu: pids.map(cpuSeconds),
  });
  const deadline = performance.now() + RUN_TIMEOUT_MS;
  let first = await look();
  let last = first;
  while (last.end < end || sum(await offsetsOf(bench, topic, EARLIEST)) < start) {
    if (failed() !== null) throw new Error(`${topic} cannot be mirrored`, { cause: failed() });
    if (performance.now() > deadline) throw new Error(`${topic} ends at ${last.end} and not at ${end}`);
    await delay(POLL_MS);
    last = await look();
    if (last.end === 0) first = last;
  }
  return [first, last];
};

/** Every offset of both logs is looked at: starts, ends, what consumers see. */
const verify = async (source: Side, destination: Side, { topic, logs, workload }: Prepared): Promise<void> => {
  const report = await verifyMirror({
    source: { bootstrap: source.cluster.bootstrap },
    destination: { bootstrap: destination.cluster.bootstrap },
    topics: [topic],
    allowFillerRecords: workload.policy === 'records',
  });
  const isExact = report.partitions.every(({ partition, source: from, destination: to, records }) => {
    const log = logs[partition]!;
    const expected = [log.start, log.end, log.start, log.end, log.records];
    const found = [from?.start, from?.end, to?.start, to?.end, records].map(Number);
    return expected.every((value, i) => value === found[i]);
  });
  if (!report.identical || !isExact) throw new Error(`${topic} is not what its source is:\n${renderVerifyReport(report)}`);
};

let runs = 0;

const measure = async (build: Build, source: Side, destination: Side, prepared: Prepared): Promise<FillRun> => {
  const { topic, workload, offsets, logs } = prepared;
  const options: LinkProcessOptions = {
    // A link remembers itself at the destination: no two runs share a name.
    name: `fill-${++runs}`,
    source: source.cluster.bootstrap,
    destination: destination.cluster.bootstrap,
    topic,
    settings: { fillPolicy: workload.policy },
  };
  await using link = build.start('link', options);
  let failure: unknown = null;
  const caughtUp = link.message<{ done: true }>('done').catch((error: unknown) => {
    failure = error;
  });
  const pids = [link.pid, source.cluster.broker(1).pid!, destination.cluster.broker(1).pid!];
  const [first, last] = await observe(destination, prepared, pids, () => failure);
  await caughtUp;
  const peak = peakMegabytes(link.pid);
  const bytes = await storedBytes(destination, topic, logs.length);
  await link.dismiss();
  await verify(source, destination, prepared);
  await destination.bench.deleteTopic(topic);
  const seconds = (last.at - first.at) / 1000;
  const [ofLink, ofSource, ofDestination] = last.cpu.map((cpu, i) => cpu - first.cpu[i]!) as [number, number, number];
  return {
    workload: workload.name,
    title: workload.title,
    offsets,
    seconds,
    microsecondsPerOffset: (seconds * 1e6) / offsets,
    bytes,
    cpuSeconds: { link: ofLink, sourceBroker: ofSource, destinationBroker: ofDestination },
    peakMegabytes: peak,
  };
};

const WIDTHS = [34, 12, 9, 12, 11, 10, 9, 26, 9];
const HEADING = ['', 'offsets', 'seconds', 'offsets/s', 'µs/offset', 'MB', 'B/offset', 'CPU s link + src + dst', 'peak MB'];

const runLine = ({ title, offsets, seconds, microsecondsPerOffset, bytes, cpuSeconds: cpu, peakMegabytes: peak }: FillRun): string => {
  const cpus = [cpu.link, cpu.sourceBroker, cpu.destinationBroker].map(number).join(' + ');
  const perSecond = (offsets / seconds).toFixed(0);
  const figures = [number(seconds), perSecond, microsecondsPerOffset.toFixed(3), number(bytes / 1e6), number(bytes / offsets), cpus];
  return columns([title, String(offsets), ...figures, number(peak)], WIDTHS);
};

const cpuPerOffset = ({ cpuSeconds: { link, sourceBroker, destinationBroker }, offsets }: FillRun): number =>
  ((link + sourceBroker + destinationBroker) * 1e6) / offsets;

/** One figure, one column for each size: the cost per offset is flat when a row is. */
const bySize = (heading: string, figures: readonly FillRun[], figure: (run: FillRun) => number): string => {
  const sizes = [...new Set(figures.map(({ offsets }) => offsets))].sort((a, b) => a - b);
  const widths = [WIDTHS[0]!, ...sizes.map(() => 10)];
  const rows = [...new Set(figures.map(({ title }) => title))].map((title) => {
    const runs = sizes.map((size) => figures.find((run) => run.title === title && run.offsets === size));
    return columns([title, ...runs.map((run) => (run === undefined ? '' : figure(run).toFixed(3)))], widths);
  });
  return [`\n${heading}`, columns(['', ...sizes.map((size) => size.toExponential(0))], widths), ...rows].join('\n');
};

/** All figures, or those of the workloads named in `only`. Throws when a mirror is not exact. */
export const fillFigures = async (build: Build, effort: Effort, only: readonly string[] | null): Promise<readonly FillRun[]> => {
  const workloads = FILL_WORKLOADS.filter(({ name }) => only === null || only.includes(name));
  await using from = await startKafka({ version: KAFKA_39, heapMb: HEAP_MB });
  await using to = await startKafka({ version: KAFKA_NEWEST, heapMb: HEAP_MB });
  await using atSource = await Workbench.open(from.bootstrap, 'source');
  await using atDestination = await Workbench.open(to.bootstrap, 'destination');
  const [source, destination]: [Side, Side] = [
    { cluster: from, bench: atSource },
    { cluster: to, bench: atDestination },
  ];
  const prepared = await prepare(source, effort, [FILL_WARM_UP, ...workloads]);
  console.log(`\nOffsets without records\n${columns(HEADING, WIDTHS)}`);
  const figures: FillRun[] = [];
  for (const one of prepared) {
    const smaller = figures.findLast(({ workload }) => workload === one.workload.name);
    const expected = ((smaller?.microsecondsPerOffset ?? 0) * one.offsets) / 1e6;
    if (expected > LONGEST_RUN_SECONDS[effort]) {
      console.log(
        columns([one.workload.title, String(one.offsets), `left out: about ${number(expected)} s`], [WIDTHS[0]!, WIDTHS[1]!, 30]),
      );
      continue;
    }
    const figure = await measure(build, source, destination, one);
    if (one.workload === FILL_WARM_UP) continue;
    figures.push(figure);
    console.log(runLine(figure));
  }
  console.log(bySize('Microseconds per offset', figures, ({ microsecondsPerOffset }) => microsecondsPerOffset));
  console.log(bySize('CPU microseconds per offset, link and both brokers', figures, cpuPerOffset));
  return figures;
};
