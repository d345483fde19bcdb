/** What a link shows of itself at one moment, and what its waiting calls take. */
import type { LinkError } from '../errors.ts';
import type { MirrorTopicStatus } from './mirror-status.ts';
import type { LinkErrorName, LinkState } from './states/link-states.ts';
import type { MirrorTopicState } from './states/mirror-topic-states.ts';
import type { TaskStatus } from './tasks/task.ts';

/** Every call that can wait takes one of these. */
export interface WaitOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds. */
  readonly timeoutMs?: number;
}

/** Sums over a link, at one moment. */
export interface LinkMetrics {
  readonly lag: bigint;
  /** Since the link was started. */
  readonly bytes: bigint;
  readonly batches: number;
  /** Batches whose records had to be decompressed and put into other ones. */
  readonly rebuiltBatches: number;
  /** Offsets without a record, filled. */
  readonly filledOffsets: bigint;
  /** Bytes fetched and not yet acknowledged. */
  readonly bufferedBytes: number;
  /** Mirror topics by state. */
  readonly mirrors: Readonly<Record<MirrorTopicState, number>>;
}

/** What a link is, at one moment. */
export interface LinkStatus {
  readonly name: string;
  readonly linkId: string;
  readonly sourceClusterId: string | null;
  readonly destinationClusterId: string | null;
  /** `ACTIVE`; `PAUSED` by `cluster.link.paused`; `UNAVAILABLE` when checks of the source have failed; `CLOSED`. */
  readonly state: LinkState | 'CLOSED';
  /** What is wrong with the source, in the product's words (`link_error`). */
  readonly linkError: LinkErrorName;
  readonly error: LinkError | null;
  readonly mirrors: readonly MirrorTopicStatus[];
  readonly tasks: readonly TaskStatus[];
}
