/** Question: what do the two messages of the data path cost to write and to read, by the number of partitions? `npx tsx bench/protocol.ts`. */
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse } from '../src/protocol/frame.ts';
import { Fetch } from '../src/protocol/messages/fetch.ts';
import { Produce } from '../src/protocol/messages/produce.ts';
import { ZERO_UUID } from '../src/protocol/schema.ts';
import { type MicroFigure, measure, printFigures, type Subject } from './micro.ts';

const PRODUCE_VERSION = 11;
const FETCH_VERSION = 17;
const CLIENT_ID = 'kafka-link-bench';
const RECORDS = Buffer.alloc(16_384);
const REPEATS = 100;

/** Without its length prefix, as a reader sees it. */
const frame = ({ chunks }: { readonly chunks: readonly Buffer[] }): Buffer => Buffer.concat(chunks).subarray(4);

const range = <T>(count: number, of: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => of(index));

const repeated = (name: string, once: () => unknown): Subject => ({
  name,
  batches: REPEATS,
  run: () => {
    for (let i = 0; i < REPEATS; i++) once();
  },
});

const messages = (partitions: number): Promise<MicroFigure[]> => {
  const produce = {
    acks: -1,
    timeoutMs: 30_000,
    topicData: [{ name: 'orders', partitionData: range(partitions, (index) => ({ index, records: RECORDS })) }],
  };
  const produced = encodeResponse(Produce, PRODUCE_VERSION, 1, {
    responses: [{ name: 'orders', partitionResponses: range(partitions, (index) => ({ index, errorCode: 0, baseOffset: 4711n })) }],
    throttleTimeMs: 0,
  });
  const fetch = {
    maxWaitMs: 500,
    minBytes: 1,
    maxBytes: 10_485_760,
    sessionId: 1,
    sessionEpoch: 7,
    topics: [
      {
        topicId: ZERO_UUID,
        partitions: range(partitions, (partition) => ({
          partition,
          fetchOffset: 4711n,
          currentLeaderEpoch: 3,
          partitionMaxBytes: 1_048_576,
        })),
      },
    ],
    forgottenTopicsData: [],
  };
  const fetched = encodeResponse(Fetch, FETCH_VERSION, 1, {
    errorCode: 0,
    sessionId: 1,
    throttleTimeMs: 0,
    responses: [
      {
        topicId: ZERO_UUID,
        partitions: range(partitions, (partitionIndex) => ({
          partitionIndex,
          errorCode: 0,
          highWatermark: 9000n,
          lastStableOffset: 9000n,
          logStartOffset: 0n,
          abortedTransactions: null,
          records: RECORDS,
        })),
      },
    ],
  });
  const request = frame(encodeRequest(Produce, PRODUCE_VERSION, 1, CLIENT_ID, produce));
  const [answer, records] = [frame(produced), frame(fetched)];
  return measure('What does a message of the data path cost?', `${partitions} partition${partitions === 1 ? '' : 's'}`, [
    repeated('encode Produce request (what the link sends)', () => encodeRequest(Produce, PRODUCE_VERSION, 1, CLIENT_ID, produce)),
    repeated('decode Produce response', () => decodeResponse(Produce, PRODUCE_VERSION, answer)),
    repeated('encode Fetch request', () => encodeRequest(Fetch, FETCH_VERSION, 1, CLIENT_ID, fetch)),
    repeated('decode Fetch response (records stay where they are)', () => decodeResponse(Fetch, FETCH_VERSION, records)),
    repeated('decode Produce request (the embedded broker)', () => decodeRequest(Produce, PRODUCE_VERSION, request)),
  ]);
};

/** All figures of this file, about five seconds. */
export const protocolFigures = async (): Promise<MicroFigure[]> => {
  const figures: MicroFigure[] = [];
  for (const partitions of [1, 6, 200]) figures.push(...(await messages(partitions)));
  return figures;
};

if (process.argv[1] === import.meta.filename) printFigures(await protocolFigures());
