/** `npm run bench`: asks the questions of docs/performance.md, prints the answers, and writes them as JSON and as a chart. */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import packageJson from '../package.json' with { type: 'json' };
import { KAFKA_39, KAFKA_NEWEST, MIRROR_MAKER_VERSION } from '../test/support/kafka/versions.ts';
import { chart } from './chart.ts';
import { type Build, buildProcesses } from './child.ts';
import { codecFigures } from './codec.ts';
import { PINNED, SHARED } from './cores.ts';
import { type FillRun, fillFigures } from './fill.ts';
import { FILL_WORKLOADS } from './fill-workloads.ts';
import { type MicroFigure, printFigures } from './micro.ts';
import { captureDirectory, captureRequests, type Ground, PARTICIPANTS, type ParticipantName, type Run } from './participants.ts';
import { protocolFigures } from './protocol.ts';
import { QUESTIONS, type Round, ratiosOf, type WorkloadResult } from './results.ts';
import { Rig } from './rig.ts';
import { ratioTable, runHeading, runLine } from './table.ts';
import { type Effort, WORKLOADS, type Workload } from './workloads.ts';

const USAGE = `npm run bench -- [what] [options]

what        all (default), mirror (link, relay, replay and MirrorMaker 2 between real brokers), codec (micro-benchmarks),
            fill (offsets without records: padding, holes, compacted logs)

--quick     two workloads, small, one round: does it run at all
--full      larger, five rounds, MirrorMaker 2 with 1, 3 and 6 tasks; of fill the sizes that take long
--only a,b  these workloads alone: ${WORKLOADS.map(({ name }) => name).join(' ')}
            of fill: ${FILL_WORKLOADS.map(({ name }) => name).join(' ')}
--rounds n
--tasks n,m MirrorMaker 2 with so many tasks, by turns (default 1,6): ratios are made with the best of each figure, and
            with the most tasks
--after n   per cent of the data that are appended before time and CPU count: without what a process compiles
            at first (default 0; the relay counts all)
--pinned    one core for the destination, another one for the source and who copies
--without p leaves a participant out: relay, replay, mirrorMaker
--json f    writes everything that was measured
--svg f     draws the chart (docs/images/bench.svg when the run is not quick and all workloads take part)
`;

const ROUNDS: Readonly<Record<Effort, number>> = { quick: 1, default: 3, full: 5 };
const QUICK_WORKLOADS = ['lz4-250k-6', 'plain-16k-6'];
/** On two cores one task is the fastest of small batches and costs least; one for each partition is what people run. */
const TASKS: Readonly<Record<Effort, readonly number[]>> = { quick: [1], default: [1, 6], full: [1, 3, 6] };
const CHARTED_PARTITIONS = 6;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    only: { type: 'string' },
    rounds: { type: 'string' },
    tasks: { type: 'string' },
    after: { type: 'string', default: '0' },
    pinned: { type: 'boolean', default: false },
    without: { type: 'string', multiple: true, default: [] },
    json: { type: 'string' },
    svg: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const effort: Effort = values.quick ? 'quick' : values.full ? 'full' : 'default';
const rounds = values.rounds === undefined ? ROUNDS[effort] : Number(values.rounds);
const taskCounts = values.tasks?.split(',').map(Number) ?? TASKS[effort];
const after = Number(values.after) / 100;
if (!(after >= 0 && after < 1)) throw new RangeError(`--after takes 0 to 99 per cent, not ${values.after}`);
if (!taskCounts.every((count) => Number.isInteger(count) && count > 0))
  throw new RangeError(`--tasks takes numbers, as in 1,3,6, not ${values.tasks}`);
const named = values.only?.split(',') ?? null;
const only = named ?? (effort === 'quick' ? QUICK_WORKLOADS : null);
const cores = values.pinned ? PINNED : SHARED;
const taking = (name: ParticipantName): boolean => !values.without.includes(name);

const measureRound = async (ground: Omit<Ground, 'tasks'>): Promise<Round> => {
  const run = async (participant: ParticipantName, tasks = 1): Promise<Run> => {
    const result = await PARTICIPANTS[participant]({ ...ground, tasks });
    console.log(runLine(result));
    return result;
  };
  const relay = taking('relay') ? [await run('relay')] : [];
  const link = [await run('link')];
  const replay = taking('replay') ? [await run('replay')] : [];
  const mirrorMaker: Run[] = [];
  for (const tasks of taking('mirrorMaker') ? taskCounts.filter((count) => count <= ground.workload.partitions) : [])
    mirrorMaker.push(await run('mirrorMaker', tasks));
  return { relay, link, replay, mirrorMaker };
};

