/** What repairs a mirror, step by step: each is written down before it is taken and can be taken again, so that a process that dies is continued by the next. */
import type { RepairStepName, StoredRepair } from '../store/link-store.ts';
import type { KeptOffsets } from '../tasks/kept-offsets.ts';

/** What the old topic had that the new one shall have. */
export interface KeptTopic {
  readonly replicationFactor: number;
  readonly configs: Readonly<Record<string, string>>;
}

/** What the steps need of the link; a mirror goes by the name of its topic, since it is another object when it was made anew. */
export interface RepairContext {
  /** Resolves when nothing of the mirror is on its way, nor any committed offset for it. */
  readonly halt: (topic: string, signal: AbortSignal) => Promise<void>;
  /** Null when the topic of this id is not there any more. */
  readonly describe: (topic: string, topicId: string, signal: AbortSignal) => Promise<KeptTopic | null>;
  /** What is committed now, each offset up to the limit of its partition; and what an earlier repair has kept and not put back. */
  readonly committed: (topic: string, limits: readonly number[], signal: AbortSignal) => Promise<KeptOffsets>;
  /** Rejects for good when the source does not answer or has no such topic: then the mirror is all there is. */
  readonly sourceIsThere: (topic: string, signal: AbortSignal) => Promise<void>;
  readonly remove: (topic: string, topicId: string, signal: AbortSignal) => Promise<void>;
  /** Makes the mirror topic, and has it mirrored from its start. */
  readonly create: (topic: string, repair: StoredRepair, signal: AbortSignal) => Promise<void>;
  /** Resolves when the mirror has all offsets that were kept, or all that its source has; false when it was stopped meanwhile. */
  readonly copied: (topic: string, kept: KeptOffsets, signal: AbortSignal) => Promise<boolean>;
  readonly putBack: (topic: string, kept: KeptOffsets, signal: AbortSignal) => Promise<void>;
}

export interface RepairStep {
  readonly step: RepairStepName;
  /** As it is told to people. */
  readonly name: string;
  /** Resolves with what the steps behind it have to know; null when there is nothing left to repair. */
  readonly take: (
    context: RepairContext,
    topic: string,
    repair: StoredRepair,
    signal: AbortSignal,
  ) => Promise<Partial<StoredRepair> | null>;
}

const keep: RepairStep['take'] = async (context, topic, { topicId, divergence }, signal) => {
  await context.halt(topic, signal);
  const described = topicId === null ? null : await context.describe(topic, topicId, signal);
  // Before the topic goes: they go with it.
  return { ...described, offsets: await context.committed(topic, divergence, signal) };
};

const remove: RepairStep['take'] = async (context, topic, { topicId }, signal) => {
  if (topicId === null) return {};
  await context.sourceIsThere(topic, signal);
  await context.remove(topic, topicId, signal);
  return {};
};

const create: RepairStep['take'] = async (context, topic, repair, signal) => {
  await context.create(topic, repair, signal);
  return {};
};

const offsets: RepairStep['take'] = async (context, topic, { offsets: kept = {} }, signal) => {
  if (!(await context.copied(topic, kept, signal))) return null;
  await context.putBack(topic, kept, signal);
  return {};
};

export const REPAIR_STEPS: readonly RepairStep[] = [
  { step: 'KEEP', name: 'stop copying, and keep what the new topic shall have', take: keep },
  { step: 'DELETE', name: 'delete the mirror topic', take: remove },
  { step: 'CREATE', name: 'make the mirror topic anew', take: create },
  { step: 'OFFSETS', name: 'put committed offsets back', take: offsets },
];

/** Up to here nothing has been changed: a repair that cannot be done is given up, and the mirror is as it was. */
export const CHANGES_NOTHING: ReadonlySet<RepairStepName> = new Set(['KEEP', 'DELETE']);
