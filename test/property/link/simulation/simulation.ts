/** Link processes that mirror one topic between two simulated clusters, and the judge who watches them: what is wrong is a violation, with the seed that shows it. */
import { LinkError } from '../../../../src/errors.ts';
import { MirrorFailure, type MirrorTopicError } from '../../../../src/link/mirror-failure.ts';
import { type LinkProducer, PartitionMirror } from '../../../../src/link/replication/partition-mirror.ts';
import { Replicator } from '../../../../src/link/replication/replicator.ts';
import { ErrorCode } from '../../../../src/protocol/error-codes.ts';
import type { BatchKind } from './batches.ts';
import { DestinationLog, type Entry, isCopyOf, SourceLog } from './logs.ts';
import { SimBrokers } from './sim-brokers.ts';
import { SimCluster } from './sim-cluster.ts';
import { World } from './world.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly partitions: number;
  readonly processes: number;
  readonly acks: -1 | 1;
  readonly maxInFlightRequests: number;
  readonly bufferBytes: number;
  readonly partitionMaxBytes: number;
  /** Fetch sessions that a source broker keeps: 0 makes every fetch a full one. */
  readonly sessionCapacity: number;
  /** Of the source brokers: 11 knows no histories, 12 no topic ids. */
  readonly fetchVersion: number;
}

/** Faults that a mirror must get over by itself. */
export const TRANSIENT = [
  'append',
  'cutSource',
  'cutDestination',
  'moveSourceLeader',
  'moveDestinationLeader',
  'notEnoughReplicas',
  'notEnoughReplicasAfterAppend',
  'requestTimedOut',
  'notLeader',
  'evictSessions',
  'fetchError',
  'stopSourceBroker',
  'stopDestinationBroker',
  'restartBrokers',
  'killProcess',
  'replicate',
] as const;
/** What ends a mirror, with the reasons it may give. */
export const PERMANENT = {
  foreignWrite: ['DESTINATION_FOREIGN_WRITE', 'DESTINATION_DIVERGED'],
  loseSourceTail: ['UNEXPECTED_TRUNCATION'],
  control: ['UNSUPPORTED_TRANSACTION'],
  transactional: ['UNSUPPORTED_TRANSACTION'],
  'append-time': ['UNSUPPORTED_TIMESTAMP_TYPE'],
  sparse: ['UNSUPPORTED_SPARSE_BATCH'],
  empty: ['UNSUPPORTED_SPARSE_BATCH'],
  gap: ['UNSUPPORTED_OFFSET_GAP'],
  oldMessage: ['UNSUPPORTED_MESSAGE_FORMAT'],
  corrupt: ['CORRUPT_SOURCE_BATCH', 'RETRY_TIMEOUT'],
  compact: ['UNSUPPORTED_OFFSET_GAP', 'UNSUPPORTED_SPARSE_BATCH'],
  expire: ['SOURCE_RECORDS_EXPIRED', 'UNSUPPORTED_LOG_START'],
} as const satisfies Readonly<Record<string, readonly MirrorTopicError[]>>;
export type PermanentFault = keyof typeof PERMANENT;
export type Action = (typeof TRANSIENT)[number] | PermanentFault;

const SOURCE_BROKERS = [1, 2];
const DESTINATION_BROKERS = [11, 12];
const PRODUCER: LinkProducer = { producerId: 4_294_968_295n, producerEpoch: 3 };
const MAX_IN_FLIGHT = 5;
const CALM_STEPS = 6_000;

class LinkProcess {
  readonly source: SimCluster;
  readonly destination: SimCluster;
  readonly replicator: Replicator;
  readonly mirrors: readonly PartitionMirror[];
  readonly warnings: LinkError[] = [];

