/** DeleteRecords: moves the log start up; the log end never goes back. */
import { ErrorCode } from '../../protocol/error-codes.ts';
import { DeleteRecords } from '../../protocol/messages/delete-records.ts';
import { handler } from '../handler.ts';
import { attempt, Refusal } from '../refusal.ts';
import { led, type RequestContext } from '../request-context.ts';

/** Stands for the high watermark. */
const HIGH_WATERMARK = -1n;

export const deleteRecords = handler(DeleteRecords, ({ topics }, context) => ({
  topics: topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex, offset }) => {
      const outcome = attempt(() => moveStart(name, partitionIndex, offset, context));
      return outcome instanceof Refusal
        ? { partitionIndex, errorCode: outcome.errorCode, lowWatermark: -1n }
        : { partitionIndex, errorCode: ErrorCode.NONE, lowWatermark: outcome };
    }),
  })),
}));

const moveStart = (topic: string, index: number, offset: bigint, context: RequestContext): bigint => {
  const { log } = led(context, 'delete', topic, index);
  if (!context.cluster.logConfig(topic).deleted) {
    throw new Refusal('POLICY_VIOLATION', 'Records of partition can not be deleted due to the configured policy');
  }
  log.deleteRecords(offset === HIGH_WATERMARK ? log.highWatermark : offset);
  return log.startOffset;
};
