/** Hands out producer ids, and remembers the id and epoch of each transactional id (KIP-98, KIP-360). */
import { Refusal } from './refusal.ts';

/** Ids come to a broker in blocks of this size. */
const BLOCK = 1000n;
const LAST_EPOCH = 0x7fff - 1;

export interface ProducerIdAndEpoch {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

export class ProducerIds {
  readonly #transactional = new Map<string, ProducerIdAndEpoch>();
  readonly #blocks = new Map<number, { next: bigint; readonly end: bigint }>();
  #nextBlock = 0n;

  /** No transactional id was ever used: the coordinator's internal topic does not exist yet. */
  get hasTransactions(): boolean {
    return this.#transactional.size > 0;
  }

  allTransactional(): Iterable<readonly [string, ProducerIdAndEpoch]> {
    return this.#transactional;
  }

  transactional(transactionalId: string): ProducerIdAndEpoch | undefined {
    return this.#transactional.get(transactionalId);
  }

  /** An id no producer had before. */
  next(broker: number): bigint {
    let block = this.#blocks.get(broker);
    if (block === undefined || block.next === block.end) {
      block = { next: this.#nextBlock, end: this.#nextBlock + BLOCK };
      this.#nextBlock = block.end;
      this.#blocks.set(broker, block);
    }
    return block.next++;
  }

  /** The next epoch of a transactional id; whoever holds an earlier one is fenced. `expected` is what the producer believes to have. */
  initTransactional(transactionalId: string, expected: ProducerIdAndEpoch, broker: number): ProducerIdAndEpoch {
    const known = this.#transactional.get(transactionalId);
    if (known !== undefined && expected.producerId !== -1n) {
      const same = known.producerId === expected.producerId && known.producerEpoch === expected.producerEpoch;
      if (!same) throw new Refusal('PRODUCER_FENCED');
    }
    const next =
      known === undefined || known.producerEpoch >= LAST_EPOCH
        ? { producerId: this.next(broker), producerEpoch: 0 }
        : { producerId: known.producerId, producerEpoch: known.producerEpoch + 1 };
    this.#transactional.set(transactionalId, next);
    return next;
  }
}
