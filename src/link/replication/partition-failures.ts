/** What a mirrored partition finds out by itself, and stops for: in words that say what happened, and what to do. */
import { LinkError } from '../../errors.ts';
import { MirrorFailure } from '../mirror-failure.ts';

/** A batch has landed at another offset than its own: the mirror's log is not what the link has made of it. */
export const displaced = (label: string, offset: number, landed: number): MirrorFailure => {
  const where = `${label}: the batch of source offset ${offset} landed at ${landed}`;
  return landed > offset
    ? new MirrorFailure(
        'DESTINATION_FOREIGN_WRITE',
        `${where}. Somebody else wrote ${landed - offset} offset(s) into the mirror; its records from there on are not at their offsets. ` +
          'Deny writes to the topic, and repair the mirror, which copies it again',
      )
    : new MirrorFailure(
        'DESTINATION_DIVERGED',
        `${where}: the mirror's log has lost ${offset - landed} offset(s) that were copied (the topic was made anew, or an unclean election). ` +
          'Its records from there on are not at their offsets: repair the mirror, which copies it again',
      );
};

/** A batch that had to be opened cannot be: its bytes at the source are not what its header says. */
export const unmakeable = (label: string, offset: number, error: LinkError): LinkError =>
  LinkError.is(error, 'KLINK_CORRUPT_BATCH')
    ? new MirrorFailure(
        'CORRUPT_SOURCE_BATCH',
        `${label}: the batch at offset ${offset} of the source cannot be opened: ${error.message}`,
        error,
      )
    : error;
