/** How a destination broker carries out what changes its logs, one partition after the other: what is begun may be seen half done. */
import { ErrorCode } from '../../../../src/protocol/error-codes.ts';
import type { DeleteRecordsRequest, DeleteRecordsResponse } from '../../../../src/protocol/messages/delete-records.ts';
import type { DescribeProducersRequest, DescribeProducersResponse } from '../../../../src/protocol/messages/describe-producers.ts';
import type { ProduceRequest, ProduceResponse } from '../../../../src/protocol/messages/produce.ts';
import type { WriteTxnMarkersRequest, WriteTxnMarkersResponse } from '../../../../src/protocol/messages/write-txn-markers.ts';
import type { DestinationLog } from './destination-log.ts';

/** A request on its way through a broker: every turn changes at most one log, the last one brings the answer. */
export type Work<T = unknown> = Generator<undefined, T, undefined>;

/** What an append meets instead of success. */
export interface WriteFault {
  readonly errorCode: number;
  /** It is in the leader's log all the same. */
  readonly isWritten: boolean;
}

export interface WritingBroker {
  readonly id: number;
  readonly logs: readonly DestinationLog[];
  /** Taken by the next appends, one each. */
  readonly faults: WriteFault[];
  /** ALTER or CLUSTER_ACTION on the cluster. */
  readonly mayWriteMarkers: boolean;
  /** Milliseconds since 1970. */
  readonly time: () => number;
  /** By its own rules, or those of the link's design: must stay empty. */
  readonly complaints: string[];
}

type ProducePartitionAnswer = ProduceResponse['responses'][number]['partitionResponses'][number];
type ProducerAnswer = DescribeProducersResponse['topics'][number]['partitions'][number];

/** The log, unless somebody else leads it. */
const ledBy = ({ id, logs }: WritingBroker, index: number): DestinationLog | null => {
  const log = logs[index];
  return log?.leader === id ? log : null;
};

export function* produce(broker: WritingBroker, { acks, topicData }: ProduceRequest): Work<ProduceResponse> {
  const responses: ProduceResponse['responses'] = [];
  for (const { name = '', partitionData } of topicData) {
    const asked = partitionData.map(({ index }) => index);
    if (new Set(asked).size < asked.length) broker.complaints.push(`two batches for one partition in one request: ${asked.join(', ')}`);
    const partitionResponses = partitionData.map(({ index, records }): ProducePartitionAnswer => {
      const { errorCode, baseOffset } = append(broker, index, records ?? Buffer.alloc(0), acks);
      return {
        index,
        errorCode,
        baseOffset: BigInt(baseOffset),
        logAppendTimeMs: -1n,
        logStartOffset: BigInt(broker.logs[index]?.start ?? -1),
        recordErrors: [],
        errorMessage: null,
        currentLeader: { leaderId: -1, leaderEpoch: -1 },
      };
    });
    responses.push({ name, partitionResponses });
  }
  return { responses, throttleTimeMs: 0, nodeEndpoints: [] };
}

const append = (broker: WritingBroker, index: number, records: Buffer, acks: number): { errorCode: number; baseOffset: number } => {
  const log = ledBy(broker, index);
  if (log === null) return { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, baseOffset: -1 };
  const fault = broker.faults.shift();
  if (fault === undefined) return log.produce(records, acks);
  // Written, but not on the followers.
  if (fault.isWritten) log.produce(records, 1);
  return { errorCode: fault.errorCode, baseOffset: -1 };
};

/** Marker by marker, each waiting for its followers; answers for markers of one producer are merged, the last one wins. */
export function* writeTxnMarkers(broker: WritingBroker, { markers }: WriteTxnMarkersRequest): Work<WriteTxnMarkersResponse> {
  const answers = new Map<bigint, Map<string, Map<number, number>>>();
  for (const { producerId, producerEpoch, transactionResult, topics } of markers) {
    if (producerId > -2n) broker.complaints.push(`a marker of producer ${producerId}: a real one may have that id`);
    if (answers.has(producerId)) broker.complaints.push(`two markers of producer ${producerId} in one request: errors hide each other`);
    const byTopic = answers.get(producerId) ?? new Map<string, Map<number, number>>();
    answers.set(producerId, byTopic);
    for (const { name, partitionIndexes } of topics) {
      const codes = byTopic.get(name) ?? new Map<number, number>();
      byTopic.set(name, codes);
      for (const index of partitionIndexes) {
        codes.set(index, writeMarker(broker, index, { producerId, producerEpoch, isCommit: transactionResult, time: broker.time() }));
        yield;
      }
    }
  }
  return {
    markers: [...answers].map(([producerId, topics]) => ({
      producerId,
      topics: [...topics].map(([name, codes]) => ({
        name,
        partitions: [...codes].map(([partitionIndex, errorCode]) => ({ partitionIndex, errorCode })),
      })),
    })),
  };
}

const writeMarker = (broker: WritingBroker, index: number, marker: Parameters<DestinationLog['writeMarker']>[0]): number => {
  if (!broker.mayWriteMarkers) return ErrorCode.CLUSTER_AUTHORIZATION_FAILED;
  const log = ledBy(broker, index);
  if (log === null) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
  const fault = broker.faults.shift();
  if (fault !== undefined && !fault.isWritten) return fault.errorCode;
  const errorCode = log.writeMarker(marker);
  if (fault !== undefined) return fault.errorCode;
  log.replicate();
  return errorCode;
};

export function* deleteRecords(broker: WritingBroker, { topics }: DeleteRecordsRequest): Work<DeleteRecordsResponse> {
  return {
    throttleTimeMs: 0,
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, offset }) => {
        const log = ledBy(broker, partitionIndex);
        const answer =
          log === null
            ? { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, lowWatermark: -1 }
            : log.deleteRecords(Number(offset), broker.time());
        return { partitionIndex, errorCode: answer.errorCode, lowWatermark: BigInt(answer.lowWatermark) };
      }),
    })),
  };
}

export function* describeProducers(broker: WritingBroker, { topics }: DescribeProducersRequest): Work<DescribeProducersResponse> {
  return {
    throttleTimeMs: 0,
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex): ProducerAnswer => {
        const log = ledBy(broker, partitionIndex);
        const errorCode = log === null ? ErrorCode.NOT_LEADER_OR_FOLLOWER : ErrorCode.NONE;
        const activeProducers = [...(log?.producers ?? [])].map(([producerId, { epoch, batches, lastTimestamp }]) => ({
          producerId,
          producerEpoch: epoch,
          lastSequence: batches.at(-1)?.last ?? -1,
          lastTimestamp: BigInt(lastTimestamp),
          coordinatorEpoch: -1,
          currentTxnStartOffset: -1n,
        }));
        return { partitionIndex, errorCode, errorMessage: null, activeProducers };
      }),
    })),
  };
}