const measureWorkload = async (rig: Rig, build: Build, workload: Workload): Promise<WorkloadResult> => {
  const { name, title } = workload;
  await using capture = await captureDirectory();
  const loaded = await rig.load(workload, effort);
  const ground = { rig, build, cores, workload, loaded, after, capture: capture.path };
  console.log(
    `\n${title}: ${(loaded.bytes / 1e6).toFixed(0)} MB, ${cores.title}${after > 0 ? `, counted after ${values.after} %` : ''}\n${runHeading()}`,
  );
  // They also warm up the brokers, which compile what they run while they run it, and touch the memory that all who follow use again.
  await captureRequests({ ...ground, tasks: 1 });
  await PARTICIPANTS.link({ ...ground, tasks: 1 });
  if (taking('replay')) await PARTICIPANTS.replay({ ...ground, tasks: 1 });
  const measured: Round[] = [];
  for (let round = 0; round < rounds; round++) measured.push(await measureRound(ground));
  await rig.clearSource();
  return {
    workload: name,
    title,
    megabytes: loaded.bytes / 1e6,
    batchBytes: loaded.batchBytes,
    ratios: ratiosOf(measured),
    rounds: measured,
  };
};

const mirror = async (): Promise<WorkloadResult[]> => {
  const workloads = WORKLOADS.filter(({ name }) => only === null || only.includes(name));
  if (workloads.length === 0) throw new Error(`no workload is called ${values.only}`);
  await using build = await buildProcesses();
  await using rig = await Rig.start(cores);
  const results: WorkloadResult[] = [];
  for (const workload of workloads) results.push(await measureWorkload(rig, build, workload));
  console.log(ratioTable(results));
  return results;
};

const micro = async (): Promise<MicroFigure[]> => {
  const figures = [...(await codecFigures()), ...(await protocolFigures())];
  printFigures(figures);
  return figures;
};

const fill = async (): Promise<readonly FillRun[]> => {
  await using build = await buildProcesses();
  return await fillFigures(build, effort, named);
};

const versions = {
  'kafka-link': packageJson.version,
  node: process.versions.node,
  sourceKafka: KAFKA_39,
  destinationKafka: KAFKA_NEWEST,
  mirrorMaker: MIRROR_MAKER_VERSION,
};
const machine = { cpus: cpus().length, model: cpus()[0]?.model ?? 'unknown', memoryGigabytes: Math.round(totalmem() / 1e9) };

const write = async (file: string, content: string): Promise<void> => {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
};

const main = async (): Promise<void> => {
  const [what = 'all'] = positionals;
  if (values.help || !['all', 'mirror', 'codec', 'fill'].includes(what)) {
    console.log(USAGE);
    return;
  }
  const asked = (part: string): boolean => what === 'all' || what === part;
  const results = asked('mirror') ? await mirror() : [];
  const figures = asked('codec') && effort !== 'quick' ? await micro() : [];
  // By name, `all` means workloads of the comparison.
  const filled = what === 'fill' || (what === 'all' && named === null) ? await fill() : [];
  if (values.json !== undefined) {
    const questions = QUESTIONS.map(({ key, text, ratio, targets }) => ({ key, text, ratio, targets }));
    await write(
      values.json,
      `${JSON.stringify({ effort, cores: cores.title, after, versions, machine, questions, results, micro: figures, fill: filled }, null, 2)}\n`,
    );
  }
  const complete = effort !== 'quick' && !values.pinned && after === 0 && only === null && asked('mirror') && values.without.length === 0;
  const svg = values.svg ?? (complete ? fileURLToPath(new URL('../docs/images/bench.svg', import.meta.url)) : undefined);
  if (svg !== undefined) {
    const charted = results.filter(({ workload }) => workload.endsWith(`-${CHARTED_PARTITIONS}`));
    const footer = `One broker each side (Kafka ${KAFKA_39} to ${KAFKA_NEWEST}), MirrorMaker ${MIRROR_MAKER_VERSION}, ${machine.cpus} cores for all. Ratios count, not figures.`;
    await write(svg, chart(charted, footer));
  }
};

await main();
