/**
 * `npm start`: two clusters, producers that write, a link that mirrors, a broker that is killed, a source that dies, and at the end the proof that both
 * logs are the same. With `--kafka` the clusters are real ones. `--svg FILE` saves a picture of it. Exit code 0: identical; 1: not; 130: interrupted.
 */
import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type ClusterLink, createLink, type LinkSettings } from 'kafka-link';
import { type DemoClusters, startClusters } from './demo/clusters.ts';
import { compareTopic, digestLog, type LogDigest, type TopicComparison } from './demo/compare.ts';
import { comparison, seconds } from './demo/picture.ts';
import { Show } from './demo/show.ts';
import { count, type Line, span } from './demo/spans.ts';
import { svg } from './demo/svg.ts';
import { Terminal } from './demo/terminal.ts';
import { WireClient } from './demo/wire.ts';
import { Producers, TOPICS } from './demo/workload.ts';

const { values: flags } = parseArgs({ options: { kafka: { type: 'boolean', default: false }, svg: { type: 'string' } } });
const PATIENCE_MS = 60_000;
const PICTURE_COLUMNS = 105;
/** When the picture for the README is taken: while the bars are on their way. */
const CATCH_UP_PICTURE_MS = 2_500;
/** So that nobody has to wait five minutes until the source counts as dead. */
const SETTINGS: Partial<LinkSettings> = {
  availabilityCheckMs: 500,
  availabilityCheckConsecutiveFailureThreshold: 3,
  metadataMaxAgeMs: 1_000,
};

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort(new Error('interrupted')));
process.once('SIGTERM', () => interrupted.abort(new Error('interrupted')));
const { signal } = interrupted;

const terminal = new Terminal();
const show = new Show(terminal);
process.once('exit', () => terminal.settle());

const play = async ({ source, destination }: DemoClusters): Promise<boolean> => {
  const client = await WireClient.connect(source.bootstrap);
  const stopProducers = new AbortController();
  let writing = Promise.resolve();
  let link: ClusterLink | null = null;
  try {
    await client.createTopics(TOPICS.map(({ name, partitions }) => ({ name, partitions, replicas: source.replicas })));
    const producers = await Producers.prepare(client);
    show.note('producers write a backlog into the source', 'dim');
    await producers.writeBacklog(signal);

    link = await createLink(
      {
        name: 'demo',
        source: { bootstrap: source.bootstrap },
        destination: { bootstrap: destination.bootstrap },
        topics: TOPICS.map(({ name }) => name),
        replicationFactor: destination.replicas,
        settings: SETTINGS,
      },
      { signal },
    );
    show.follow(link, source.kind, destination.kind);
    show.note('the link has made the mirrors and catches up; producers go on writing');
    writing = producers.run(stopProducers.signal);
    // Seen when it is awaited: after the scenes in between.
    writing.catch(() => {});
    await delay(CATCH_UP_PICTURE_MS, undefined, { signal });
    const middle = show.frame(PICTURE_COLUMNS);
    await link.caughtUp({ signal, timeoutMs: PATIENCE_MS });
    show.note('caught up with the backlog; from here on the mirrors follow live', 'good');
    await delay(4_000, undefined, { signal });

    show.note('a broker of the destination is killed, under load', 'warm');
    await destination.killOne();
    await delay(1_500, undefined, { signal });
    await destination.reviveOne();
    show.note('it is back; the link asks for the log ends and goes on from there');
    await link.caughtUp({ signal, timeoutMs: PATIENCE_MS });
    await delay(2_500, undefined, { signal });

    stopProducers.abort();
    await writing;
    await link.caughtUp({ signal, timeoutMs: PATIENCE_MS });
    show.note('producers have stopped; every offset is at the destination', 'good');
    await delay(1_500, undefined, { signal });

    show.note('the source dies', 'warm');
    show.sourceAlive = false;
    await source.killAll();
    await sourceUnavailable(link);
    show.note(`${link.metrics().mirrors.SOURCE_UNAVAILABLE} mirrors are SOURCE_UNAVAILABLE; the copies are whole`, 'warm');
    await delay(1_500, undefined, { signal });
    show.end();
    return await prove(link, { source, destination }, middle);
  } finally {
    stopProducers.abort();
    await Promise.allSettled([writing]);
    client.close();
    show.end();
    await link?.close();
  }
};

/** Resolves when every mirror has noticed. */
const sourceUnavailable = async (link: ClusterLink): Promise<void> => {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
  const events = link.events({ signal: deadline });
  if (link.mirrors().every(({ state }) => state === 'SOURCE_UNAVAILABLE')) return;
  for await (const { type } of events) {
    if (type === 'mirror' && link.mirrors().every(({ state }) => state === 'SOURCE_UNAVAILABLE')) return;
  }
  deadline.throwIfAborted();
};

/** Compares what both sides have stored, prints it, and tells whether it is the same. */
const prove = async (link: ClusterLink, { source, destination }: DemoClusters, middle: readonly Line[]): Promise<boolean> => {
  const compared: TopicComparison[] = [];
  for (const { name, partitions } of TOPICS) {
    const logs: [LogDigest[], LogDigest[]] = [[], []];
    for (let partition = 0; partition < partitions; partition++) {
      signal.throwIfAborted();
      logs[0].push(digestLog(await source.storedLog(name, partition)));
      logs[1].push(digestLog(await destination.storedLog(name, partition)));
    }
    compared.push(compareTopic(name, ...logs));
  }
  const table = (columns: number): Line[] => comparison(compared, [source.kind, destination.kind], columns);
  const identical = compared.every((topic) => topic.identical);
  const records = compared.reduce((sum, topic) => sum + topic.mirror.reduce((all, log) => all + log.records, 0), 0);
  const verdict: Line = identical
    ? [
        span('  identical', 'good'),
        span(`: ${count(records)} records in ${count(link.metrics().batches)} batches, same bytes, same offsets`),
      ]
    : [span('  the logs differ', 'bad'), span(': this must not happen; please report it with the table above')];
  terminal.print([[], ...table(terminal.columns), [], verdict, [span(`  ${seconds(show.elapsedMs)}`, 'dim')]]);
  if (flags.svg !== undefined)
    await writeFile(
      flags.svg,
      svg([...middle, [], ...table(PICTURE_COLUMNS), [], verdict], 'kafka-link mirroring five topics; both logs identical at the end'),
    );
  return identical;
};

const main = async (): Promise<number> => {
  let clusters: DemoClusters | null = null;
  try {
    clusters = await startClusters(flags.kafka, (text) => show.note(text, 'dim'), signal);
    show.note(`two clusters are up: ${clusters.source.kind} and ${clusters.destination.kind}`, 'dim');
    return (await play(clusters)) ? 0 : 1;
  } catch (error) {
    show.end();
    if (signal.aborted) return 130;
    terminal.print([[span('  the demo failed: ', 'bad'), span(error instanceof Error ? (error.stack ?? error.message) : String(error))]]);
    return 1;
  } finally {
    await Promise.allSettled([clusters?.source.stop(), clusters?.destination.stop()]);
  }
};

process.exitCode = await main();
