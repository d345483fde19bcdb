/** What the records of the store mean: their keys, their JSON, and what of it is believed. */

import type { ConfigEntry } from '../tasks/plan-topic-configs.ts';
import { TASK_ERROR_CODES, type TaskErrorCode } from '../tasks/task.ts';
import type {
  LastingState,
  LinkIdentity,
  StoredLink,
  StoredMirror,
  StoredStop,
  StoredTransition,
  StoredTransitionError,
} from './link-store.ts';
import { corruptStore } from './store-topic.ts';

const VERSION = 1;
const INT64_MAX = 2n ** 63n - 1n;
const INT16_MAX = 2 ** 15 - 1;

/** A record by its key. Names of links and topics have no slashes. */
export type StoreKey =
  | { readonly kind: 'producer'; readonly link: string; readonly producerId: string }
  | { readonly kind: 'link'; readonly link: string }
  | { readonly kind: 'mirror'; readonly link: string; readonly topic: string };

export const producerKey = (link: string, producerId: bigint): string => `producer/${link}/${producerId}`;
export const linkKey = (link: string): string => `link/${link}`;
export const mirrorKey = (link: string, topic: string): string => `mirror/${link}/${topic}`;

/** Null for records of other versions of this package, which are left alone. */
export const parseKey = (key: string): StoreKey | null => {
  const [kind, link, rest, ...more] = key.split('/');
  if (link === undefined || more.length > 0) return null;
  if (kind === 'link' && rest === undefined) return { kind, link };
  if (kind === 'producer' && rest !== undefined) return { kind, link, producerId: rest };
  return kind === 'mirror' && rest !== undefined ? { kind, link, topic: rest } : null;
};

export const formatIdentity = ({ producerId, producerEpoch, linkId, sourceClusterId }: LinkIdentity): string =>
  JSON.stringify({ version: VERSION, producerId: String(producerId), producerEpoch, linkId, sourceClusterId });
export const formatLink = (link: StoredLink): string => JSON.stringify({ version: VERSION, ...link });
export const formatMirror = (mirror: StoredMirror): string => JSON.stringify({ version: VERSION, ...mirror });

/** Each throws `KLINK_STORE` for what it does not understand. */
export const parseIdentity = (value: string): LinkIdentity => {
  const { producerId, producerEpoch, linkId, sourceClusterId } = parseObject(value);
  const isProducer = typeof producerId === 'string' && /^\d{1,19}$/.test(producerId) && BigInt(producerId) <= INT64_MAX;
  const isEpoch = Number.isInteger(producerEpoch) && (producerEpoch as number) >= 0 && (producerEpoch as number) <= INT16_MAX;
  if (!isProducer || !isEpoch || typeof linkId !== 'string') throw corruptStore(`the identity ${value} is not understood`);
  return {
    producerId: BigInt(producerId),
    producerEpoch: producerEpoch as number,
    linkId,
    sourceClusterId: typeof sourceClusterId === 'string' ? sourceClusterId : null,
  };
};

export const parseLink = (value: string): StoredLink => {
  const { configs } = parseObject(value);
  const isTexts = isRecord(configs) && Object.values(configs).every((text) => typeof text === 'string');
  if (!isTexts) throw corruptStore(`the link ${value} is not understood`);
  return { configs: configs as Record<string, string> };
};

export const parseMirror = (value: string): StoredMirror => {
  const { topic, sourceTopic, sourceTopicId, topicId, startOffsets, hasCaughtUp, sourceConfigs, state, stop, history, transitionErrors } =
    parseObject(value);
  const understood =
    typeof topic === 'string' &&
    typeof sourceTopic === 'string' &&
    (startOffsets === undefined || isOffsets(startOffsets)) &&
    (hasCaughtUp === undefined || hasCaughtUp === true) &&
    (sourceConfigs === undefined || isConfigs(sourceConfigs)) &&
    (state === undefined || LASTING_STATES.has(state as LastingState)) &&
    (stop === undefined || isStop(stop)) &&
    (history === undefined || (Array.isArray(history) && history.every(isTransition))) &&
    (transitionErrors === undefined || (Array.isArray(transitionErrors) && transitionErrors.every(isTransitionError)));
  if (!understood) throw corruptStore(`the mirror ${value} is not understood`);
  return {
    topic,
    sourceTopic,
    sourceTopicId: typeof sourceTopicId === 'string' ? sourceTopicId : null,
    topicId: typeof topicId === 'string' ? topicId : null,
    ...(startOffsets !== undefined && { startOffsets }),
    ...(hasCaughtUp !== undefined && { hasCaughtUp }),
    ...(sourceConfigs !== undefined && { sourceConfigs }),
    ...(state !== undefined && { state: state as LastingState }),
    ...(stop !== undefined && { stop }),
    ...(history !== undefined && { history }),
    ...(transitionErrors !== undefined && { transitionErrors }),
  };
};

const LASTING_STATES: ReadonlySet<LastingState> = new Set(['ACTIVE', 'PAUSED', 'PENDING_STOPPED', 'STOPPED']);

const isRecord = (given: unknown): given is Record<string, unknown> => typeof given === 'object' && given !== null && !Array.isArray(given);
const isOffset = (given: unknown): given is number => Number.isSafeInteger(given) && (given as number) >= 0;
const isOffsets = (given: unknown): given is number[] => Array.isArray(given) && given.every(isOffset);
const isConfigs = (given: unknown): given is Record<string, ConfigEntry> =>
  isRecord(given) &&
  Object.values(given).every(
    (entry) =>
      isRecord(entry) &&
      (entry['value'] === null || typeof entry['value'] === 'string') &&
      typeof entry['isSet'] === 'boolean' &&
      (entry['inherited'] === undefined || typeof entry['inherited'] === 'string'),
  );
const isStop = (given: unknown): given is StoredStop =>
  isRecord(given) &&
  (given['by'] === 'PROMOTE' || given['by'] === 'FAILOVER') &&
  isOffset(given['at']) &&
  (given['offsets'] === undefined || isOffsets(given['offsets'])) &&
  (given['lags'] === undefined || isOffsets(given['lags']));
const isTransition = (given: unknown): given is StoredTransition =>
  isRecord(given) && typeof given['from'] === 'string' && typeof given['to'] === 'string' && isOffset(given['at']);

const CODES: ReadonlySet<unknown> = new Set<TaskErrorCode>(TASK_ERROR_CODES);
const isTransitionError = (given: unknown): given is StoredTransitionError =>
  isRecord(given) &&
  (given['verb'] === 'PROMOTE' || given['verb'] === 'FAILOVER') &&
  CODES.has(given['code']) &&
  ['step', 'linkErrorCode', 'message'].every((name) => typeof given[name] === 'string') &&
  isOffset(given['at']);

const parseObject = (value: string): Readonly<Record<string, unknown>> => {
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch (cause) {
    throw corruptStore(`a record is not JSON: ${value.slice(0, 80)}`, cause);
  }
  if (isRecord(parsed) && parsed['version'] === VERSION) return parsed;
  throw corruptStore(`a record has an unknown version: ${value.slice(0, 80)}`);
};
