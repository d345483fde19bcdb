/** A partition as the cluster sees it: where its replicas are, who leads, in which epoch, and the one log they all share. */
import { type LogSurroundings, PartitionLog } from './log/partition-log.ts';

/** What makes a partition. */
export interface PartitionSetup extends Omit<LogSurroundings, 'changed'> {
  readonly topic: string;
  readonly topicId: string;
  readonly index: number;
  readonly replicas: readonly number[];
}

/** Stands for the leader of a partition that has none. */
export const NO_LEADER = -1;

/**
 * Replication is played, not done: every replica reads the same log, so followers are always caught up unless a test holds the high watermark back.
 * What is real is what a client can see of it: leader, epoch, in-sync replicas and the errors that go with their changes.
 */
export class Partition {
  readonly topic: string;
  readonly topicId: string;
  readonly index: number;
  readonly log: PartitionLog;
  replicas: readonly number[];
  isr: readonly number[];
  leader: number;
  leaderEpoch = 0;
  readonly #watchers = new Set<() => void>();

  constructor({ topic, topicId, index, replicas, ...log }: PartitionSetup) {
    this.topic = topic;
    this.topicId = topicId;
    this.index = index;
    this.replicas = replicas;
    this.isr = replicas;
    this.leader = replicas[0] ?? NO_LEADER;
    this.log = new PartitionLog({ ...log, changed: () => this.changed() });
    this.log.epochs.assign(0, 0n);
  }

  /** Calls `wake` after every change of leader, replicas or log, until the returned function is called. */
  watch(wake: () => void): () => void {
    this.#watchers.add(wake);
    return () => this.#watchers.delete(wake);
  }

  changed(): void {
    for (const wake of [...this.#watchers]) wake();
  }

  /** Gives the lead to `leader` in a new epoch, which begins at the log end. */
  lead(leader: number): void {
    this.leader = leader;
    this.leaderEpoch++;
    if (leader !== NO_LEADER) this.log.epochs.assign(this.leaderEpoch, this.log.endOffset);
    this.changed();
  }

  /** A broker is gone: it leaves the in-sync replicas unless it is the last of them, and a partition it led is led by the next one in sync. */
  lose(broker: number, isAlive: (broker: number) => boolean): void {
    if (!this.replicas.includes(broker)) return;
    const rest = this.isr.filter((id) => id !== broker);
    if (rest.length > 0) this.isr = rest;
    if (this.leader === broker) this.lead(this.#candidate(isAlive));
    else this.changed();
  }

  /** A broker is back: it leads again what nobody could lead without it, and is soon in sync with the rest. */
  regain(broker: number, isAlive: (broker: number) => boolean): void {
    if (!this.replicas.includes(broker)) return;
    if (this.leader === NO_LEADER) {
      const candidate = this.#candidate(isAlive);
      if (candidate !== NO_LEADER) this.lead(candidate);
    }
    if (this.leader !== NO_LEADER && !this.isr.includes(broker))
      this.isr = this.replicas.filter((id) => id === broker || this.isr.includes(id));
    this.changed();
  }

  /** The preferred order of Kafka: the first replica that is in sync and alive. */
  #candidate(isAlive: (broker: number) => boolean): number {
    return this.replicas.find((id) => this.isr.includes(id) && isAlive(id)) ?? NO_LEADER;
  }
}

/** A topic and its partitions. */
export interface Topic {
  readonly name: string;
  readonly id: string;
  /** Grows with CreatePartitions. */
  readonly partitions: Partition[];
}
