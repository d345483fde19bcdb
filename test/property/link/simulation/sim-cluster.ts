/** A process's side of a simulated cluster: what the engine takes for a `Cluster`, with connections that the world serves, delays and cuts. */
import type { Cluster } from '../../../../src/client/cluster.ts';
import type { SendOptions } from '../../../../src/client/connection.ts';
import type { FrameAllocator } from '../../../../src/client/frame-assembler.ts';
import { MetadataCache } from '../../../../src/client/metadata.ts';
import { LinkError } from '../../../../src/errors.ts';
import { DeleteRecords } from '../../../../src/protocol/messages/delete-records.ts';
import { Fetch, type FetchResponse } from '../../../../src/protocol/messages/fetch.ts';
import { Produce, type ProduceRequest } from '../../../../src/protocol/messages/produce.ts';
import { WriteTxnMarkers, type WriteTxnMarkersRequest } from '../../../../src/protocol/messages/write-txn-markers.ts';
import type { Api } from '../../../../src/protocol/schema.ts';
import type { Work } from './broker-writes.ts';
import type { SimBrokers } from './sim-brokers.ts';
import type { Happening, World } from './world.ts';

interface Pending {
  readonly api: Api;
  readonly body: unknown;
  readonly version: number;
  readonly waitsUntil: number;
  readonly allocate: FrameAllocator | undefined;
  /** What it carried when it was sent. */
  readonly carried: readonly Buffer[];
  work?: Work;
  response?: unknown;
  readonly resolve: (response: unknown) => void;
  readonly reject: (error: LinkError) => void;
}

/** What a broker goes on with when nobody is there any more to be answered. */
const WRITES: ReadonlySet<Api> = new Set([Produce, WriteTxnMarkers, DeleteRecords]);

const never = <T>(): Promise<T> => new Promise<T>(() => {});

/** One connection: the broker works on one request at a time, and answers in order. */
class SimConnection implements Happening {
  readonly name: string;
  readonly broker: number;
  isOpen = true;
  readonly #world: World;
  readonly #brokers: SimBrokers;
  readonly #queue: Pending[] = [];

  constructor(world: World, brokers: SimBrokers, broker: number, lane: string) {
    this.#world = world;
    this.#brokers = brokers;
    this.broker = broker;
    this.name = `${brokers.role} ${broker}/${lane}`;
    world.add(this);
  }

  readonly versions = { of: (api: Api): number => (api === Fetch ? this.#brokers.fetchVersion : api.versions.max) };

  /** Partitions for which something is on its way that was not answered yet. */
  pending(api: typeof Produce | typeof WriteTxnMarkers): ReadonlySet<number> {
    return new Set(this.#queue.flatMap((request) => (request.api === api ? partitionsOf(request) : [])));
  }

  /** Something is on its way that changes a log. */
  get isWriting(): boolean {
    return this.#queue.some((pending) => WRITES.has(pending.api) && !('response' in pending));
  }

  send(
    api: Api,
    body: { readonly maxWaitMs?: number },
    { signal, maxVersion = Number.POSITIVE_INFINITY, allocate }: SendOptions = {},
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (!this.isOpen) throw lost(this.name);
      if (signal?.aborted) throw aborted(api);
      const abort = (): void => reject(aborted(api));
      signal?.addEventListener('abort', abort, { once: true });
      const settled = (): void => signal?.removeEventListener('abort', abort);
      this.#queue.push({
        api,
        body,
        allocate,
        carried: recordsOf(api, body).map((records) => Buffer.from(records)),
        version: Math.min(this.versions.of(api), maxVersion),
        waitsUntil: this.#world.clock.now() + (body.maxWaitMs ?? 0),
        resolve: (response) => {
          settled();
          resolve(response);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      });
    });
  }

  enabled(): boolean {
    const head = this.#queue[0];
    if (head === undefined) return false;
    return (
      'response' in head ||
      'work' in head ||
      this.#world.clock.now() >= head.waitsUntil ||
      !this.#brokers.wouldWait(this.broker, head.api, head.body, head.version)
    );
  }

  dueAt(): number | undefined {
    const head = this.#queue[0];
    return head === undefined || 'response' in head ? undefined : head.waitsUntil;
  }

  run(): void {
    const head = this.#queue[0];
    if (head === undefined) return;
    if ('response' in head) {
      this.#queue.shift();
      head.resolve(head.allocate === undefined ? head.response : inFrame(head.response as FetchResponse, head.allocate));
    } else this.#workOn(head);
  }

  /** The connection breaks. What the broker has received it may still work on, one after the other, with nobody to answer. */
  cut(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#world.remove(this);
    this.#world.note(`cut ${this.name}`);
    const received = this.#queue.filter((pending) => !('response' in pending) && WRITES.has(pending.api));
    const arrived = this.#world.below(received.length + 1);
    if (arrived > 0) this.#haunt(received.slice(0, arrived));
    for (const { reject } of this.#queue.splice(0)) reject(lost(this.name));
  }

  #workOn(request: Pending): void {
    if (request.work === undefined && recordsOf(request.api, request.body).some((records, i) => !records.equals(request.carried[i]!)))
      this.#brokers.complaints.push(`${this.name}: what a request carries has changed while it was on its way`);
    request.work ??= this.#brokers.work(this.broker, request.api, request.body, request.version);
    const { done, value } = request.work.next();
    if (done) request.response = value;
  }

