/** Which failed mirrors a repair can help, and how: a table of reasons. Pure. */

import type { LinkError } from '../../errors.ts';
import { MirrorFailure, type MirrorTopicError } from '../mirror-failure.ts';

/** What a repair can do about a reason, or what has to be done instead. */
export type RepairRule =
  | {
      readonly isAllowed: true;
      /** Both logs may agree again: then nothing needs to be made anew. */
      readonly mayHavePassed: boolean;
      /** The source is another topic now: offsets that were chosen in the old one mean nothing there. */
      readonly isOtherSource: boolean;
    }
  | {
      readonly isAllowed: false;
      /** As a sentence. */
      readonly instead: string;
    };

const ANEW: RepairRule = { isAllowed: true, mayHavePassed: false, isOtherSource: false };
const ANEW_FROM_ANOTHER: RepairRule = { isAllowed: true, mayHavePassed: false, isOtherSource: true };
const instead = (text: string): RepairRule => ({ isAllowed: false, instead: text });
const START_AGAIN = 'cure that and start the link again: the mirror goes on where it stopped, and nothing has to be copied twice';
const FILL = instead(
  `The link may not fill offsets without a record; grant it ALTER on the destination cluster or choose another fill policy: ${START_AGAIN}`,
);

export const REPAIR_RULES: Readonly<Record<MirrorTopicError, RepairRule>> = {
  UNSUPPORTED_MESSAGE_FORMAT: instead(
    "A new copy would stop at the same messages; delete the mirror topic and make it with startOffset 'earliest-v2'",
  ),
  UNSUPPORTED_OFFSET_GAP: FILL,
  UNSUPPORTED_SPARSE_BATCH: FILL,
  UNSUPPORTED_TRANSACTION: FILL,
  UNSUPPORTED_LOG_START: instead(`A new copy would need as much padding; raise paddingMaxOffsets: ${START_AGAIN}`),
  FILL_NOT_AUTHORIZED: FILL,
  SOURCE_RECORDS_EXPIRED: instead(
    "Set sourceTrimmed to 'fill' and start the link again: the mirror goes on without what the source has deleted, and keeps what it has",
  ),
  SOURCE_TOPIC_MAY_BE_DELETED: instead('There is nothing to copy from; if the source topic comes back, start the link again'),
  SOURCE_TOPIC_ID_CHANGED: ANEW_FROM_ANOTHER,
  SOURCE_PARTITIONS_DECREASED: ANEW_FROM_ANOTHER,
  UNEXPECTED_TRUNCATION: { isAllowed: true, mayHavePassed: true, isOtherSource: false },
  CORRUPT_SOURCE_BATCH: instead(
    'A new copy would stop at the same batch; replace the damaged replica of the source, or have it delete its records up to behind the batch, and start the link again',
  ),
  DESTINATION_FOREIGN_WRITE: ANEW,
  DESTINATION_DIVERGED: ANEW,
  DESTINATION_REFUSED: instead(`The destination would refuse the batch again; its message says why: ${START_AGAIN}`),
  DESTINATION_TOPIC_DELETED: ANEW,
  RETRY_TIMEOUT: instead(`Something that trying again does not cure has lasted too long; its message says what: ${START_AGAIN}`),
};

/** Those of some failures that can be repaired, with their rules; or the first one that cannot, with what to do about it. */
export type RepairVerdict =
  | { readonly isAllowed: true; readonly reason: MirrorTopicError; readonly mayHavePassed: boolean; readonly isOtherSource: boolean }
  | { readonly isAllowed: false; readonly reason: string; readonly instead: string };

/** What the failures of the partitions of one mirror amount to. One that no repair cures would stop the new copy as well. */
export const judgeFailures = (failures: readonly LinkError[]): RepairVerdict => {
  const reasons: MirrorTopicError[] = [];
  for (const failure of failures) {
    if (!(failure instanceof MirrorFailure))
      return { isAllowed: false, reason: failure.code, instead: 'It is a defect: please report it, and start the link again' };
    const rule = REPAIR_RULES[failure.reason];
    if (!rule.isAllowed) return { isAllowed: false, reason: failure.reason, instead: rule.instead };
    reasons.push(failure.reason);
  }
  const [reason] = reasons;
  if (reason === undefined) return { isAllowed: false, reason: 'nothing', instead: 'Wait until it has failed, or not' };
  const rules = reasons.map((each) => REPAIR_RULES[each]).filter(({ isAllowed }) => isAllowed) as Extract<
    RepairRule,
    { isAllowed: true }
  >[];
  return {
    isAllowed: true,
    reason,
    mayHavePassed: rules.every(({ mayHavePassed }) => mayHavePassed),
    isOtherSource: rules.some(({ isOtherSource }) => isOtherSource),
  };
};
