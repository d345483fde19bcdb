/** The mirror's log at a leader that takes what real ones take: the embedded cluster's rules for Produce and for sequences, one offset per marker. */
import { patchBatch } from '../../../../src/codec/patch-header.ts';
import { RecordBatch } from '../../../../src/codec/record-batch.ts';
import { logConfigOf } from '../../../../src/testing/config/topic-configs.ts';
import { afterBatch, type ProducerState } from '../../../../src/testing/log/producer-state.ts';
import { acceptBatch, theOneBatch } from '../../../../src/testing/produce-rules.ts';
import type { Answer, Readable } from './consumer.ts';

const PRODUCE_VERSION = 11;
/** Takes records of any age and size, as mirror topics do. */
const terms = { config: logConfigOf(() => undefined), now: 1_700_000_000_000n, takesLogAppendTime: false };

export class MirrorLog implements Readable {
  start: number;
  end: number;
  /** Of the link's producer. */
  state: ProducerState | undefined;
  lastTimestamp = -1n;
  #entries: { readonly next: number; readonly bytes: Buffer | null }[] = [];

  constructor(start: number) {
    this.start = start;
    this.end = start;
  }

  /** Returns the offset that the batch got. Rejects as a leader refuses. */
  async produce(records: Buffer): Promise<number> {
    const { bytes, changes } = await acceptBatch(theOneBatch(records, PRODUCE_VERSION), terms);
    if (Object.keys(changes).length > 0) throw new Error(`a leader would rewrite the batch for offset ${this.end}`);
    const stored = Buffer.from(bytes);
    const batch = RecordBatch.at(stored);
    const base = this.end;
    this.state = afterBatch(this.state, batch, BigInt(base), 'client');
    patchBatch(batch, { baseOffset: BigInt(base) });
    this.#entries.push({ next: batch.nextOffsetNumber, bytes: stored });
    this.end = batch.nextOffsetNumber;
    this.lastTimestamp = batch.maxTimestamp;
    return base;
  }

  /** Markers: no consumer is shown any of them, so that the model keeps only their offsets. */
  writeMarkers(count: number): void {
    this.end += count;
    this.#entries.push({ next: this.end, bytes: null });
  }

  deleteBefore(offset: number): void {
    this.start = Math.max(this.start, Math.min(offset, this.end));
  }

  /** What a leader does that has not heard of a producer for long. */
  forgetProducer(): void {
    this.state = undefined;
  }

  fetch(offset: number): Answer {
    const found = this.#entries.filter(({ next }) => next > offset);
    return { records: Buffer.concat(found.flatMap(({ bytes }) => bytes ?? [])), aborted: [] };
  }
}