  constructor(world: World, source: SimBrokers, destination: SimBrokers, options: SimulationOptions) {
    this.source = new SimCluster(world, source);
    this.destination = new SimCluster(world, destination);
    this.replicator = new Replicator(
      {
        source: this.source.asCluster,
        destination: this.destination.asCluster,
        clock: world.clock,
        random: world.random,
        producer: PRODUCER,
        fetch: { responseMaxBytes: 2_000, partitionMaxBytes: options.partitionMaxBytes, minBytes: 1, waitMaxMs: 500 },
        append: { acks: options.acks, timeoutMs: 1_000, maxInFlightRequests: options.maxInFlightRequests, requestMaxBytes: 400 },
        fetchersPerBroker: 1,
        appendersPerBroker: 2,
        bufferBytes: options.bufferBytes,
        retry: { backoffMs: 10, maxBackoffMs: 100 },
        retryTimeoutMs: 30_000,
      },
      {
        phaseChanged: () => {},
        progressed: () => {},
        check: () => null,
        disturbed: (_, error) => this.warnings.push(error),
      },
    );
    this.mirrors = source.logs.map(
      (_, partition) =>
        new PartitionMirror(
          { topic: destination.topic, sourceTopic: source.topic, partition },
          PRODUCER,
          2 * options.partitionMaxBytes,
          this.replicator,
        ),
    );
    for (const mirror of this.mirrors) this.replicator.add(mirror);
  }

  /** The link's regular look at idle partitions: is the mirror's log what this process has made of it? */
  lookForForeignWrites(logs: readonly DestinationLog[]): void {
    for (const mirror of this.mirrors) {
      const { phase, inFlight, hasBatchToSend, ackedOffset } = mirror;
      const end = logs[mirror.partition]?.end;
      if (phase !== 'mirroring' || inFlight > 0 || hasBatchToSend || end === ackedOffset) continue;
      mirror.disturb(new LinkError('KLINK_DIVERGED', `${mirror.label} ends at ${end}, not at ${ackedOffset}`, { retriable: true }));
    }
  }
}

