/** What the leader of a mirror topic makes of a batch it is sent, by the embedded cluster's rules: they know nothing of the link. */
import { computeCrc } from '../../src/codec/batch-crc.ts';
import { BATCH_LAYOUT, RecordBatch } from '../../src/codec/record-batch.ts';
import { logConfigOf } from '../../src/testing/config/topic-configs.ts';
import { acceptBatch, theOneBatch } from '../../src/testing/produce-rules.ts';

const PRODUCE_VERSION = 11;
/** Takes records of any age and size, as mirror topics do. */
const config = logConfigOf(() => undefined);

/** The header fields that a leader would rewrite, and with them the CRC: none, if the batch is what it should be. Throws the refusal of one it does not take. */
export const changesByLeader = async (bytes: Buffer): Promise<object> => {
  const terms = { config, now: 1_700_000_000_000n, takesLogAppendTime: false };
  return (await acceptBatch(theOneBatch(bytes, PRODUCE_VERSION), terms)).changes;
};

/** The batch with a CRC that is right for its bytes, whatever they say. */
export const withRightCrc = (bytes: Buffer): Buffer => {
  const copy = Buffer.from(bytes);
  const view = new RecordBatch();
  view.moveTo(copy, 0);
  copy.writeUInt32BE(computeCrc(view), BATCH_LAYOUT.crc);
  return copy;
};
