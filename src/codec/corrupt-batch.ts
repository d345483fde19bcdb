/** The one error every reader of this room throws when bytes are not what they claim to be. */
import { LinkError } from '../errors.ts';

/** `KLINK_CORRUPT_BATCH`, not retriable: the same bytes will not become right. */
export const corruptBatch = (message: string, cause?: unknown): LinkError =>
  new LinkError('KLINK_CORRUPT_BATCH', message, cause === undefined ? {} : { cause });

/** The refusal to decompress: `output` is what the payload would, or could, grow to. */
export const outputTooLarge = (output: number | undefined, maxOutput: number, cause?: unknown): LinkError =>
  corruptBatch(
    `The payload decompresses to ${output === undefined ? 'more' : `up to ${output} bytes, more`} than the ${maxOutput} bytes allowed: raise maxOutput if the data is genuine`,
    cause,
  );
