/** What has to change in the configs of a mirror topic so that it behaves like its source, as far as an exact copy allows. Pure. */
import { mirrorTopicConfigs, REQUIRED_TOPIC_CONFIGS } from '../topic-configs.ts';
import { ALWAYS_SYNCED_CONFIGS } from './config-classes.ts';

/** One config of a topic as its cluster describes it. */
export interface ConfigEntry {
  /** What counts, wherever it was set; null when the broker does not tell it. */
  readonly value: string | null;
  /** True when it was set on the topic itself. */
  readonly isSet: boolean;
  /** What would count if it were not set on the topic; undefined when the broker does not say. */
  readonly inherited?: string;
}
export type ConfigEntries = ReadonlyMap<string, ConfigEntry>;

/**
 * - `mirroring`: what an exact copy needs comes before what the source has.
 * - `stopped`: the topic becomes an ordinary one, as its source is; what only the copy needed is taken back.
 */
export type ConfigPhase = 'mirroring' | 'stopped';

export interface TopicConfigFacts {
  readonly source: ConfigEntries;
  readonly destination: ConfigEntries;
  /** `topic.config.sync.include`. */
  readonly include: readonly string[];
  readonly phase: ConfigPhase;
  /** The copy has once had all that the source had: from then on it may be compacted. */
  readonly hasCaughtUp: boolean;
  /** Replicas of the mirror's partitions; null when not known. */
  readonly replicationFactor: number | null;
  /** What was chosen for this mirror when it was made, for configs that do not follow the source. */
  readonly overrides: ReadonlyMap<string, string>;
}

/** - `source`: to be as the source is. - `exactness`: the copy needs it. - `own`: back to what the mirror has by itself. */
export type ConfigChangeReason = 'source' | 'exactness' | 'own';

export interface ConfigChange {
  readonly name: string;
  readonly operation: 'SET' | 'DELETE';
  readonly from: string | null;
  /** After a `DELETE`: what will count then, or null when that is not known. */
  readonly to: string | null;
  readonly reason: ConfigChangeReason;
}

/** A value of the source that the mirror cannot have. */
export interface WithheldConfig {
  readonly name: string;
  readonly value: string;
  /** `unknown`: the destination has no such config. `replicas`: more than the mirror has, so that nothing could be written to it. */
  readonly reason: 'unknown' | 'replicas';
}

export interface TopicConfigsPlan {
  readonly changes: readonly ConfigChange[];
  readonly withheld: readonly WithheldConfig[];
}

const LONG_MAX = '9223372036854775807';
const DIFFERENCE = 'message.timestamp.difference.max.ms';
const BOUNDS = ['message.timestamp.before.max.ms', 'message.timestamp.after.max.ms'];
/** From KIP-937 (3.6) to 3.9 the old limit counts wherever a new one is not below its default: it has to be as wide. */
const PINNED: ReadonlySet<string> = new Set([...REQUIRED_TOPIC_CONFIGS, DIFFERENCE]);

/**
 * The differences, and nothing else: applied, the same facts give an empty plan.
 * A config that is set on the source is set here; one that is not is not set here either, unless the defaults of the two clusters differ.
 */
export const planTopicConfigs = (facts: TopicConfigFacts): TopicConfigsPlan => {
  const { destination } = facts;
  const source = withTimestampBounds(facts.source, destination);
  const included = includedNames(facts.include, source, destination);
  const changes: ConfigChange[] = [];
  const withheld: WithheldConfig[] = [];
  const needed = neededConfigs(facts.source);
  for (const name of new Set([...included, ...PINNED])) {
    const [theirs, ours] = [source.get(name), destination.get(name)];
    if (ours === undefined) {
      // The old time limit is not lost: its successors stand for it.
      if (theirs?.isSet === true && theirs.value !== null && name !== DIFFERENCE)
        withheld.push({ name, value: theirs.value, reason: 'unknown' });
      continue;
    }
    if (facts.phase === 'mirroring' && PINNED.has(name) && !mayFollow(name, facts)) {
      changes.push(...hold(name, ours, needed.get(name), included.has(name)));
    } else if (!included.has(name)) {
      changes.push(...giveBack(name, ours, facts.overrides.get(name)));
    } else if (theirs !== undefined && tooManyReplicas(name, theirs, facts)) {
      withheld.push({ name, value: theirs.value as string, reason: 'replicas' });
    } else if (theirs !== undefined) {
      changes.push(...follow(name, theirs, ours));
    }
  }
  return { changes, withheld };
};

