/** Watches a simulation: what the link does, what it says of itself, and what it must say. Whatever is wrong is a violation. */
import { MirrorFailure } from '../../../../src/link/mirror-failure.ts';
import type { PartitionMirror } from '../../../../src/link/replication/partition-mirror.ts';
import { Produce } from '../../../../src/protocol/messages/produce.ts';
import { WriteTxnMarkers } from '../../../../src/protocol/messages/write-txn-markers.ts';
import type { DestinationEntry } from './destination-log.ts';
import { PERMANENT } from './faults.ts';
import { wrongAppend, wrongLog } from './judge.ts';
import type { LinkProcess } from './link-process.ts';
import type { LogPair, Scene } from './scene.ts';

const MAX_IN_FLIGHT = 5;
/** What a mirror says that may not fill offsets. */
const REFUSALS = ['UNSUPPORTED_OFFSET_GAP', 'UNSUPPORTED_TRANSACTION', 'UNSUPPORTED_SPARSE_BATCH'];

export class Umpire {
  readonly violations: string[] = [];
  readonly #scene: Scene;
  /** By partition, the reasons with which its mirror may fail after what happened to it. */
  readonly #doomed = new Map<number, Set<string>>();
  /** Partitions to which something happened for which the link cannot answer: from then on the mirror may be wrong, but only if it says so. */
  readonly #excused = new Set<number>();
  /** Partitions at whose end there may be nothing by which a link could tell that what is there is wrong. */
  readonly #blind = new Set<number>();
  /** Where somebody else wrote first, by partition. */
  readonly #foreign = new Map<number, number>();

  constructor(scene: Scene) {
    this.#scene = scene;
    scene.destination.onLate = (partition) => this.excuse(partition, PERMANENT.lateRequest);
    for (const pair of scene.pairs) pair.to.onAppend = (entry) => this.#judgeAppend(pair, entry);
  }

  /** The mirror of this partition may fail, for one of these reasons. */
  doom(partition: number, reasons: readonly string[]): void {
    this.#doomed.set(partition, new Set([...(this.#doomed.get(partition) ?? []), ...reasons]));
  }

  /** It may even be wrong, if it says so; in logs with holes, where nothing may be left by which to tell, also if it does not: `blindly`. */
  excuse(partition: number, reasons: readonly string[], blindly = false): void {
    this.doom(partition, reasons);
    this.#excused.add(partition);
    if (blindly && this.#scene.options.logs === 'any') this.#blind.add(partition);
  }

  /** Somebody else is about to write to a mirror. */
  expectForeign({ partition, to }: LogPair): void {
    this.excuse(partition, PERMANENT.foreignWrite);
    this.#foreign.set(partition, Math.min(to.end, this.#foreign.get(partition) ?? to.end));
  }

  /** One of the two logs has become shorter: the source may have lost what its mirror does not have. */
  expectExpiry({ partition, from, to }: LogPair): void {
    if (from.start <= to.end) return;
    const { sourceTrimmed, fillPolicy, mayWriteMarkers } = this.#scene.options;
    if (sourceTrimmed === 'stop') this.doom(partition, PERMANENT.trimAhead);
    else if (fillPolicy === 'markers' && !mayWriteMarkers) this.doom(partition, ['FILL_NOT_AUTHORIZED']);
  }

  judgeRequests(): void {
    this.violations.push(...this.#scene.destination.complaints.splice(0));
    for (const process of this.#scene.processes) {
      for (const mirror of process.mirrors) this.#judgeProgress(mirror);
      this.#judgeLanes(process);
    }
  }

  /** When nothing happens any more. */
  judgeOutcome(): void {
    for (const pair of this.#scene.pairs) {
      const wrong = wrongLog(pair.to, pair.from, this.#scene.options.fillPolicy);
      if (wrong !== null && !this.#excused.has(pair.partition)) this.violations.push(`partition ${pair.partition}: ${wrong}`);
      for (const { mirrors } of this.#scene.processes) this.#judgeMirror(mirrors[pair.partition] as PartitionMirror, pair, wrong);
    }
  }

  /** Whatever the link appends must be what the source has there. What was on its way when somebody spoilt the mirror lands wrong: FAILED tells. */
  #judgeAppend({ partition, from }: LogPair, entry: DestinationEntry): void {
    const { fillPolicy, processes } = this.#scene.options;
    // Markers cannot be compared and appended: two processes that fill the same hole fill it twice, and the next hole may hide it.
    if (entry.kind === 'marker' && processes > 1) this.excuse(partition, PERMANENT.lateRequest, true);
    const wrong = wrongAppend(entry, from, fillPolicy);
    if (wrong === null) return;
    if (this.#excused.has(partition)) this.doom(partition, PERMANENT.foreignWrite);
    else this.violations.push(`partition ${partition}: ${wrong}`);
  }

  #judgeProgress({ label, inFlight, partition, ackedOffset }: PartitionMirror): void {
    if (inFlight > MAX_IN_FLIGHT || inFlight < 0) this.violations.push(`${label}: ${inFlight} batches in flight`);
    const { logs, acks } = this.#scene.options;
    const foreign = this.#foreign.get(partition) ?? ackedOffset;
    const isLost = foreign < (this.#scene.pairs[partition]?.from.start ?? 0);
    // The answer to a marker does not tell where it is: the next batch is what meets the foreign record.
    if (logs === 'dense' && acks === -1 && ackedOffset > foreign && !isLost && this.violations.length === 0)
      this.violations.push(`${label} takes ${ackedOffset} for copied, but ${foreign} is somebody else's`);
  }

  /** What a partition has on its way is on one connection: batches keep their order there, and markers let nothing overtake them. */
  #judgeLanes({ destination }: LinkProcess): void {
    const lanes = new Map<number, string>();
    for (const connection of destination.connections) {
      for (const index of new Set([...connection.pending(Produce), ...connection.pending(WriteTxnMarkers)])) {
        const lane = lanes.get(index) ?? connection.name;
        if (lane !== connection.name) this.violations.push(`partition ${index} is on its way on ${lane} and ${connection.name}`);
        lanes.set(index, connection.name);
      }
    }
  }

  #judgeMirror(mirror: PartitionMirror, { partition, from, to }: LogPair, wrong: string | null): void {
    const { label, phase, error, ackedOffset } = mirror;
    if (phase === 'failed') {
      const reason = error instanceof MirrorFailure ? error.reason : String(error);
      if (!this.#mayFail(partition, reason)) this.violations.push(`${label} failed without need: ${error?.message}`);
    } else if (wrong !== null) {
      if (!this.#blind.has(partition)) this.violations.push(`${label} is ${phase}, but ${wrong}`);
    } else if (!this.#scene.isCaughtUp(mirror)) {
      const ends = `${ackedOffset} of ${from.start} to ${from.lastStableOffset}, the mirror has ${to.start} to ${to.end}`;
      this.violations.push(`${label} never catches up: ${phase}, ${ends}, ${error?.message}`);
    } else if (error !== null) {
      this.violations.push(`${label} is well again, and still shows: ${error.message}`);
    }
  }

  #mayFail(partition: number, reason: string): boolean {
    const { fillPolicy, mayWriteMarkers, logs } = this.#scene.options;
    if (this.#doomed.get(partition)?.has(reason)) return true;
    if (logs === 'dense') return false;
    if (fillPolicy === 'refuse') return REFUSALS.includes(reason);
    return fillPolicy === 'markers' && !mayWriteMarkers && reason === 'FILL_NOT_AUTHORIZED';
  }
}
