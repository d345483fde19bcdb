/** The one error every reader of this room throws when bytes are not what they claim to be. */
import { LinkError } from '../errors.ts';

/** `KLINK_CORRUPT_BATCH`, not retriable: the same bytes will not become right. A fetch of the same offsets from another replica may. */
export const corruptBatch = (message: string, cause?: unknown): LinkError =>
  new LinkError('KLINK_CORRUPT_BATCH', message, cause === undefined ? {} : { cause });
