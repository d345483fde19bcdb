/** Link processes that mirror one topic between two simulated clusters, and what happens to them: what is wrong is a violation, with the seed that shows it. */
import { MirrorFailure } from '../../../../src/link/mirror-failure.ts';
import type { PartitionMirror } from '../../../../src/link/replication/partition-mirror.ts';
import { ErrorCode } from '../../../../src/protocol/error-codes.ts';
import { Produce } from '../../../../src/protocol/messages/produce.ts';
import { WriteTxnMarkers } from '../../../../src/protocol/messages/write-txn-markers.ts';
import { type DestinationEntry, DestinationLog } from './destination-log.ts';
import { type Action, EVENTS, PERMANENT } from './faults.ts';
import { wrongAppend, wrongLog } from './judge.ts';
import { FILL_GRACE_MS, LinkProcess, type LinkSettings } from './link-process.ts';
import { factsOf } from './record-reader.ts';
import { SimBrokers } from './sim-brokers.ts';
import { SourceLog } from './source-log.ts';
import { World } from './world.ts';

export interface SimulationOptions extends LinkSettings {
  readonly seed: number;
  readonly partitions: number;
  readonly processes: number;
  /** Fetch sessions that a source broker keeps: 0 makes every fetch a full one. */
  readonly sessionCapacity: number;
  /** Of the source brokers: 11 knows no histories, 12 no topic ids. */
  readonly fetchVersion: number;
  /** What the source's logs hold from the beginning: batches without holes, or everything there is. */
  readonly logs: 'dense' | 'any';
  /** Where they start. */
  readonly sourceStart: number;
  readonly mayWriteMarkers: boolean;
}

const SOURCE_BROKERS = [1, 2];
const DESTINATION_BROKERS = [11, 12];
const MAX_IN_FLIGHT = 5;
const CALM_STEPS = 20_000;
/** By then a broker has written to disk where a log starts. */
const CHECKPOINT_MS = 60_000;
const DAY_MS = 86_400_000;

