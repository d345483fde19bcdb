/** How a mirror carries the transactions of its source, as data: what each mode reads there. */
import type { OffsetView } from './offset-lookup.ts';

/**
 * - `committed`: the records of committed transactions, as if they had never been in one, up to the first transaction that is open.
 * - `exact`: the batches and markers of all transactions, open and aborted ones included, up to the high watermark.
 */
export type TransactionMode = 'committed' | 'exact';

interface ModeRules {
  /** Of Fetch. Both levels bring control batches. */
  readonly isolationLevel: 0 | 1;
  /** Where the part of a source ends that can be copied. */
  readonly sourceView: OffsetView;
}

export const TRANSACTION_MODES: Readonly<Record<TransactionMode, ModeRules>> = {
  committed: { isolationLevel: 1, sourceView: 'committed' },
  exact: { isolationLevel: 0, sourceView: 'consumer' },
};
