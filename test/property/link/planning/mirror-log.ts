/** The mirror's log as a leader keeps it, by the embedded cluster's rules: they know nothing of the link, and take what real brokers take. */
import { buildEndTxnMarker } from '../../../../src/codec/batch-builder.ts';
import type { TransactionEnd } from '../../../../src/link/replication/mapped-producer.ts';
import { logConfigOf } from '../../../../src/testing/config/topic-configs.ts';
import { MemoryBudget } from '../../../../src/testing/log/memory-budget.ts';
import { PartitionLog } from '../../../../src/testing/log/partition-log.ts';
import type { ProducerState } from '../../../../src/testing/log/producer-state.ts';
import { acceptBatch, theOneBatch } from '../../../../src/testing/produce-rules.ts';
import type { Answer, Isolation, Readable } from './consumer.ts';

const PRODUCE_VERSION = 11;
const MANY_BYTES = 1 << 30;
const NOW = 1_700_000_000_000n;
const LEADER_EPOCH = 0;
const configs: Readonly<Record<string, string>> = {
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'max.message.bytes': '10000000',
  'segment.bytes': '1000000000',
  'segment.ms': '9223372036854775807',
};
const config = logConfigOf((name) => configs[name]);

export class MirrorLog implements Readable {
  lastTimestamp = -1n;
  readonly #log = new PartitionLog({
    config: () => config,
    budget: new MemoryBudget(MANY_BYTES),
    release: '4.1',
    now: () => NOW,
    changed: () => undefined,
  });

  constructor(start: number) {
    this.#log.startAt(BigInt(start));
  }

  get start(): number {
    return Number(this.#log.startOffset);
  }

  get end(): number {
    return Number(this.#log.endOffset);
  }

  get lastStableOffset(): number {
    return Number(this.#log.lastStableOffset);
  }

  /** What DescribeProducers answers. */
  get producers(): readonly ProducerState[] {
    return [...this.#log.producers.all()];
  }

  /** Returns the offset that the batch got. Rejects as a leader refuses. */
  async produce(records: Buffer): Promise<number> {
    const batch = theOneBatch(records, PRODUCE_VERSION);
    const accepted = await acceptBatch(batch, { config, now: NOW, takesLogAppendTime: false });
    if (Object.keys(accepted.changes).length > 0) throw new Error(`a leader would rewrite the batch for offset ${this.end}`);
    this.lastTimestamp = batch.maxTimestamp;
    return Number(this.#log.append(accepted, LEADER_EPOCH).baseOffset);
  }

  /** Markers that end nothing. */
  fill(count: number): void {
    for (let n = 0; n < count; n++) this.#mark('commit', { producerId: -2n - BigInt(n), producerEpoch: 0, coordinatorEpoch: 0 });
  }

  endTransaction({ commit, ...end }: TransactionEnd): void {
    this.#mark(commit ? 'commit' : 'abort', end);
  }

  deleteBefore(offset: number): void {
    this.#log.deleteRecords(BigInt(Math.min(offset, this.end)));
  }

  /** What a leader does that has not heard of them for long. */
  forgetProducers(): void {
    this.#log.producers.expire(NOW, 0n);
  }

  fetch(offset: number, isolation: Isolation): Answer {
    const committed = isolation === 'read_committed';
    const upTo = committed ? this.#log.lastStableOffset : this.#log.highWatermark;
    const { records, aborted } = this.#log.read(BigInt(offset), { maxBytes: MANY_BYTES, upTo, whole: true, committed });
    return { records, aborted };
  }

  #mark(
    result: 'commit' | 'abort',
    { coordinatorEpoch, producerId, producerEpoch }: { coordinatorEpoch: number; producerId: bigint; producerEpoch: number },
  ): void {
    this.#log.appendMarker(buildEndTxnMarker({ result, coordinatorEpoch }, { producerId, producerEpoch, timestamp: NOW }), LEADER_EPOCH);
  }
}
