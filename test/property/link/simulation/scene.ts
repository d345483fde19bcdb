/** Everything there is in a simulation: two clusters with their logs, and the processes of a link between them. */
import type { PartitionMirror } from '../../../../src/link/replication/partition-mirror.ts';
import { DestinationLog } from './destination-log.ts';
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
  /** What the source's logs hold: batches without holes, or everything there is. */
  readonly logs: 'dense' | 'any';
  /** Where they start. */
  readonly sourceStart: number;
  readonly mayWriteMarkers: boolean;
}

/** One partition on both sides. */
export interface LogPair {
  readonly partition: number;
  readonly from: SourceLog;
  readonly to: DestinationLog;
}

export const SOURCE_BROKERS: readonly number[] = [1, 2];
export const DESTINATION_BROKERS: readonly number[] = [11, 12];

export class Scene {
  readonly options: SimulationOptions;
  readonly world: World;
  readonly pairs: readonly LogPair[];
  readonly source: SimBrokers;
  readonly destination: SimBrokers;
  readonly processes: LinkProcess[] = [];
  #starting = 0;

  constructor(options: SimulationOptions) {
    this.options = options;
    this.world = new World(options.seed);
    const { world } = this;
    // Brokers forget the producers of old records, but not those of new ones.
    const time = world.chance(0.5) ? 1_600_000_000_000 : 1_700_000_000_000;
    this.pairs = Array.from({ length: options.partitions }, (_, partition) => ({
      partition,
      from: new SourceLog(SOURCE_BROKERS[partition % 2] as number, { start: options.sourceStart, time }),
      to: new DestinationLog(DESTINATION_BROKERS[partition % 2] as number),
    }));
    const now = (): number => Math.floor(world.clock.wallTime());
    const logsOf = (side: 'from' | 'to') => this.pairs.map((pair) => pair[side]);
    this.source = new SimBrokers('source', SOURCE_BROKERS, logsOf('from'), now);
    this.destination = new SimBrokers('destination', DESTINATION_BROKERS, logsOf('to'), now);
    this.source.fetchVersion = options.fetchVersion;
    this.destination.mayWriteMarkers = options.mayWriteMarkers;
    // Without markers the sequence alone keeps everything in its place, however late it comes.
    if (options.logs === 'any') this.destination.longestLateness = FILL_GRACE_MS;
    for (const cache of this.source.sessions.values()) cache.capacity = options.sessionCapacity;
  }

  /** No process is about to start, and no broker still works on what it received over a connection that is gone. */
  get isQuiet(): boolean {
    return this.#starting === 0 && this.destination.ghosts === 0;
  }

  startProcess(): void {
    this.processes.push(new LinkProcess(this.world, this.source, this.destination, this.options));
  }

  /** Kills one, which is started again: that takes longer than a broker needs to finish what it has received. */
  restartProcess(): void {
    const { world, processes } = this;
    const [killed] = processes.splice(world.below(processes.length), 1);
    if (killed === undefined) return;
    killed.kill();
    this.#starting++;
    world.clock.schedule(FILL_GRACE_MS, () => {
      this.#starting--;
      this.startProcess();
    });
  }

  isCaughtUp({ phase, ackedOffset, partition }: PartitionMirror): boolean {
    const { from, to } = this.pairs[partition] as LogPair;
    // Of a hole before an open transaction a fetch tells nothing until that has ended.
    const isAtEnd = ackedOffset >= from.readableEnd && ackedOffset <= from.lastStableOffset;
    return phase === 'mirroring' && isAtEnd && to.end === ackedOffset && to.start === from.start;
  }

  /** Both logs of every partition, for people. */
  describe(): string {
    return this.pairs
      .flatMap(({ partition, from, to }) => {
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
      })
      .join('\n');
  }
}
