/** Who takes part in a comparison, and how one run of each is measured. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LinkSettings, SETTINGS } from '../src/index.ts';
import type { Build } from './child.ts';
import type { Cores } from './cores.ts';
import { startMirrorMaker } from './mirror-maker.ts';
import type { LinkProcessOptions } from './process/link.ts';
import type { RelayProcessOptions } from './process/relay.ts';
import type { ReplayProcessOptions } from './process/replay.ts';
import { cpuSeconds, peakMegabytes } from './process-usage.ts';
import { relayRequests } from './relay-requests.ts';
import { type Loaded, type Rig, TOPIC } from './rig.ts';
import type { Workload } from './workloads.ts';

export type ParticipantName = 'link' | 'relay' | 'replay' | 'mirrorMaker';

/** One run of one participant. Megabytes are 10^6 bytes. */
export interface Run {
  readonly participant: ParticipantName;
  /** Of MirrorMaker. */
  readonly tasks?: number;
  readonly seconds: number;
  readonly megabytesPerSecond: number;
  /** User and system time of the participant's own process, per 10^9 bytes moved. */
  readonly cpuSecondsPerGigabyte: number;
  readonly brokerCpuSecondsPerGigabyte: { readonly source: number; readonly destination: number } | null;
  readonly peakMegabytes: number | null;
  /** Of the whole process, its start included. */
  readonly lifetimeCpuSeconds: number | null;
}

/** Where a run takes place. */
export interface Ground {
  readonly rig: Rig;
  readonly build: Build;
  readonly cores: Cores;
  readonly workload: Workload;
  readonly loaded: Loaded;
  /** The share of the data, 0 to 1, that is appended before anything counts. */
  readonly after: number;
  /** Requests of a link, for the replay. */
  readonly capture: string;
  /** Other than the link's defaults. */
  readonly settings?: Partial<LinkSettings>;
  /** For the link's process: profilers and the like. */
  readonly nodeArguments?: readonly string[];
  /** Of MirrorMaker. */
  readonly tasks: number;
}

let runs = 0;
/** No two runs share a name: a link and MirrorMaker both remember themselves on the destination. */
const runName = (what: string): string => `${what}${++runs}`;

const linkOptions = ({ rig, settings }: Ground): LinkProcessOptions => ({
  name: runName('link'),
  source: rig.source.bootstrap,
  destination: rig.destination.bootstrap,
  topic: TOPIC,
  ...(settings && { settings }),
});

/** Runs a link that writes down its Produce requests; not measured. */
export const captureRequests = async (ground: Ground): Promise<void> => {
  await using link = ground.build.start('link', { ...linkOptions(ground), capture: ground.capture });
  await link.message<{ done: true }>('done');
  await link.dismiss();
  await ground.rig.clearDestination();
};

const observed = async (participant: ParticipantName, { rig, loaded, cores, after }: Ground, pid: number): Promise<Run> => {
  await cores.give(pid, 'copying');
  const { seconds, bytes, cpuSeconds: cpu } = await rig.observe(pid, loaded, after);
  const perGigabyte = (value: number): number => value / (bytes / 1e9);
  return {
    participant,
    seconds,
    megabytesPerSecond: bytes / 1e6 / seconds,
    cpuSecondsPerGigabyte: perGigabyte(cpu.participant),
    brokerCpuSecondsPerGigabyte: { source: perGigabyte(cpu.sourceBroker), destination: perGigabyte(cpu.destinationBroker) },
    peakMegabytes: peakMegabytes(pid),
    lifetimeCpuSeconds: cpuSeconds(pid),
  };
};

const link = async (ground: Ground): Promise<Run> => {
  await using child = ground.build.start('link', linkOptions(ground), ground.nodeArguments);
  const run = await observed('link', ground, child.pid);
  await child.dismiss();
  await ground.rig.clearDestination();
  return run;
};

const replay = async (ground: Ground): Promise<Run> => {
  const { rig, build, workload, capture, settings } = ground;
  const inFlight = settings?.appendInFlightRequests ?? SETTINGS.appendInFlightRequests.default;
  await rig.createMirror(workload);
  const { host, port } = rig.destination.broker(1);
  const options: ReplayProcessOptions = { host, port, capture, inFlight };
  await using child = build.start('replay', options);
  await child.message<{ requests: number }>('requests');
  const run = await observed('replay', ground, child.pid);
  await rig.clearDestination();
  return run;
};

const mirrorMaker = async (ground: Ground): Promise<Run> => {
  const { rig, workload, tasks } = ground;
  await using maker = await startMirrorMaker({
    name: runName('src'),
    source: rig.source.bootstrap,
    destination: rig.destination.bootstrap,
    topic: TOPIC,
    tasks,
    compression: workload.shape.compression,
  });
  try {
    return { ...(await observed('mirrorMaker', ground, maker.pid)), tasks };
  } catch (cause) {
    throw new Error(`MirrorMaker: ${cause instanceof Error ? cause.message : cause}\n${maker.tail()}`, { cause });
  } finally {
    await maker[Symbol.asyncDispose]();
    await rig.clearDestination();
  }
};

const relay = async ({ rig, build, cores, workload, loaded }: Ground): Promise<Run> => {
  await using directory = await scratchDirectory('relay');
  const requests = join(directory.path, 'requests');
  await writeFile(requests, relayRequests(workload, loaded));
  await using sink = build.start('sink', {});
  await cores.give(sink.pid, 'destination');
  const { port: to } = await sink.message<{ port: number }>('port');
  const { host, port } = rig.source.broker(1);
  await using child = build.start('relay', { from: { host, port }, to, requests } satisfies RelayProcessOptions);
  await cores.give(child.pid, 'copying');
  const { bytes, seconds, cpuSeconds: cpu } = await child.message<{ bytes: number; seconds: number; cpuSeconds: number }>('cpuSeconds');
  if (bytes < loaded.bytes) throw new Error(`the relay moved ${bytes} of ${loaded.bytes} bytes`);
  return {
    participant: 'relay',
    seconds,
    megabytesPerSecond: loaded.bytes / 1e6 / seconds,
    cpuSecondsPerGigabyte: cpu / (loaded.bytes / 1e9),
    brokerCpuSecondsPerGigabyte: null,
    peakMegabytes: null,
    lifetimeCpuSeconds: null,
  };
};

/** One measured run of each participant. */
export const PARTICIPANTS: Readonly<Record<ParticipantName, (ground: Ground) => Promise<Run>>> = { link, relay, replay, mirrorMaker };

const scratchDirectory = async (purpose: string): Promise<{ readonly path: string } & AsyncDisposable> => {
  const path = await mkdtemp(join(tmpdir(), `kafka-link-${purpose}-`));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
};

/** A directory for the requests of one workload, gone when it is done with. */
export const captureDirectory = (): ReturnType<typeof scratchDirectory> => scratchDirectory('capture');