export class Simulation {
  readonly world: World;
  readonly violations: string[] = [];
  readonly sourceLogs: readonly SourceLog[];
  readonly destinationLogs: readonly DestinationLog[];
  readonly source: SimBrokers;
  readonly destination: SimBrokers;
  readonly processes: LinkProcess[] = [];
  /** Partitions on which something happened that a mirror need not survive, with the reasons that are right then. */
  readonly #doomed = new Map<number, Set<string>>();
  /** Where somebody else wrote first, by partition. */
  readonly #foreign = new Map<number, number>();
  readonly #options: SimulationOptions;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.world = new World(options.seed);
    const partitions = Array.from({ length: options.partitions });
    this.sourceLogs = partitions.map((_, index) => new SourceLog(SOURCE_BROKERS[index % 2] as number));
    this.destinationLogs = partitions.map((_, index) => new DestinationLog(DESTINATION_BROKERS[index % 2] as number));
    this.source = new SimBrokers('source', SOURCE_BROKERS, this.sourceLogs);
    this.destination = new SimBrokers('destination', DESTINATION_BROKERS, this.destinationLogs);
    this.source.fetchVersion = options.fetchVersion;
    for (const cache of this.source.sessions.values()) cache.capacity = options.sessionCapacity;
    for (const [partition, log] of this.destinationLogs.entries()) log.onAppend = (entry) => this.#judgeAppend(partition, entry);
    for (const log of this.sourceLogs) for (let n = this.world.below(12); n > 0; n--) log.append(this.world.random);
    for (let n = 0; n < options.processes; n++) this.#startProcess();
  }

  async steps(count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      await this.world.step();
      this.#judgeRequests();
    }
  }

  act(action: Action): void {
    const { world, source, destination } = this;
    world.note(`! ${action}`);
    const partition = world.below(this.sourceLogs.length);
    const from = this.sourceLogs[partition] as SourceLog;
    const to = this.destinationLogs[partition] as DestinationLog;
    const fault = (errorCode: number, isWritten: boolean): void => void destination.produceFaults.push({ errorCode, isWritten });
    const batchOf = (kind: BatchKind): void => {
      from.append(world.random, kind);
      this.#doom(partition, PERMANENT[kind as PermanentFault]);
    };
    switch (action) {
      case 'append':
        for (const log of this.sourceLogs) for (let n = world.below(5); n > 0; n--) log.append(world.random);
        break;
      case 'cutSource':
      case 'cutDestination': {
        const process = world.pick(this.processes);
        const cluster = action === 'cutSource' ? process?.source : process?.destination;
        const connection = world.pick(cluster?.connections ?? []);
        if (connection !== undefined) cluster?.cut(connection);
        break;
      }
      case 'moveSourceLeader':
        source.remember();
        source.staleAnswers = world.below(3);
        from.moveLeader(other(SOURCE_BROKERS, from.leader));
        from.beLate(world.below(3));
        break;
      case 'moveDestinationLeader':
        destination.remember();
        destination.staleAnswers = world.below(3);
        to.moveLeader(other(DESTINATION_BROKERS, to.leader), true);
        break;
      case 'notEnoughReplicas':
        fault(ErrorCode.NOT_ENOUGH_REPLICAS, false);
        break;
      case 'notEnoughReplicasAfterAppend':
        fault(ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND, true);
        break;
      case 'requestTimedOut':
        fault(ErrorCode.REQUEST_TIMED_OUT, true);
        break;
      case 'notLeader':
        fault(ErrorCode.NOT_LEADER_OR_FOLLOWER, false);
        break;
      case 'evictSessions':
        for (const cache of source.sessions.values()) cache.evict();
        break;
      case 'fetchError':
        source.fetchFaults.push(
          world.pick([ErrorCode.FETCH_SESSION_ID_NOT_FOUND, ErrorCode.UNKNOWN_SERVER_ERROR, ErrorCode.INVALID_FETCH_SESSION_EPOCH]) ?? 0,
        );
        break;
      case 'stopSourceBroker':
      case 'stopDestinationBroker': {
        const brokers = action === 'stopSourceBroker' ? source : destination;
        const broker = world.pick(brokers.ids) ?? 0;
        brokers.stop(broker);
        for (const process of this.processes) for (const cluster of [process.source, process.destination]) cluster.cutBroker(broker);
        break;
      }
      case 'restartBrokers':
        source.restartAll();
        destination.restartAll();
        break;
      case 'killProcess': {
        const [killed] = this.processes.splice(world.below(this.processes.length), 1);
        killed?.source.kill();
        killed?.destination.kill();
        this.#startProcess();
        break;
      }
      case 'replicate':
        for (const log of this.destinationLogs) log.replicate();
        break;
      case 'foreignWrite':
        this.#doom(partition, PERMANENT.foreignWrite);
        this.#foreign.set(partition, Math.min(to.end, this.#foreign.get(partition) ?? to.end));
        to.writeForeign(world.random);
        break;
      case 'loseSourceTail':
        source.remember();
        from.loseTail(1 + world.below(3), other(SOURCE_BROKERS, from.leader));
        this.#doom(partition, PERMANENT.loseSourceTail);
        break;
      case 'gap':
        from.skip(world.random, 1 + world.below(3));
        this.#doom(partition, PERMANENT.gap);
        break;
      case 'oldMessage':
        from.appendOldMessage();
        this.#doom(partition, PERMANENT.oldMessage);
        break;
      case 'corrupt':
        from.appendCorrupt(world.random);
        this.#doom(partition, PERMANENT.corrupt);
        break;
      case 'compact':
        from.compact(world.random, to.end);
        this.#doom(partition, PERMANENT.compact);
        break;
      case 'expire':
        from.expire(from.entries.length);
        this.#doom(partition, PERMANENT.expire);
        break;
      default:
        batchOf(action);
    }
  }

  /** No more faults: everything that can go on must go on until it is done. */
  async calmDown(): Promise<void> {
    this.act('restartBrokers');
    this.source.fetchFaults.length = 0;
    this.destination.produceFaults.length = 0;
    this.source.staleAnswers = 0;
    this.destination.staleAnswers = 0;
    for (const log of this.sourceLogs) log.lateAnswers = 0;
    for (const log of this.destinationLogs) log.replicate();
    for (let n = 1; n <= CALM_STEPS; n++) {
      if (n % 50 === 0) {
        for (const log of this.destinationLogs) log.replicate();
        for (const process of this.processes) process.lookForForeignWrites(this.destinationLogs);
        if (this.#isAtRest) break;
      }
      await this.steps(1);
    }
    for (const partition of this.sourceLogs.keys()) this.#judgeOutcome(partition);
  }

  async close(): Promise<void> {
    const closing = Promise.all(this.processes.map(({ replicator }) => replicator.close(1_000)));
    let isClosed = false;
    void closing.then(() => {
      isClosed = true;
    });
    for (let n = 0; n < 500 && !isClosed; n++) await this.steps(1);
    if (!isClosed) this.violations.push('close() does not end');
    for (const { mirrors, replicator } of this.processes) {
      for (const { label, inFlight, phase } of mirrors) {
        if (inFlight !== 0) this.violations.push(`${label}: ${inFlight} batches in flight after close`);
        if (phase !== 'closed' && phase !== 'failed') this.violations.push(`${label}: ${phase} after close`);
      }
      if (replicator.bufferedBytes !== 0) this.violations.push(`${replicator.bufferedBytes} bytes are never given back`);
    }
  }

  get #isAtRest(): boolean {
    return this.processes.every(({ mirrors }) =>
      mirrors.every(
        ({ phase, ackedOffset, inFlight, partition }) =>
          inFlight === 0 && (phase === 'failed' || (phase === 'mirroring' && ackedOffset === this.sourceLogs[partition]?.end)),
      ),
    );
  }

  #startProcess(): void {
    this.processes.push(new LinkProcess(this.world, this.source, this.destination, this.#options));
  }

  #doom(partition: number, reasons: readonly MirrorTopicError[]): void {
    const known = this.#doomed.get(partition) ?? new Set<string>();
    for (const reason of reasons) known.add(reason);
    this.#doomed.set(partition, known);
  }

  /** Whatever the link appends must be the source's batch of that offset. After a foreign write, what was on its way lands wrong: that is told by FAILED. */
  #judgeAppend(partition: number, { base, bytes }: Entry): void {
    if (this.#doomed.get(partition)?.has('DESTINATION_FOREIGN_WRITE') || this.#doomed.get(partition)?.has('UNEXPECTED_TRUNCATION')) return;
    if (!isCopyOf(this.sourceLogs[partition]?.history.get(base), bytes))
      this.violations.push(`partition ${partition}: what was appended at ${base} is not the source's batch`);
  }

  #judgeRequests(): void {
    this.violations.push(...this.destination.complaints.splice(0));
    for (const { destination, mirrors } of this.processes) {
      for (const { label, inFlight, partition, ackedOffset } of mirrors) {
        const foreign = this.#foreign.get(partition) ?? ackedOffset;
        if (this.#options.acks === -1 && ackedOffset > foreign)
          this.violations.push(`${label} takes ${ackedOffset} for copied, but ${foreign} is somebody else's`);
        if (inFlight > MAX_IN_FLIGHT || inFlight < 0) this.violations.push(`${label}: ${inFlight} batches in flight`);
      }
      const lanes = new Map<number, string>();
      for (const connection of destination.connections) {
        for (const { topicData } of connection.produces) {
          for (const index of topicData.flatMap(({ partitionData }) => partitionData.map((data) => data.index))) {
            const lane = lanes.get(index) ?? connection.name;
            if (lane !== connection.name) this.violations.push(`partition ${index} is on its way on ${lane} and ${connection.name}`);
            lanes.set(index, lane);
          }
        }
      }
    }
  }

  #judgeOutcome(partition: number): void {
    const from = this.sourceLogs[partition] as SourceLog;
    const to = this.destinationLogs[partition] as DestinationLog;
    const allowed = this.#doomed.get(partition);
    const wrong = to.entries.find(({ base, bytes }) => !isCopyOf(from.history.get(base), bytes));
    for (const { mirrors } of this.processes) {
      const mirror = mirrors[partition] as PartitionMirror;
      const { label, phase, error } = mirror;
      if (phase === 'failed') {
        const reason = error instanceof MirrorFailure ? error.reason : String(error);
        if (allowed === undefined || !allowed.has(reason)) this.violations.push(`${label} failed without need: ${error?.message}`);
      } else if (wrong !== undefined) {
        this.violations.push(`${label} is ${phase}, but what it holds at ${wrong.base} is not the source's`);
      } else if (phase !== 'mirroring' || mirror.ackedOffset !== from.end || to.end !== from.end) {
        this.violations.push(`${label} never catches up: ${phase}, ${mirror.ackedOffset} of ${from.end}, ${error?.message}`);
      } else if (error !== null) {
        this.violations.push(`${label} is well again, and still shows: ${error.message}`);
      }
    }
  }
}

const other = (brokers: readonly number[], than: number): number => brokers.find((broker) => broker !== than) ?? than;
