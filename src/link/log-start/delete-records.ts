/** Moves the starts of mirror logs up (DeleteRecords): what is ordered in the same turn becomes one request per leader. */
import { abortable } from '../../client/abort.ts';
import { BrokerError } from '../../client/broker-error.ts';
import type { Cluster } from '../../client/cluster.ts';
import { LeaderQuestions, questionKey } from '../../client/leader-questions.ts';
import { type Endpoint, endpointText } from '../../client/transport.ts';
import { LinkError } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { DeleteRecords } from '../../protocol/messages/delete-records.ts';
import { aclsCommand } from '../acls-command.ts';

interface Order {
  readonly topic: string;
  readonly partition: number;
  /** First offset to keep. */
  readonly offset: number;
}

/** A connection of its own: the broker answers when every live replica has moved, and takes no other request from the connection meanwhile. */
const LANE = 'delete-records';
/** The broker gives up on its followers before the connection gives up on the broker, so that the answer says what happened. */
const BROKER_SHARE_OF_TIMEOUT = 0.8;
/** An order is given once more when another one for the same partition, to a lower offset, went for both. */
const ROUNDS = 2;

export class RecordDeletion {
  readonly #orders: LeaderQuestions<Order, number>;

  constructor(cluster: Cluster) {
    const timeoutMs = Math.max(1, Math.floor(cluster.settings.requestTimeoutMs * BROKER_SHARE_OF_TIMEOUT));
    this.#orders = new LeaderQuestions(cluster, {
      doing,
      ask: async (leader, orders) => {
        const topics = new Map<string, { partitionIndex: number; offset: bigint }[]>();
        for (const { topic, partition, offset } of orders) {
          const known = topics.get(topic);
          const wanted = { partitionIndex: partition, offset: BigInt(offset) };
          if (known === undefined) topics.set(topic, [wanted]);
          else known.push(wanted);
        }
        const body = { topics: [...topics].map(([name, partitions]) => ({ name, partitions })), timeoutMs };
        const response = await cluster.send(DeleteRecords, body, { broker: leader }, { lane: LANE });
        const given = new Map(orders.map((order) => [questionKey(order.topic, order.partition), order]));
        const answers = new Map<string, number | LinkError>();
        for (const { name, partitions } of response.topics) {
          for (const { partitionIndex, errorCode, lowWatermark } of partitions) {
            const key = questionKey(name, partitionIndex);
            const order = given.get(key);
            if (order === undefined) continue;
            answers.set(key, errorCode === ErrorCode.NONE ? Number(lowWatermark) : refusal(errorCode, order, cluster));
          }
        }
        return answers;
      },
    });
  }

  /**
   * Deletes what lies before `offset`, and resolves with where the log starts then on every live replica: there, or later when it did so before.
   * That is not on disk yet: see {@link DeleteRecords}. An aborted signal ends the wait; the request is on its way all the same.
   *
   * @throws LinkError `KLINK_AUTH` without DELETE on the topic, with the command that grants it; `KLINK_BROKER` with POLICY_VIOLATION when
   *   the topic's `cleanup.policy` has no `delete`, or whatever else the broker refuses with; `KLINK_STATE` (retriable) when the offset is
   *   beyond the high watermark; `KLINK_ABORTED`; else as {@link Cluster.send}. After a retriable one: refresh metadata, and again.
   */
  async deleteBefore(topic: string, partition: number, offset: number, signal?: AbortSignal): Promise<number> {
    const order = { topic, partition, offset };
    for (let round = 1; round <= ROUNDS; round++) {
      const answer = this.#orders.ask(order);
      const lowWatermark = await (signal === undefined ? answer : abortable(answer, signal, `waiting to ${doing(order)}`));
      if (lowWatermark >= offset) return lowWatermark;
    }
    throw new LinkError('KLINK_MALFORMED', `The broker says that it could ${doing(order)}, but its log starts before that`, {
      retriable: true,
    });
  }
}

const doing = ({ topic, partition, offset }: Order): string => `delete the records of ${topic}-${partition} before offset ${offset}`;

/** For some refusals what the user can do, `bootstrap` the addresses of the cluster. */
type Advice = (topic: string, bootstrap: readonly Endpoint[]) => string;
const ADVICE: ReadonlyMap<number, Advice> = new Map<number, Advice>([
  [
    ErrorCode.TOPIC_AUTHORIZATION_FAILED,
    (topic, bootstrap) =>
      `The link needs DELETE on its mirror topics, so that their logs start where those of the source do: ${aclsCommand(bootstrap, 'Delete', topic)}`,
  ],
  [
    ErrorCode.POLICY_VIOLATION,
    (topic, bootstrap) =>
      "Only logs whose cleanup.policy contains 'delete' let go of their first records: " +
      `kafka-configs --bootstrap-server ${bootstrap.map(endpointText).join(',')} --alter --topic '${topic}' --add-config 'cleanup.policy=[compact,delete]'`,
  ],
  [ErrorCode.OFFSET_OUT_OF_RANGE, () => 'The replicas have not all got that far yet, or the log has lost records'],
]);

const refusal = (errorCode: number, order: Order, { settings: { role }, bootstrap }: Cluster): LinkError => {
  const advice = ADVICE.get(errorCode)?.(order.topic, bootstrap);
  const error = new BrokerError(errorCode, `${doing(order)} on the ${role} cluster`, advice === undefined ? {} : { advice });
  // The high watermark follows what a leader alone has acknowledged, and after an election it catches up with what all had.
  if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) return new LinkError('KLINK_STATE', error.message, { cause: error, retriable: true });
  return error;
};