/** The one limit of older clusters is both limits of the newer ones (KIP-937): where the destination lacks the old name, its new ones stand for it. */
const withTimestampBounds = (source: ConfigEntries, destination: ConfigEntries): ConfigEntries => {
  const difference = source.get(DIFFERENCE);
  if (difference === undefined || destination.has(DIFFERENCE)) return source;
  const view = new Map(source);
  for (const name of BOUNDS) {
    const bound = source.get(name);
    if (bound === undefined || bound.value === LONG_MAX) view.set(name, difference);
  }
  return view;
};

const includedNames = (include: readonly string[], source: ConfigEntries, destination: ConfigEntries): ReadonlySet<string> => {
  const translated = source.has(DIFFERENCE) && !destination.has(DIFFERENCE);
  return new Set([...ALWAYS_SYNCED_CONFIGS, ...include, ...(translated ? BOUNDS : [])]);
};

const neededConfigs = (source: ConfigEntries): ReadonlyMap<string, string> => {
  const values = new Map([...source].map(([name, { value }]) => [name, value]));
  return new Map([...Object.entries(mirrorTopicConfigs(values)), [DIFFERENCE, LONG_MAX]]);
};

/** Compaction is for later: while the copy is behind, it would take records out of the order in which logs are compared. */
const mayFollow = (name: string, { hasCaughtUp }: TopicConfigFacts): boolean => name === 'cleanup.policy' && hasCaughtUp;

const hold = (name: string, { value }: ConfigEntry, needed: string | undefined, isIncluded: boolean): ConfigChange[] => {
  if (needed === undefined) return [];
  const isHeld = mayBeWider(name, isIncluded) ? Number(value) >= Number(needed) : sameValue(name, value, needed);
  return isHeld ? [] : [{ name, operation: 'SET', from: value, to: needed, reason: 'exactness' }];
};

/** Batches that were stored under a higher limit still have to fit. Segments that are large enough are to be as large as those of the source, if that is wanted. */
const mayBeWider = (name: string, isIncluded: boolean): boolean =>
  name === 'max.message.bytes' || (name === 'segment.bytes' && !isIncluded);

const giveBack = (name: string, { value, isSet, inherited }: ConfigEntry, own: string | undefined): ConfigChange[] => {
  if (own !== undefined) {
    return isSet && sameValue(name, value, own) ? [] : [{ name, operation: 'SET', from: value, to: own, reason: 'own' }];
  }
  return isSet ? [{ name, operation: 'DELETE', from: value, to: inherited ?? null, reason: 'own' }] : [];
};

const follow = (name: string, theirs: ConfigEntry, ours: ConfigEntry): ConfigChange[] => {
  const wanted = theirs.value;
  if (wanted === null) return [];
  const isSame = sameValue(name, ours.value, wanted);
  const set: ConfigChange = { name, operation: 'SET', from: ours.value, to: wanted, reason: 'source' };
  if (theirs.isSet) return ours.isSet && isSame ? [] : [set];
  if (ours.isSet && ours.inherited !== undefined && sameValue(name, ours.inherited, wanted)) {
    return [{ name, operation: 'DELETE', from: ours.value, to: ours.inherited, reason: 'source' }];
  }
  // Not set there, and the default here is another (or not told): set here to what the source has by default.
  return isSame ? [] : [set];
};

const tooManyReplicas = (name: string, { value }: ConfigEntry, { replicationFactor }: TopicConfigFacts): boolean =>
  name === 'min.insync.replicas' && replicationFactor !== null && Number(value) > replicationFactor;

/** Lists are sets: `compact,delete` is `delete,compact`. */
const LISTS: ReadonlySet<string> = new Set(['cleanup.policy']);
const sortedItems = (list: string): string =>
  list
    .split(',')
    .map((item) => item.trim())
    .sort()
    .join();

const sameValue = (name: string, a: string | null, b: string): boolean =>
  a === b || (a !== null && LISTS.has(name) && sortedItems(a) === sortedItems(b));
