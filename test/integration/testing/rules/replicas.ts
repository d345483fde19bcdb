/** Cases for three brokers: what followers answer, what leaders wait for, and what a new leader knows. */
import { ErrorCode } from '../../../../src/protocol/error-codes.ts';
import { WriteTxnMarkers } from '../../../../src/protocol/messages/write-txn-markers.ts';
import { RawClient } from '../raw-client.ts';
import { batch } from './batches.ts';
import { type ExpectEqual, Given, type RuleTarget } from './given.ts';

const { NONE, INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER, UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER } = ErrorCode;
const { TRANSACTION_COORDINATOR_FENCED, NOT_ENOUGH_REPLICAS } = ErrorCode;

const FAR = 1n << 62n;
const ALL = [1, 2, 3];

/** Three brokers with the ids 1 to 3. */
export interface ReplicaTarget {
  readonly release: RuleTarget['release'];
  /** `host:port` by broker id. */
  readonly address: (broker: number) => string;
  /** Takes a broker away in good order. */
  readonly stop: (broker: number) => Promise<void>;
}

/** One case, asked of broker 1 unless it asks for another. */
export interface ReplicaRule {
  readonly name: string;
  readonly run: (given: Given, at: (broker: number) => Promise<Given>, target: ReplicaTarget) => Promise<void>;
}

/** Runs a case over connections of its own. */
export const runReplicaRule = async (rule: ReplicaRule, target: ReplicaTarget, expect: ExpectEqual): Promise<void> => {
  const clients: RawClient[] = [];
  const at = async (broker: number): Promise<Given> => {
    const address = target.address(broker);
    const client = await RawClient.to(address);
    clients.push(client);
    return new Given({ address, release: target.release }, client, expect);
  };
  try {
    await rule.run(await at(1), at, target);
  } finally {
    for (const client of clients) await client[Symbol.asyncDispose]();
  }
};

const from = (baseSequence: number, { producerEpoch = 0, transactional = false } = {}): Promise<Buffer> =>
  batch({ producerId: FAR, producerEpoch, baseSequence, transactional });

export const REPLICA_RULES: readonly ReplicaRule[] = [
  {
    name: 'a marker that waits for followers hides a failure of its place, before or behind it in the request',
    run: async (given) => {
      const topic = await given.topic({}, 1, ALL);
      await given.produce(topic, await from(0, { producerEpoch: 5 }));
      const write = async (...epochs: number[]) => {
        const { markers } = await given.client.ask(WriteTxnMarkers, 1, {
          markers: epochs.map((producerEpoch) => ({
            producerId: FAR,
            producerEpoch,
            transactionResult: true,
            topics: [{ name: topic, partitionIndexes: [0] }],
            coordinatorEpoch: 0,
          })),
        });
        return markers.map(({ topics }) => topics[0]!.partitions[0]!.errorCode);
      };
      given.expect([await write(4), await write(4, 5), await write(5, 4)], [[INVALID_PRODUCER_EPOCH], [NONE], [NONE]]);
      given.expect(await given.endOf(topic), 5n, 'two markers');
    },
  },
  {
    name: 'a last entry of unknown partitions does no harm while others wait for followers',
    run: async (given) => {
      const topic = await given.topic({}, 1, ALL);
      const { markers } = await given.client.ask(WriteTxnMarkers, 1, {
        markers: [0, 9].map((partition, i) => ({
          producerId: BigInt(-2 - i),
          producerEpoch: 0,
          transactionResult: true,
          topics: [{ name: topic, partitionIndexes: [partition] }],
          coordinatorEpoch: 0,
        })),
      });
      given.expect(
        markers.map(({ producerId, topics }) => [producerId, topics[0]!.partitions[0]!.errorCode]).sort(),
        [
          [-2n, NONE],
          [-3n, UNKNOWN_TOPIC_OR_PARTITION],
        ].sort(),
      );
    },
  },
  {
    name: 'every replica tells of producers; markers are for the leader, and unknown where there is no replica',
    run: async (given, at) => {
      const topic = await given.topic({}, 1, [1, 2]);
      await given.produce(topic, await from(40));
      const [follower, stranger] = [await at(2), await at(3)];
      const leads = await given.producers(topic);
      await given.eventually(() => follower.producers(topic), leads, 'the follower');
      given.expect(await follower.markers(topic, { producerId: -2n }), [NOT_LEADER_OR_FOLLOWER]);
      given.expect(await stranger.markers(topic, { producerId: -2n }), [UNKNOWN_TOPIC_OR_PARTITION]);
      given.expect((await stranger.offsetOf(topic, -1n, { replicaId: -2 })).errorCode, NOT_LEADER_OR_FOLLOWER, 'log end');
      await given.eventually(async () => (await follower.offsetOf(topic, -1n, { replicaId: -2 })).offset, 3n, 'log end of the follower');
    },
  },
  {
    name: 'a new leader knows sequences, repeats, transactions and coordinator epochs; markers of too few replicas are NOT_ENOUGH_REPLICAS',
    run: async (given, at, target) => {
      await given.verification(false);
      const topic = await given.topic({ 'min.insync.replicas': '2' }, 1, ALL);
      await given.markers(topic, { producerId: FAR, coordinatorEpoch: 6 });
      await given.produce(topic, await from(0));
      await given.eventually(
        async () => (await given.outcome(topic, await from(3, { transactional: true }), { transactionalId: 'moves' }))[0],
        NONE,
        'inside a transaction',
      );
      const before = await given.producers(topic);
      await target.stop(1);
      let next = await at(2);
      const leaderOf = async () => (await next.metadata(topic)).partitions[0]?.leaderId;
      await next.eventually(async () => [2, 3].includes((await leaderOf()) ?? -1), true, 'a new leader');
      const leader = (await leaderOf())!;
      next = await at(leader);
      await next.eventually(() => next.producers(topic), before, 'what is known of producers');
      await next.eventually(async () => (await next.outcome(topic, await from(0)))[0], NONE, 'it leads');
      next.expect(await next.outcome(topic, await from(0)), [NONE, 1n], 'a repeat');
      const wrong = await from(9, { transactional: true });
      next.expect(await next.outcome(topic, wrong, { transactionalId: 'moves' }), [OUT_OF_ORDER_SEQUENCE_NUMBER, -1n]);
      next.expect((await next.fetch(topic, 0n, { isolationLevel: 1 })).partition!.lastStableOffset, 4n, 'the open transaction');
      next.expect(await next.markers(topic, { producerId: FAR, coordinatorEpoch: 5 }), [TRANSACTION_COORDINATOR_FENCED]);
      next.expect(await next.markers(topic, { producerId: FAR, coordinatorEpoch: 6, commit: false }), [NONE]);
      next.expect(await next.outcome(topic, await from(6)), [NONE, 8n], 'the sequence goes on');
      await target.stop(leader === 2 ? 3 : 2);
      await next.eventually(() => next.markers(topic, { producerId: -2n }), [NOT_ENOUGH_REPLICAS], 'alone');
      const end = (await next.offsetOf(topic, -1n, { replicaId: -2 })).offset;
      next.expect(await next.markers(topic, { producerId: -2n }), [NOT_ENOUGH_REPLICAS]);
      next.expect((await next.offsetOf(topic, -1n, { replicaId: -2 })).offset, end, 'nothing was written');
    },
  },
];
