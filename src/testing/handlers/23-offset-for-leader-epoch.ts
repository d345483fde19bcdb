/** OffsetForLeaderEpoch: where an epoch ended, by which a consumer notices that the log was truncated (KIP-320). */
import { ErrorCode } from '../../protocol/error-codes.ts';
import { OffsetForLeaderEpoch } from '../../protocol/messages/offset-for-leader-epoch.ts';
import { handler } from '../handler.ts';
import { attempt, Refusal } from '../refusal.ts';
import { checkLeaderEpoch, existing } from '../request-context.ts';

export const offsetForLeaderEpoch = handler(OffsetForLeaderEpoch, ({ topics }, context) => ({
  topics: topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map(({ partition: index, currentLeaderEpoch, leaderEpoch }) => {
      const end = attempt(() => {
        const partition = existing(context, 'describe', topic, index);
        checkLeaderEpoch(partition, currentLeaderEpoch);
        if (partition.leader !== context.broker.id) throw new Refusal('NOT_LEADER_OR_FOLLOWER');
        return partition.log.epochs.endOf(leaderEpoch, partition.log.endOffset);
      });
      if (end instanceof Refusal) return { partition: index, errorCode: end.errorCode };
      return { partition: index, errorCode: ErrorCode.NONE, leaderEpoch: end.epoch, endOffset: end.endOffset };
    }),
  })),
}));
