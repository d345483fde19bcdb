/** Cases: what WriteTxnMarkers writes, refuses and answers. */
import { BATCH_ATTRIBUTES } from '../../../../src/codec/record-batch.ts';
import { ErrorCode } from '../../../../src/protocol/error-codes.ts';
import { WriteTxnMarkers } from '../../../../src/protocol/messages/write-txn-markers.ts';
import { batch, NOW, record } from './batches.ts';
import type { BrokerRule, Given } from './given.ts';

const { NONE, UNKNOWN_SERVER_ERROR, UNKNOWN_TOPIC_OR_PARTITION, INVALID_PRODUCER_EPOCH, NOT_ENOUGH_REPLICAS } = ErrorCode;
const { logAppendTime, transactional, control } = BATCH_ATTRIBUTES;

const FAR = 1n << 62n;
const HOUR = 3_600_000n;
/** Time for an answer that must not come. */
const SILENCE_MS = 500;

interface Entry {
  readonly producerId: bigint;
  readonly producerEpoch?: number;
  readonly partitions?: readonly number[];
}

const requestOf = (topic: string, entries: readonly Entry[]) => ({
  markers: entries.map(({ producerId, producerEpoch = 0, partitions = [0] }) => ({
    producerId,
    producerEpoch,
    transactionResult: true,
    topics: [{ name: topic, partitionIndexes: [...partitions] }],
    coordinatorEpoch: 0,
  })),
});

/** What is answered: producer id, and the error of each partition in their order. */
const write = async (given: Given, topic: string, ...entries: readonly Entry[]) => {
  const { markers } = await given.client.ask(WriteTxnMarkers, 1, requestOf(topic, entries));
  return markers
    .map(({ producerId, topics }): [bigint, [number, number][]] => [
      producerId,
      topics
        .flatMap(({ partitions }) => partitions.map(({ partitionIndex, errorCode }): [number, number] => [partitionIndex, errorCode]))
        .sort(([a], [b]) => a - b),
    ])
    .sort(([a], [b]) => Number(b - a));
};

/** The log ends of partitions 0, 1, 2, … */
const ends = async (given: Given, topic: string, count: number): Promise<bigint[]> => {
  const found: bigint[] = [];
  for (let index = 0; index < count; index++) found.push((await given.offsetOf(topic, -1n, { index })).offset);
  return found;
};

