/** What stops a mirror, step by step: each step can be taken again, so that a process that dies between two of them is continued by the next. */
import { LinkError } from '../../errors.ts';
import type { MirrorTopic } from '../mirror-topic.ts';
import type { StoredStop } from '../store/link-store.ts';

/** What the steps need of the link. */
export interface StopContext {
  /** Resolves when the mirror has every offset that its source has at the moment of the call. */
  readonly drained: (mirror: MirrorTopic, signal: AbortSignal) => Promise<void>;
  /** Resolves when nothing of the mirror is on its way any more. */
  readonly atRest: (mirror: MirrorTopic, signal: AbortSignal) => Promise<void>;
  /** Lets the mirror rest, or go on. */
  readonly rest: (mirror: MirrorTopic, paused: boolean) => void;
  /** Resolves after the time for which a source must not have been written to before it is left. */
  readonly quiet: (signal: AbortSignal) => Promise<void>;
  /** End of the mirror's log, and of the source's as it is now, of every partition. */
  readonly mirrorEnds: (mirror: MirrorTopic, signal: AbortSignal) => Promise<readonly number[]>;
  readonly sourceEnds: (mirror: MirrorTopic, signal: AbortSignal) => Promise<readonly number[]>;
  /** One last run; resolves when no committed offset waits for data of this mirror. */
  readonly syncOffsets: (mirror: MirrorTopic, signal: AbortSignal) => Promise<void>;
  /** Gives the topic the configs of its source; from memory when the source shall not be asked. */
  readonly settleConfigs: (mirror: MirrorTopic, fromMemory: boolean, signal: AbortSignal) => Promise<void>;
  /** Sets committed offsets beyond the mirror's end back to it. */
  readonly clampOffsets: (mirror: MirrorTopic, signal: AbortSignal) => Promise<void>;
  /** Commits what a repair has kept and not put back yet. */
  readonly putBackOffsets: (mirror: MirrorTopic, signal: AbortSignal) => Promise<void>;
  /** Aborts transactions that were copied while they were open. */
  readonly abortTransactions: (mirror: MirrorTopic, signal: AbortSignal) => Promise<void>;
  readonly save: (mirror: MirrorTopic, stop: StoredStop, isOver: boolean, signal: AbortSignal) => Promise<void>;
}

export interface StopStep {
  readonly name: string;
  readonly take: (context: StopContext, mirror: MirrorTopic, signal: AbortSignal) => Promise<void>;
  /** What is refused for good is told, and the steps behind it are taken all the same: an emergency does not wait for a right or for a legal value. */
  readonly goesOn?: true;
}

/**
 * Producers to the source may still be on their way out. The copy is complete when both ends are the same, and those of the source, with open
 * transactions counted in, have not moved for a while.
 */
const drain: StopStep['take'] = async (context, mirror, signal) => {
  for (;;) {
    context.rest(mirror, false);
    await context.drained(mirror, signal);
    await context.syncOffsets(mirror, signal);
    context.rest(mirror, true);
    await context.atRest(mirror, signal);
    await context.quiet(signal);
    const [ours, theirs] = await Promise.all([context.mirrorEnds(mirror, signal), context.sourceEnds(mirror, signal)]);
    if (theirs.every((end, partition) => end <= (ours[partition] ?? 0))) return;
  }
};

const halt: StopStep['take'] = async (context, mirror, signal) => {
  context.rest(mirror, true);
  await context.atRest(mirror, signal);
};

const finish: StopStep['take'] = async (context, mirror, signal) => {
  const { stop } = mirror.stored;
  if (stop === undefined) throw new LinkError('KLINK_INTERNAL', `Mirror topic '${mirror.topic}' is stopped without a word of how`);
  const offsets = await context.mirrorEnds(mirror, signal);
  // The process that was asked to stop it may have heard more of the source than this one.
  const lags = mirror.partitions.map(({ sourceEnd }, partition) =>
    Math.max(0, Math.max(sourceEnd, stop.sourceEnds?.[partition] ?? 0) - (offsets[partition] ?? 0)),
  );
  await context.save(mirror, { ...stop, offsets, lags }, true, signal);
};

export const STOP_STEPS: Readonly<Record<StoredStop['by'], readonly StopStep[]>> = {
  PROMOTE: [
    { name: 'copy everything the source has', take: drain },
    { name: 'give the topic the configs of its source', take: (context, mirror, signal) => context.settleConfigs(mirror, false, signal) },
    { name: 'abort what is open', take: (context, mirror, signal) => context.abortTransactions(mirror, signal) },
    { name: 'put committed offsets of a repair back', take: (context, mirror, signal) => context.putBackOffsets(mirror, signal) },
    { name: 'let it go', take: finish },
  ],
  FAILOVER: [
    { name: 'stop copying', take: halt },
    { name: 'abort what is open', take: (context, mirror, signal) => context.abortTransactions(mirror, signal) },
    {
      name: 'put committed offsets of a repair back',
      take: (context, mirror, signal) => context.putBackOffsets(mirror, signal),
      goesOn: true,
    },
    {
      name: 'set committed offsets back to the end of the log',
      take: (context, mirror, signal) => context.clampOffsets(mirror, signal),
      goesOn: true,
    },
    {
      name: 'give the topic the last known configs of its source',
      take: (context, mirror, signal) => context.settleConfigs(mirror, true, signal),
      goesOn: true,
    },
    { name: 'let it go', take: finish },
  ],
};