  #haunt(requests: Pending[]): void {
    const { from, until, isUnexpected } = this.#brokers.nextLateness(this.#world.chance(0.5) ? 0 : this.#world.random());
    const now = this.#world.clock.now();
    const ghost: Happening = {
      name: `ghost of ${this.name}`,
      enabled: () => this.#world.clock.now() >= now + from,
      dueAt: () => now + from,
      deadline: () => now + until,
      run: () => {
        const [next] = requests;
        if (next === undefined) return;
        if (isUnexpected) for (const partition of partitionsOf(next)) this.#brokers.onLate(partition);
        this.#workOn(next);
        if ('response' in next) requests.shift();
        if (requests.length > 0) return;
        this.#world.remove(ghost);
        this.#brokers.ghosts--;
      },
    };
    this.#brokers.ghosts++;
    this.#world.add(ghost);
  }
}

export class SimCluster {
  readonly settings: { readonly role: string; readonly requestTimeoutMs: number };
  readonly metadata = new MetadataCache();
  readonly #world: World;
  readonly #brokers: SimBrokers;
  readonly #connections = new Map<string, Promise<SimConnection>>();
  readonly #open = new Set<SimConnection>();
  #isDead = false;

  constructor(world: World, brokers: SimBrokers) {
    this.#world = world;
    this.#brokers = brokers;
    this.settings = { role: brokers.role, requestTimeoutMs: 1_000 };
    this.metadata.apply(brokers.present);
  }

  /** As the engine sees it. */
  get asCluster(): Cluster {
    return this as unknown as Cluster;
  }

  get connections(): readonly SimConnection[] {
    return [...this.#open].filter(({ isOpen }) => isOpen);
  }

  async refreshMetadata(): Promise<void> {
    if (this.#isDead) return never();
    await this.#world.sometime(`${this.#brokers.role} metadata`, () => this.metadata.apply(this.#brokers.metadata()));
  }

  async send(
    api: Api,
    body: object,
    target: { readonly broker: number } | { readonly leader: { readonly topic: string; readonly partition: number } },
    { lane, ...options }: { readonly signal?: AbortSignal; readonly maxVersion?: number; readonly lane?: string } = {},
  ): Promise<unknown> {
    const broker =
      'broker' in target ? target.broker : (this.metadata.partition(target.leader.topic, target.leader.partition)?.leaderId ?? -1);
    return (await this.connection(broker, lane)).send(api, body, options);
  }

  connection(broker: number, lane = 'control'): Promise<SimConnection> {
    if (this.#isDead) return never();
    const key = `${broker}/${lane}`;
    const known = this.#connections.get(key);
    if (known !== undefined) return known;
    const opening = this.#world.sometime(`connect ${this.#brokers.role} ${key}`, () => {
      if (this.#brokers.isDown(broker) || !this.#brokers.ids.includes(broker)) {
        this.#connections.delete(key);
        throw lost(key);
      }
      const connection = new SimConnection(this.#world, this.#brokers, broker, lane);
      this.#open.add(connection);
      return connection;
    });
    this.#connections.set(key, opening);
    return opening;
  }

  cut(connection: SimConnection): void {
    this.#open.delete(connection);
    for (const [key, known] of this.#connections) {
      void known.then((found) => found === connection && this.#connections.delete(key)).catch(() => {});
    }
    connection.cut();
  }

  cutBroker(broker: number): void {
    for (const connection of this.connections) if (connection.broker === broker) this.cut(connection);
  }

  /** The process is gone: nothing it has asked will ever be answered to it. */
  kill(): void {
    this.#isDead = true;
    for (const connection of this.connections) this.cut(connection);
  }
}

const EMPTY = Buffer.alloc(0);
/** The least that the link keeps memory for: its frames lie in memory that is used again and again. */
const FRAME_BYTES = 64 * 1024;

/**
 * The answer's records in the memory that the link has for its frame. The harshest of all sockets: what a request carries stays there until the broker works on
 * it, also when the connection was lost before, so that the link must not use that memory for anything else as long as it can still be looked at.
 */
const inFrame = (response: FetchResponse, allocate: FrameAllocator): FetchResponse => {
  const sizes = response.responses.flatMap(({ partitions }) => partitions.map(({ records }) => records?.length ?? 0));
  const frame = allocate(sizes.reduce((sum, size) => sum + size, FRAME_BYTES));
  let end = frame.length;
  const placed = (records: Buffer): Buffer => {
    end -= records.length;
    records.copy(frame, end);
    return frame.subarray(end, end + records.length);
  };
  return {
    ...response,
    responses: response.responses.map(({ partitions, ...topic }) => ({
      ...topic,
      partitions: partitions.map((answer) => ({ ...answer, records: answer.records && placed(answer.records) })),
    })),
  };
};

const recordsOf = (api: Api, body: unknown): Buffer[] =>
  api === Produce
    ? (body as ProduceRequest).topicData.flatMap(({ partitionData }) => partitionData.map(({ records }) => records ?? EMPTY))
    : [];

const partitionsOf = ({ api, body }: Pending): number[] => {
  if (api === Produce) return (body as ProduceRequest).topicData.flatMap(({ partitionData }) => partitionData.map(({ index }) => index));
  if (api !== WriteTxnMarkers) return [];
  const { markers } = body as WriteTxnMarkersRequest;
  return markers.flatMap(({ topics }) => topics.flatMap(({ partitionIndexes }) => [...partitionIndexes]));
};

const lost = (name: string): LinkError => new LinkError('KLINK_CONNECT', `Connection ${name} was lost`, { retriable: true });
const aborted = ({ name }: Api): LinkError => new LinkError('KLINK_ABORTED', `Nobody waits for ${name}`);