export const MARKER_RULES: readonly BrokerRule[] = [
  {
    name: 'entries of several producers for several partitions: each is one offset, in the order of the request',
    run: async (given) => {
      const topic = await given.topic({}, 2);
      const answer = await write(
        given,
        topic,
        { producerId: -2n, partitions: [0, 1] },
        { producerId: -3n, partitions: [1] },
        { producerId: FAR },
      );
      given.expect(answer, [
        [FAR, [[0, NONE]]],
        [
          -2n,
          [
            [0, NONE],
            [1, NONE],
          ],
        ],
        [-3n, [[1, NONE]]],
      ]);
      given.expect(await ends(given, topic, 2), [2n, 2n], 'log ends');
      given.expect(
        (await given.batches(topic)).map(({ producerId }) => producerId),
        [-2n, FAR],
      );
    },
  },
  {
    name: 'of several entries of one producer for one partition the last outcome is answered: a success hides a failure, a failure a success',
    run: async (given) => {
      const topic = await given.topic();
      await given.produce(topic, await batch({ producerId: FAR, producerEpoch: 5, baseSequence: 0 }));
      const [fine, stale] = [
        { producerId: FAR, producerEpoch: 5 },
        { producerId: FAR, producerEpoch: 4 },
      ];
      given.expect(await write(given, topic, stale, fine), [[FAR, [[0, NONE]]]], 'a failure, then a success');
      given.expect(await given.endOf(topic), 4n, 'one marker');
      given.expect(await write(given, topic, fine, stale), [[FAR, [[0, INVALID_PRODUCER_EPOCH]]]], 'a success, then a failure');
      given.expect(await given.endOf(topic), 5n, 'two markers');
    },
  },
  {
    name: 'an unknown partition is UNKNOWN_TOPIC_OR_PARTITION, and others are written',
    run: async (given) => {
      const topic = await given.topic();
      const [some, none] = [
        { producerId: -2n, partitions: [0, 7] },
        { producerId: -3n, partitions: [9] },
      ];
      const unknown = [[-3n, [[9, UNKNOWN_TOPIC_OR_PARTITION]]]];
      given.expect(await write(given, topic, none), unknown, 'alone');
      const mixed = [
        [0, NONE],
        [7, UNKNOWN_TOPIC_OR_PARTITION],
      ];
      given.expect(await write(given, topic, none, some), [[-2n, mixed], ...unknown]);
      given.expect(await given.endOf(topic), 1n, 'log end');
    },
  },
  {
    name: 'a request whose last entry has only unknown partitions, after others that were written, is never answered',
    run: async (given) => {
      const topic = await given.topic();
      await using other = await given.another();
      other.send(WriteTxnMarkers, 1, requestOf(topic, [{ producerId: -2n }, { producerId: -3n, partitions: [9] }]));
      await given.eventually(() => given.endOf(topic), 1n, 'log end');
      given.expect(await other.frame(SILENCE_MS), null, 'silence');
    },
  },
  ...(
    [
      ['producer id -1', { producerId: -1n }],
      ['producer epoch -1', { producerId: FAR, producerEpoch: -1 }],
    ] as const
  ).map(
    ([what, broken]): BrokerRule => ({
      name: `${what} fails the whole request with UNKNOWN_SERVER_ERROR; what comes before it is written`,
      run: async (given) => {
        const topic = await given.topic({}, 3);
        const answer = await write(given, topic, { producerId: -2n }, { ...broken, partitions: [1] }, { producerId: -3n, partitions: [2] });
        given.expect(
          answer.flatMap(([, partitions]) => partitions),
          answer.flatMap(([, partitions]) => partitions.map(([index]) => [index, UNKNOWN_SERVER_ERROR])),
          'answer',
        );
        given.expect(answer.length, 3);
        given.expect(await ends(given, topic, 3), [1n, 0n, 0n], 'log ends');
      },
    }),
  ),
  {
    name: 'a partition that an entry names twice gets one marker, and since 3.x no answer comes',
    run: async (given) => {
      const topic = await given.topic();
      await using other = await given.another();
      other.send(WriteTxnMarkers, 1, requestOf(topic, [{ producerId: -2n, partitions: [0, 0] }]));
      await given.eventually(() => given.endOf(topic), 1n, 'log end');
      given.expect((await other.frame(SILENCE_MS)) === null, given.since('3.9'), 'silence');
      given.expect(await given.endOf(topic), 1n, 'log end');
    },
  },
  {
    name: 'a request without entries is answered',
    run: async (given) => given.expect(await write(given, 'any'), []),
  },
  {
    name: 'a marker under the own producer id takes no sequence and makes the producer young again',
    run: async (given) => {
      const topic = await given.topic();
      const old = NOW - HOUR;
      await given.produce(topic, await batch({ producerId: FAR, producerEpoch: 0, baseSequence: 40 }, [record('old', old)]));
      const state = async () => {
        const [only] = await given.producers(topic);
        return { sequence: only!.lastSequence, epoch: only!.producerEpoch, age: only!.lastTimestamp > NOW - HOUR / 2n ? 'young' : 'old' };
      };
      given.expect(await state(), { sequence: 40, epoch: 0, age: 'old' });
      given.expect(await write(given, topic, { producerId: FAR }), [[FAR, [[0, NONE]]]]);
      given.expect(await state(), { sequence: 40, epoch: 0, age: 'young' });
      given.expect(await given.outcome(topic, await batch({ producerId: FAR, producerEpoch: 0, baseSequence: 41 })), [NONE, 2n]);
      given.expect(
        await given.outcome(topic, await batch({ producerId: FAR, producerEpoch: 0, baseSequence: 40 }, [record('old', old)])),
        [NONE, 0n],
        'a repeat from before the marker is known',
      );
    },
  },
  {
    name: 'a marker in a topic with append times gets the bit; in one with a codec it stays uncompressed; a compacted one takes it',
    run: async (given) => {
      for (const [configs, attributes] of [
        [{ 'message.timestamp.type': 'LogAppendTime' }, logAppendTime],
        [{ 'compression.type': 'gzip' }, 0],
        [{ 'cleanup.policy': 'compact' }, 0],
      ] as const) {
        const topic = await given.topic(configs);
        given.expect(await write(given, topic, { producerId: -2n }), [[-2n, [[0, NONE]]]]);
        const [marker] = await given.batches(topic);
        given.expect([marker!.attributes, marker!.sizeInBytes], [transactional | control | attributes, 78], JSON.stringify(configs));
        given.expect(marker!.maxTimestamp > NOW - HOUR, true, 'its time is now');
      }
    },
  },
  {
    name: 'markers ask for as many replicas in sync as acks=all does (2.8: also for more than there are)',
    run: async (given) => {
      const topic = await given.topic({ 'min.insync.replicas': '2' });
      given.expect(await write(given, topic, { producerId: -2n }), [[-2n, [[0, given.since('3.9') ? NONE : NOT_ENOUGH_REPLICAS]]]]);
    },
  },
];
