/** Producer state against a model that keeps the whole history and knows only Kafka's sentences about it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../src/protocol/error-codes.ts';
import { afterBatch, afterMarker, duplicateOf, type ProducerState, sequenceAfter } from '../../../src/testing/log/producer-state.ts';
import { Refusal } from '../../../src/testing/refusal.ts';

interface Sent {
  readonly epoch: number;
  readonly sequence: number;
  readonly count: number;
}
const WRAP = 2 ** 31;

/** Everything of the newest epoch that was accepted, oldest first. */
class Model {
  #epoch: number | null = null;
  #history: Sent[] = [];

  /** What the broker must say. */
  judge({ epoch, sequence, count }: Sent): 'append' | 'duplicate' | number {
    if (this.#epoch === null) return 'append';
    const recent = this.#history.slice(-5);
    if (epoch === this.#epoch && recent.some((sent) => sent.sequence === sequence && sent.count === count)) return 'duplicate';
    if (epoch < this.#epoch) return ErrorCode.INVALID_PRODUCER_EPOCH;
    const last = this.#history.at(-1);
    const next = epoch > this.#epoch || last === undefined ? 0 : (last.sequence + last.count) % WRAP;
    return sequence === next ? 'append' : ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER;
  }

  accept(sent: Sent): void {
    this.#history = sent.epoch === this.#epoch ? [...this.#history, sent] : [sent];
    this.#epoch = sent.epoch;
  }
}

const batchOf = ({ epoch, sequence, count }: Sent) => ({
  producerId: 7n,
  producerEpoch: epoch,
  baseSequence: sequence,
  lastOffsetDelta: count - 1,
  isTransactional: false,
  maxTimestamp: 5n,
});

describe('producer state', () => {
  it('takes, recognises and refuses what the model does', () => {
    // Mostly the right next batch, so that histories grow long; now and then a repeat, a gap or another epoch.
    const step = fc.record({
      kind: fc.constantFrom('next', 'next', 'next', 'repeat', 'gap', 'epoch-up', 'epoch-down'),
      count: fc.integer({ min: 1, max: 4 }),
      back: fc.integer({ min: 1, max: 7 }),
    });
    fc.assert(
      fc.property(fc.constantFrom(0, 5, WRAP - 3), fc.array(step, { maxLength: 40 }), (first, steps) => {
        const model = new Model();
        const sent: Sent[] = [];
        let state: ProducerState | undefined;
        let offset = 0n;
        for (const { kind, count, back } of steps) {
          const last = sent.at(-1);
          const epoch = last?.epoch ?? 3;
          const next = last === undefined ? first : (last.sequence + last.count) % WRAP;
          const repeated = sent.at(-back);
          const attempt: Sent =
            kind === 'repeat' && repeated !== undefined
              ? repeated
              : kind === 'gap'
                ? { epoch, sequence: (next + back) % WRAP, count }
                : kind === 'epoch-up'
                  ? { epoch: epoch + 1, sequence: back % 2 === 0 ? 0 : next, count }
                  : kind === 'epoch-down'
                    ? { epoch: epoch - 1, sequence: next, count }
                    : { epoch, sequence: next, count };
          const expected = model.judge(attempt);
          const batch = batchOf(attempt);
          const found = duplicateOf(state, batch);
          if (found !== undefined) {
            expect(expected).toBe('duplicate');
            continue;
          }
          try {
            state = afterBatch(state, batch, offset, 'client');
            expect(expected).toBe('append');
            offset += BigInt(attempt.count);
            model.accept(attempt);
            sent.push(attempt);
          } catch (error) {
            if (!(error instanceof Refusal)) throw error;
            expect(error.errorCode).toBe(expected);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('sequences wrap behind 2^31 - 1', () => {
    expect([sequenceAfter(WRAP - 1, 1), sequenceAfter(WRAP - 2, 1), sequenceAfter(WRAP - 2, 5)]).toEqual([0, WRAP - 1, 3]);
  });

  it('a follower takes what its leader took, whatever its sequence or epoch', () => {
    const state = afterBatch(undefined, batchOf({ epoch: 5, sequence: 9, count: 1 }), 0n, 'client');
    const after = afterBatch(state, batchOf({ epoch: 4, sequence: 77, count: 2 }), 1n, 'replication');
    expect([after.producerEpoch, after.batches.map(({ firstSequence, lastSequence }) => [firstSequence, lastSequence])]).toEqual([
      4,
      [[77, 78]],
    ]);
  });

  it('a marker ends the transaction and keeps the sequence of its epoch only', () => {
    const open = afterBatch(undefined, { ...batchOf({ epoch: 1, sequence: 0, count: 3 }), isTransactional: true }, 10n, 'client');
    expect(open.currentTxnFirstOffset).toBe(10n);
    const marker = { producerId: 7n, producerEpoch: 1, coordinatorEpoch: 2, timestamp: 9n };
    expect(afterMarker(open, marker, 'coordinator')).toMatchObject({ currentTxnFirstOffset: null, coordinatorEpoch: 2, lastTimestamp: 9n });
    expect(afterMarker(open, marker, 'coordinator').batches.length).toBe(1);
    expect(afterMarker(open, { ...marker, producerEpoch: 2 }, 'coordinator').batches.length).toBe(0);
  });
});
