/** The product's values of `mirror_topic_error`, and which of them stands for a reason of ours. Pure. */
import type { MirrorTopicError } from '../mirror-failure.ts';

/** As its REST API has them, with what they mean here; those without a twin in {@link MirrorTopicError} are never reported. */
export const PRODUCT_MIRROR_TOPIC_ERRORS = {
  NOT_SET: 'Nothing has been recorded.',
  NO_ERROR: 'The mirror has not failed.',
  UNKNOWN: 'It has failed for a reason that the product does not know; our own name says which.',
  SOURCE_TOPIC_MAY_BE_DELETED: 'The source topic is not found.',
  SOURCE_TOPIC_ID_CHANGED: 'The source topic was deleted and created anew.',
  SOURCE_PARTITIONS_DECREASED: 'The source has fewer partitions than the mirror.',
  NON_MONOTONIC_LOG_APPEND_EPOCH: 'Leader epochs in the log went back. Mirrors have the epochs of their own cluster.',
  NON_MONOTONIC_SOURCE_EPOCH: 'Leader epochs of the source went back. It shows as UNEXPECTED_TRUNCATION.',
  UNEXPECTED_TRUNCATION: 'The source has lost records that were copied.',
  UNSUPPORTED_MESSAGE_FORMAT: 'The source has messages of format v0 or v1.',
  ILLEGAL_STATE: 'A defect. Here it is an error of code KLINK_INTERNAL.',
  UNSUPPORTED_MIRROR_STATE: 'A state that another release has written. Here the store reports it.',
} as const;
export type ProductMirrorTopicError = keyof typeof PRODUCT_MIRROR_TOPIC_ERRORS;

/** The value of `mirror_topic_error` for tools that know the product's alone. Null: the mirror has not failed. */
export const productMirrorTopicError = (reason: MirrorTopicError | null): ProductMirrorTopicError => {
  if (reason === null) return 'NO_ERROR';
  return Object.hasOwn(PRODUCT_MIRROR_TOPIC_ERRORS, reason) ? (reason as ProductMirrorTopicError) : 'UNKNOWN';
};
