/** DescribeProducers: what a replica, leader or not, remembers of each producer id; how open transactions are found (KIP-664). */
import { ErrorCode } from '../../protocol/error-codes.ts';
import { DescribeProducers } from '../../protocol/messages/describe-producers.ts';
import { handler } from '../handler.ts';
import { attempt, Refusal } from '../refusal.ts';
import { hosted } from '../request-context.ts';

export const describeProducers = handler(DescribeProducers, ({ topics }, context) => ({
  topics: topics.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partitionIndex) => {
      const partition = attempt(() => hosted(context, 'read', name, partitionIndex));
      if (partition instanceof Refusal) return { partitionIndex, errorCode: partition.errorCode, activeProducers: [] };
      const activeProducers = [...partition.log.producers.all()].map((state) => ({
        producerId: state.producerId,
        producerEpoch: state.producerEpoch,
        lastSequence: state.batches.at(-1)?.lastSequence ?? -1,
        lastTimestamp: state.lastTimestamp,
        coordinatorEpoch: state.coordinatorEpoch,
        currentTxnStartOffset: state.currentTxnFirstOffset ?? -1n,
      }));
      return { partitionIndex, errorCode: ErrorCode.NONE, activeProducers };
    }),
  })),
}));
