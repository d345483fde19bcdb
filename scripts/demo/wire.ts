/** The smallest Kafka client that can create topics and produce: one socket per broker, one answer per question, no retries. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  type Api,
  CreateTopics,
  decodeResponse,
  ErrorCode,
  encodeRequest,
  Metadata,
  Produce,
  type RequestOf,
  type ResponseOf,
} from 'kafka-link/protocol';

/** Versions that every release from 2.8 to 4.x speaks, so that nothing has to be negotiated. */
const VERSION: ReadonlyMap<number, number> = new Map([
  [Metadata.key, 9],
  [CreateTopics.key, 5],
  [Produce.key, 9],
]);
const LENGTH_BYTES = 4;

class BrokerSocket {
  readonly #socket: Socket;
  readonly #waiting: { resolve: (frame: Buffer) => void; reject: (error: Error) => void }[] = [];
  #received: Buffer = Buffer.alloc(0);
  #correlationId = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', () => {});
    socket.on('close', () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error('the broker closed the connection'));
    });
  }

  static async open(host: string, port: number): Promise<BrokerSocket> {
    const socket = connect({ host, port, noDelay: true });
    await once(socket, 'connect');
    return new BrokerSocket(socket);
  }

  async send<A extends Api>(api: A, body: RequestOf<A>): Promise<ResponseOf<A>> {
    const version = VERSION.get(api.key) as number;
    const { chunks } = encodeRequest(api, version, ++this.#correlationId, 'demo', body);
    const answer = new Promise<Buffer>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.#socket.cork();
    for (const chunk of chunks) this.#socket.write(chunk);
    this.#socket.uncork();
    return decodeResponse(api, version, await answer);
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    while (this.#received.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + this.#received.readInt32BE();
      if (this.#received.length < end) return;
      this.#waiting.shift()?.resolve(this.#received.subarray(LENGTH_BYTES, end));
      this.#received = this.#received.subarray(end);
    }
  }
}

/** A batch for one partition. */
export interface Addressed {
  readonly topic: string;
  readonly partition: number;
  readonly batch: Buffer;
}

/** Node 20 has no `Map.groupBy`. */
const groupBy = <K, T>(items: readonly T[], keyOf: (item: T) => K): ReadonlyMap<K, T[]> => {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
};

/** A client of one cluster. */
export class WireClient {
  readonly #sockets = new Map<number, BrokerSocket>();
  /** Leader of each `topic-partition`. */
  readonly #leaders = new Map<string, number>();
  #first: BrokerSocket | null = null;

  static async connect(bootstrap: readonly string[]): Promise<WireClient> {
    const client = new WireClient();
    const [host = '', port = ''] = (bootstrap[0] ?? '').split(':');
    client.#first = await BrokerSocket.open(host, Number(port));
    return client;
  }

  /** Creates topics and resolves when each of their partitions has a leader. */
  async createTopics(topics: readonly { readonly name: string; readonly partitions: number; readonly replicas: number }[]): Promise<void> {
    const first = this.#first as BrokerSocket;
    const { topics: created } = await first.send(CreateTopics, {
      topics: topics.map(({ name, partitions, replicas }) => ({
        name,
        numPartitions: partitions,
        replicationFactor: replicas,
        assignments: [],
        configs: [],
      })),
    });
    for (const { name, errorCode } of created) {
      if (errorCode !== ErrorCode.NONE) throw new Error(`topic ${name} could not be created: error ${errorCode}`);
    }
    const wanted = topics.reduce((sum, { partitions }) => sum + partitions, 0);
    while (this.#leaders.size < wanted) await this.#learn(topics.map(({ name }) => name));
  }

  /** One request per broker. Resolves when every batch is acknowledged by all replicas in sync. */
  async produce(batches: readonly Addressed[]): Promise<void> {
    const byBroker = groupBy(batches, ({ topic, partition }) => this.#leaders.get(`${topic}-${partition}`) ?? -1);
    await Promise.all([...byBroker].map(([broker, own]) => this.#produceTo(broker, own)));
  }

  close(): void {
    this.#first?.close();
    for (const socket of this.#sockets.values()) socket.close();
  }

  async #produceTo(broker: number, batches: readonly Addressed[]): Promise<void> {
    const socket = this.#sockets.get(broker);
    if (socket === undefined) throw new Error(`broker ${broker} is not known`);
    const topicData = [...groupBy(batches, ({ topic }) => topic)].map(([name, own]) => ({
      name,
      partitionData: own.map(({ partition, batch }) => ({ index: partition, records: batch })),
    }));
    const { responses } = await socket.send(Produce, { acks: -1, timeoutMs: 10_000, topicData });
    for (const { name, partitionResponses } of responses) {
      for (const { index, errorCode } of partitionResponses) {
        if (errorCode !== ErrorCode.NONE) throw new Error(`${name}-${index} refused a batch: error ${errorCode}`);
      }
    }
  }

  async #learn(names: readonly string[]): Promise<void> {
    const first = this.#first as BrokerSocket;
    const { brokers, topics } = await first.send(Metadata, { topics: names.map((name) => ({ name })) });
    for (const { nodeId, host, port } of brokers) {
      if (!this.#sockets.has(nodeId)) this.#sockets.set(nodeId, await BrokerSocket.open(host, port));
    }
    for (const { name, partitions } of topics) {
      for (const { partitionIndex, leaderId } of partitions) {
        if (leaderId >= 0) this.#leaders.set(`${name}-${partitionIndex}`, leaderId);
      }
    }
  }
}