export class Simulation {
  readonly world: World;
  readonly violations: string[] = [];
  readonly sourceLogs: readonly SourceLog[];
  readonly destinationLogs: readonly DestinationLog[];
  readonly source: SimBrokers;
  readonly destination: SimBrokers;
  readonly processes: LinkProcess[] = [];
  #starting = 0;
  /** Partitions on which something happened that a mirror need not survive, with the reasons that are right then. */
  readonly #doomed = new Map<number, Set<string>>();
  /** Partitions to which something happened for which the link cannot answer: from then on the mirror may be wrong, but only if it says so. */
  readonly #excused = new Set<number>();
  /** Partitions at whose end there may be nothing by which a link could tell that what is there is wrong. */
  readonly #blind = new Set<number>();
  /** Where somebody else wrote first, by partition. */
  readonly #foreign = new Map<number, number>();
  readonly #startedAt = new Map<DestinationLog, { readonly start: number; readonly at: number }>();
  readonly #options: SimulationOptions;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.world = new World(options.seed);
    const { world } = this;
    const time = (): number => Math.floor(world.clock.wallTime());
    const partitions = Array.from({ length: options.partitions });
    // Old records make a broker forget their producer, new ones do not.
    const recordTime = world.chance(0.5) ? 1_600_000_000_000 : 1_700_000_000_000;
    this.sourceLogs = partitions.map(
      (_, index) => new SourceLog(SOURCE_BROKERS[index % 2] as number, { start: options.sourceStart, time: recordTime }),
    );
    this.destinationLogs = partitions.map((_, index) => new DestinationLog(DESTINATION_BROKERS[index % 2] as number));
    this.source = new SimBrokers('source', SOURCE_BROKERS, this.sourceLogs, time);
    this.destination = new SimBrokers('destination', DESTINATION_BROKERS, this.destinationLogs, time);
    this.source.fetchVersion = options.fetchVersion;
    this.destination.mayWriteMarkers = options.mayWriteMarkers;
    // Without markers the sequence alone keeps everything in its place, however late it comes.
    if (options.logs === 'any') this.destination.longestLateness = FILL_GRACE_MS;
    this.destination.onLate = (partition) => this.#excuse(partition, PERMANENT.lateRequest);
    for (const cache of this.source.sessions.values()) cache.capacity = options.sessionCapacity;
    for (const [partition, log] of this.destinationLogs.entries()) log.onAppend = (entry) => this.#judgeAppend(partition, entry);
    for (const log of this.sourceLogs) {
      if (options.logs === 'any') this.#makeHistory(log);
      else for (let n = world.below(12); n > 0; n--) log.append(world.random);
    }
    for (let n = 0; n < options.processes; n++) this.#startProcess();
  }

  async steps(count: number): Promise<void> {
    // What was done to the world is noticed before time goes on.
    await this.world.settle();
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
    const fault = (errorCode: number, isWritten: boolean): void => void destination.writeFaults.push({ errorCode, isWritten });
    switch (action) {
      case 'append':
        for (const log of this.sourceLogs) for (let n = world.below(5); n > 0; n--) log.append(world.random);
        break;
      case 'appendTime':
        from.append(world.random, 'append-time');
        break;
      case 'transactional':
        for (let n = world.below(3); n >= 0; n--) from.append(world.random, 'transactional');
        break;
      case 'commit':
      case 'abort':
        from.endTransaction(world.random, action);
        break;
      case 'unknownControl':
        from.appendUnknownControl();
        break;
      case 'clean':
        from.clean(world.random, to.end);
        break;
      case 'trim':
        this.#trim(from, from.start + world.below(Math.max(1, Math.min(to.end, from.highWatermark) - from.start + 1)));
        break;
      case 'trimAhead':
        this.#trim(from, from.start + world.below(from.highWatermark - from.start + 1));
        break;
      case 'cutSource':
      case 'cutDestination': {
        const process = world.pick(this.processes);
        const cluster = action === 'cutSource' ? process?.source : process?.destination;
        const connection = world.pick(cluster?.connections ?? []);
        if (connection !== undefined) cluster?.cut(connection);
        break;
      }
      case 'lateRequest': {
        const cluster = world.pick(this.processes)?.destination;
        const connection = world.pick((cluster?.connections ?? []).filter((open) => open.isWriting));
        if (connection === undefined) break;
        const from = FILL_GRACE_MS * (2 + world.below(60));
        destination.unexpectedLateness.push({ from, until: Number.POSITIVE_INFINITY, isUnexpected: true });
        cluster?.cut(connection);
        destination.unexpectedLateness.length = 0;
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
        // A leader that has lost everything takes any sequence, also that of a batch which was sent to it when it led before.
        if (to.producers.size === 0 && this.#options.acks === 1) this.#excuse(partition, PERMANENT.foreignWrite);
        this.#expireIfAhead(partition);
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
        if (killed === undefined) break;
        killed.kill();
        this.#starting++;
        // A process takes longer to start than a broker to finish what it has received.
        world.clock.schedule(FILL_GRACE_MS, () => {
          this.#starting--;
          this.#startProcess();
        });
        break;
      }
      case 'replicate':
        for (const log of this.destinationLogs) log.replicate();
        break;
      case 'forgetStart':
        this.#forgetStart(to);
        break;
      case 'dropDeleted':
        to.dropDeleted();
        break;
      case 'cleanMirror':
        to.clean(world.random);
        break;
      case 'forgetProducers':
        // Fillers in the wrong place may do no harm, and are told of all the same.
        this.#excuse(partition, this.#options.fillPolicy === 'markers' ? [] : PERMANENT.forgetProducers);
        to.forgetProducers(world.clock.wallTime() - DAY_MS);
        break;
      case 'foreignWrite':
        this.#excuse(partition, PERMANENT.foreignWrite);
        this.#foreign.set(partition, Math.min(to.end, this.#foreign.get(partition) ?? to.end));
        to.writeForeign(world.random);
        break;
      case 'loseSourceTail':
        source.remember();
        from.loseTail(1 + world.below(3), other(SOURCE_BROKERS, from.leader));
        this.#excuse(partition, PERMANENT.loseSourceTail);
        // Fillers have nothing in them by which another end could be told from the one that was copied.
        if (this.#options.logs === 'any') this.#blind.add(partition);
        break;
      case 'oldMessage':
        from.appendOldMessage();
        this.#doom(partition, PERMANENT.oldMessage);
        break;
      case 'corrupt':
        from.appendCorrupt(world.random);
        this.#doom(partition, PERMANENT.corrupt);
        break;
      default:
        throw new Error(`unknown action ${action satisfies never}`);
    }
  }

  /** No more faults: everything that can go on must go on until it is done. */
  async calmDown(): Promise<void> {
    this.act('restartBrokers');
    this.source.fetchFaults.length = 0;
    this.destination.writeFaults.length = 0;
    this.source.staleAnswers = 0;
    this.destination.staleAnswers = 0;
    for (const log of this.sourceLogs) {
      log.lateAnswers = 0;
      // Some stay open for ever: their producers are dead.
      if (this.world.chance(0.5)) log.endAllTransactions(this.world.random);
    }
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

  /** Both logs of every partition, for people. */
  describe(): string {
    const lines = this.sourceLogs.flatMap((from, partition) => {
      const to = this.destinationLogs[partition] as DestinationLog;
      const source = from.entries.map(({ base, next, bytes, transaction }) => {
        if (bytes.readInt8(16) !== 2) return `${base} of format v1`;
        const { attributes, count } = factsOf(bytes);
        return `${base}-${next - 1} ${count} records ${attributes.toString(16)}${transaction === null ? '' : ` ${transaction.state}`}`;
      });
      const mirror = to.entries.map(({ base, next, kind }) => `${base}-${next - 1} ${kind}`);
      return [
        `source ${partition} from ${from.start}, stable up to ${from.lastStableOffset}: ${source.join(' | ')}`,
        `mirror ${partition} from ${to.start}: ${mirror.join(' | ')}`,
      ];
    });
    return lines.join('\n');
  }

  async close(): Promise<void> {
    const closing = Promise.all(this.processes.map((process) => process.close()));
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
    if (this.#starting > 0 || this.destination.ghosts > 0) return false;
    return this.processes.every(({ mirrors }) =>
      mirrors.every((mirror) => mirror.inFlight === 0 && (mirror.phase === 'failed' || this.#isCaughtUp(mirror))),
    );
  }

  #isCaughtUp({ phase, ackedOffset, partition }: PartitionMirror): boolean {
    const from = this.sourceLogs[partition] as SourceLog;
    const to = this.destinationLogs[partition] as DestinationLog;
    // Of a hole before an open transaction a fetch tells nothing until that has ended.
    const isAtEnd = ackedOffset >= from.readableEnd && ackedOffset <= from.lastStableOffset;
    return phase === 'mirroring' && isAtEnd && to.end === ackedOffset && to.start === from.start;
  }

  /** A life before the link: everything that logs go through. */
  #makeHistory(log: SourceLog): void {
    const { world } = this;
    for (let n = world.below(16); n > 0; n--) {
      const event = world.pick(EVENTS);
      if (event === 'appendTime') log.append(world.random, 'append-time');
      else if (event === 'transactional') log.append(world.random, 'transactional');
      else if (event === 'commit' || event === 'abort') log.endTransaction(world.random, event);
      else if (event === 'unknownControl') log.appendUnknownControl();
      else if (event === 'clean') log.clean(world.random, 0);
      else if (event === 'trim') log.trim(log.start + world.below(Math.max(1, (log.end - log.start) >> 1)));
      else log.append(world.random);
    }
  }

  #startProcess(): void {
    this.processes.push(new LinkProcess(this.world, this.source, this.destination, this.#options));
  }

  #trim(log: SourceLog, start: number): void {
    log.trim(start);
    this.#expireIfAhead(this.sourceLogs.indexOf(log));
  }

  /** The source has lost what its mirror does not have. */
  #expireIfAhead(partition: number): void {
    if ((this.sourceLogs[partition]?.start ?? 0) <= (this.destinationLogs[partition]?.end ?? 0)) return;
    const { sourceTrimmed, fillPolicy, mayWriteMarkers } = this.#options;
    if (sourceTrimmed === 'stop') this.#doom(partition, PERMANENT.trimAhead);
    else if (fillPolicy === 'markers' && !mayWriteMarkers) this.#doom(partition, ['FILL_NOT_AUTHORIZED']);
  }

  /** A broker crashes before the log start was on disk, and is back at once. */
  #forgetStart(log: DestinationLog): void {
    const moved = this.#startedAt.get(log);
    if (moved === undefined || this.world.clock.now() - moved.at > CHECKPOINT_MS) return;
    log.forgetStart();
    for (const process of this.processes) process.destination.cutBroker(log.leader);
  }

  #doom(partition: number, reasons: readonly string[]): void {
    const known = this.#doomed.get(partition) ?? new Set<string>();
    for (const reason of reasons) known.add(reason);
    this.#doomed.set(partition, known);
  }

  #excuse(partition: number, reasons: readonly string[]): void {
    this.#doom(partition, reasons);
    this.#excused.add(partition);
  }

  /** The reasons that a mirror may give for having stopped. */
  #allowedReasons(partition: number): ReadonlySet<string> {
    const { fillPolicy, mayWriteMarkers, logs } = this.#options;
    const allowed = new Set(this.#doomed.get(partition));
    if (logs === 'dense') return allowed;
    if (fillPolicy === 'markers' && !mayWriteMarkers) allowed.add('FILL_NOT_AUTHORIZED');
    if (fillPolicy === 'refuse')
      for (const reason of ['UNSUPPORTED_OFFSET_GAP', 'UNSUPPORTED_TRANSACTION', 'UNSUPPORTED_SPARSE_BATCH']) allowed.add(reason);
    return allowed;
  }

  /** Whatever the link appends must be what the source has there. What was on its way when somebody spoilt the mirror lands wrong: FAILED tells. */
  #judgeAppend(partition: number, entry: DestinationEntry): void {
    const { fillPolicy, processes } = this.#options;
    // Markers cannot be compared and appended: two processes that fill the same hole fill it twice, and the next hole may hide it.
    if (entry.kind === 'marker' && processes > 1) {
      this.#excuse(partition, PERMANENT.lateRequest);
      this.#blind.add(partition);
    }
    const wrong = wrongAppend(entry, this.sourceLogs[partition] as SourceLog, fillPolicy);
    if (wrong === null) return;
    if (this.#excused.has(partition)) this.#doom(partition, PERMANENT.foreignWrite);
    else this.violations.push(`partition ${partition}: ${wrong}`);
  }

  #judgeRequests(): void {
    this.violations.push(...this.destination.complaints.splice(0));
    for (const log of this.destinationLogs) {
      if (this.#startedAt.get(log)?.start !== log.start) this.#startedAt.set(log, { start: log.start, at: this.world.clock.now() });
    }
    for (const { destination, mirrors } of this.processes) {
      for (const { label, inFlight, partition, ackedOffset } of mirrors) {
        const foreign = this.#foreign.get(partition) ?? ackedOffset;
        const isLost = foreign < (this.sourceLogs[partition]?.start ?? 0);
        // The answer to a marker does not tell where it is: the next batch is what meets the foreign record.
        if (this.#options.logs === 'dense' && this.#options.acks === -1 && ackedOffset > foreign && !isLost && this.violations.length === 0)
          this.violations.push(`${label} takes ${ackedOffset} for copied, but ${foreign} is somebody else's`);
        if (inFlight > MAX_IN_FLIGHT || inFlight < 0) this.violations.push(`${label}: ${inFlight} batches in flight`);
      }
      const lanes = new Map<number, string>();
      for (const connection of destination.connections) {
        const [produced, filled] = [connection.pending(Produce), connection.pending(WriteTxnMarkers)];
        for (const index of new Set([...produced, ...filled])) {
          const lane = lanes.get(index) ?? connection.name;
          if (lane !== connection.name) this.violations.push(`partition ${index} is on its way on ${lane} and ${connection.name}`);
          lanes.set(index, connection.name);
        }
      }
    }
  }

  #judgeOutcome(partition: number): void {
    const from = this.sourceLogs[partition] as SourceLog;
    const to = this.destinationLogs[partition] as DestinationLog;
    const allowed = this.#allowedReasons(partition);
    const wrong = wrongLog(to, from, this.#options.fillPolicy);
    if (wrong !== null && !this.#excused.has(partition)) this.violations.push(`partition ${partition}: ${wrong}`);
    for (const { mirrors } of this.processes) {
      const mirror = mirrors[partition] as PartitionMirror;
      const { label, phase, error } = mirror;
      if (phase === 'failed') {
        const reason = error instanceof MirrorFailure ? error.reason : String(error);
        if (!allowed.has(reason)) this.violations.push(`${label} failed without need: ${error?.message}`);
      } else if (wrong !== null) {
        if (!this.#blind.has(partition)) this.violations.push(`${label} is ${phase}, but ${wrong}`);
      } else if (!this.#isCaughtUp(mirror)) {
        const ends = `${mirror.ackedOffset} of ${from.start} to ${from.lastStableOffset}, the mirror has ${to.start} to ${to.end}`;
        this.violations.push(`${label} never catches up: ${phase}, ${ends}, ${error?.message}`);
      } else if (error !== null) {
        this.violations.push(`${label} is well again, and still shows: ${error.message}`);
      }
    }
  }
}

const other = (brokers: readonly number[], than: number): number => brokers.find((broker) => broker !== than) ?? than;
