/** Writes scripts: which topics there are, and in which order producers, transactions, trims and cleanings meet in them, from a seed. */
import { between, seeded } from '../scenarios/seeded.ts';
import { chance, nastyRecord, pick } from './nasty-record.ts';
import type { Script, ScriptedRecord, Step, TopicPlan, Traits } from './script.ts';

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const ACTS = 4;
/** Scenes of one act, for each log. */
const SCENES_PER_LOG = 6;
const LOGS_PER_SCRIPT = 12;
const MOST_PARTITIONS = 3;
const TRANSACTIONAL_PRODUCERS = 4;
const OPEN_AT_THE_END = 0.3;
const FIRST_TIME = 1_700_000_000_000;
const NEVER_MS = '900000';
const SHORTLY_MS = '2000';

export interface ScriptOptions {
  /** Compaction may begin when there are records without a key already. Default true. */
  readonly lateCompaction?: boolean;
}

/** Settings of every producer besides its own: nothing is tried twice, nothing waits. */
const PRODUCER = { 'linger.ms': '0', 'max.request.size': '2000000' };

/** What the author knows of a topic while he writes. */
interface Cast {
  readonly plan: TopicPlan;
  /** The cleaner comes from this act on; later acts never for most. */
  readonly compactFrom: number;
  /** Only keyed records may come now. */
  compact: boolean;
  /** The broker's clock stamps the records now. */
  restamping: boolean;
}

interface Performer {
  readonly id: string;
  /** The name of its present process. */
  producer: string;
  inTransaction: boolean;
}

class Author {
  readonly #steps: Step[] = [];
  readonly #random: () => number;
  readonly #prefix: string;
  readonly #cast: readonly Cast[];
  readonly #plain: readonly string[];
  readonly #performers: Performer[] = [];
  #expiring: string[] = [];
  #clock = FIRST_TIME;
  #names = 0;

  constructor(random: () => number, prefix: string, topics: readonly TopicPlan[], lateCompaction: boolean) {
    this.#random = random;
    this.#prefix = prefix;
    this.#cast = topics.map((plan) => ({
      plan,
      compactFrom: plan.traits.compacted ? between(random, 0, lateCompaction ? 1 : 0) : ACTS,
      compact: false,
      restamping: false,
    }));
    this.#plain = CODECS.map((codec) => this.#open(codec, null, NEVER_MS));
    for (let i = 0; i < TRANSACTIONAL_PRODUCERS; i++) {
      const id = `${prefix}-tx-${i}`;
      this.#performers.push({ id, producer: this.#open(pick(random, CODECS), id, NEVER_MS), inTransaction: false });
    }
  }

  write(): Pick<Script, 'steps' | 'finale'> {
    const logs = this.#cast.reduce((sum, { plan }) => sum + plan.partitions, 0);
    this.#prologue();
    for (let act = 0; act < ACTS; act++) {
      for (const one of this.#cast) if (one.compactFrom === act) this.#beginCompaction(one);
      for (let scene = 0; scene < SCENES_PER_LOG * logs; scene++) {
        this.#clock += between(this.#random, 0, 60_000);
        this.#scene();
      }
      if (act < ACTS - 1) this.#clean();
    }
    this.#epilogue();
    return { steps: this.#steps, finale: this.#finale() };
  }

  /** By how often they come; the rest are plain writes. */
  readonly #scenes: readonly (readonly [number, () => void])[] = [
    [0.4, () => this.#transact()],
    [0.02, () => this.#replaceProcess()],
    [0.02, () => this.#expire()],
    [0.05, () => this.#trim()],
    [0.03, () => this.#restamp()],
    [0.02, () => this.#recompress()],
    [0.05, () => this.#appendTimeless()],
  ];

  #scene(): void {
    let left = this.#random();
    for (const [share, play] of this.#scenes) {
      left -= share;
      if (left >= 0) continue;
      play();
      return;
    }
    const cast = pick(this.#random, this.#cast);
    this.#send(pick(this.#random, this.#plain), [cast], 25);
  }

  /** Logs whose history begins far above 0. */
  #prologue(): void {
    for (const { plan, compactFrom } of this.#cast) {
      if (!plan.traits.trimmed || compactFrom === 0 || !chance(this.#random, 0.3)) continue;
      this.#steps.push({ do: 'pad', topic: plan.name, partition: this.#partition(plan), offsets: between(this.#random, 1_000, 300_000) });
    }
  }

  /** Some transactions stay open for good, and plain producers go on behind them. */
  #epilogue(): void {
    for (const performer of this.#performers) {
      if (performer.inTransaction && !chance(this.#random, OPEN_AT_THE_END)) this.#end(performer);
    }
    for (const cast of this.#cast) this.#send(pick(this.#random, this.#plain), [cast], 5);
    for (const { producer } of this.#performers) this.#steps.push({ do: 'die', producer });
    for (const producer of this.#plain) this.#steps.push({ do: 'close', producer });
    this.#awaitExpired();
  }

  #open(codec: string, transactionalId: string | null, transactionTimeout: string): string {
    const producer = `${this.#prefix}-p${this.#names++}`;
    const idempotent = transactionalId !== null || chance(this.#random, 0.6);
    const config = {
      ...PRODUCER,
      'compression.type': codec,
      'batch.size': pick(this.#random, ['0', '300', '2000', '16384', '131072']),
      'enable.idempotence': String(idempotent),
      ...(transactionalId === null ? {} : { 'transaction.timeout.ms': transactionTimeout }),
    };
    this.#steps.push({ do: 'open', producer, config, transactionalId });
    return producer;
  }

  #send(producer: string, to: readonly Cast[], most: number): void {
    const records = to.flatMap((one) => {
      const partition = this.#partition(one.plan);
      return Array.from({ length: between(this.#random, 1, most) }, (_, i) => this.#record(one, partition, i));
    });
    this.#steps.push({ do: 'send', producer, records });
  }

  #record({ plan, compact }: Cast, partition: number, index: number): ScriptedRecord {
    const { restamped, wildTimes } = plan.traits;
    // The broker's clock and the script's must not alternate: segments roll by the difference of both.
    const time = restamped ? undefined : this.#clock + index;
    const keyed = compact || (plan.traits.compacted && chance(this.#random, 0.8));
    return { topic: plan.name, partition, ...nastyRecord(this.#random, { keyed, wildTimes, time }) };
  }

  #transact(): void {
    const performer = pick(this.#random, this.#performers);
    if (performer.inTransaction && chance(this.#random, 0.4)) {
      this.#end(performer);
      return;
    }
    if (!performer.inTransaction) this.#steps.push({ do: 'begin', producer: performer.producer });
    performer.inTransaction = true;
    this.#send(performer.producer, this.#stage(), 10);
    if (chance(this.#random, 0.4)) this.#end(performer);
  }

  #end(performer: Performer): void {
    this.#steps.push({ do: chance(this.#random, 0.6) ? 'commit' : 'abort', producer: performer.producer });
    performer.inTransaction = false;
  }

  /** The topics of one transaction. */
  #stage(): Cast[] {
    const open = this.#cast.filter(({ plan }) => plan.traits.transactional);
    const stage = open.filter(() => chance(this.#random, 1.5 / open.length));
    return stage.length > 0 ? stage : [pick(this.#random, open.length > 0 ? open : this.#cast)];
  }

  /** A process dies in its transaction, and another one takes its transactional id. */
  #replaceProcess(): void {
    const performer = pick(this.#random, this.#performers);
    this.#steps.push({ do: 'die', producer: performer.producer });
    performer.producer = this.#open(pick(this.#random, CODECS), performer.id, NEVER_MS);
    performer.inTransaction = false;
  }

  /** A process dies in its transaction, and nobody misses it but the coordinator. */
  #expire(): void {
    const transactionalId = `${this.#prefix}-expiring-${this.#names}`;
    const producer = this.#open(pick(this.#random, CODECS), transactionalId, SHORTLY_MS);
    this.#steps.push({ do: 'begin', producer });
    this.#send(producer, this.#stage(), 5);
    this.#steps.push({ do: 'die', producer });
    this.#expiring.push(transactionalId);
  }

  #awaitExpired(): void {
    for (const transactionalId of this.#expiring) this.#steps.push({ do: 'expire', transactionalId });
    this.#expiring = [];
  }

  #trim(): void {
    const one = this.#one(({ traits }) => traits.trimmed);
    if (one === undefined) return;
    const share = chance(this.#random, 0.05) ? 1 : this.#random() * 0.6;
    this.#steps.push({ do: 'trim', topic: one.plan.name, partition: this.#partition(one.plan), share });
  }

  #restamp(): void {
    const one = this.#one(({ traits }) => traits.restamped);
    if (one === undefined) return;
    one.restamping = !one.restamping;
    this.#configure(one, { 'message.timestamp.type': one.restamping ? 'LogAppendTime' : 'CreateTime' });
  }

  /** From now on the broker compresses by its own choice, or leaves it to producers again. */
  #recompress(): void {
    this.#configure(pick(this.#random, this.#cast), {
      'compression.type': pick(this.#random, ['producer', 'producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd']),
    });
  }

  #appendTimeless(): void {
    const { plan, compact } = pick(this.#random, this.#cast);
    if (compact) return;
    const [records, seed] = [between(this.#random, 1, 6), between(this.#random, 1, 1_000_000)];
    this.#steps.push({ do: 'append-timeless', topic: plan.name, partition: this.#partition(plan), records, seed });
  }

  #beginCompaction(one: Cast): void {
    one.compact = true;
    this.#configure(one, { 'cleanup.policy': one.plan.traits.trimmed ? 'compact,delete' : 'compact' });
  }

  /** The cleaner never touches the active segment, nor what lies behind an open transaction. */
  #clean(): void {
    this.#awaitExpired();
    for (const performer of this.#performers) if (performer.inTransaction && chance(this.#random, 0.8)) this.#end(performer);
    const compacted = this.#cast.filter(({ compact }) => compact);
    if (compacted.length === 0) return;
    this.#steps.push(this.#roll(this.#plain[0]!));
    this.#steps.push({ do: 'clean', topics: compacted.map(({ plan }) => plan.name) });
  }

  /** A record in each compacted log that is so much newer than all others that its segment rolls. */
  #roll(producer: string): Step {
    const compacted = this.#cast.filter(({ compact }) => compact);
    const records = compacted.flatMap(({ plan }) =>
      Array.from({ length: plan.partitions }, (_, partition) => {
        const time = plan.traits.restamped ? {} : { timestamp: this.#laterThanAll(plan) };
        return { topic: plan.name, partition, key: Buffer.from('roll'), value: Buffer.from(String(this.#names++)), headers: [], ...time };
      }),
    );
    return { do: 'send', producer, records };
  }

  #finale(): readonly Step[] {
    const producer = `${this.#prefix}-finale`;
    return [{ do: 'open', producer, config: PRODUCER, transactionalId: null }, this.#roll(producer), { do: 'close', producer }];
  }

  #rolls = 0;
  #laterThanAll({ traits }: TopicPlan): number {
    return (traits.wildTimes ? 5_000_000_000_000 : this.#clock) + 1_000_000 * ++this.#rolls;
  }

  #configure({ plan }: Cast, set: Readonly<Record<string, string>>): void {
    this.#steps.push({ do: 'configure', topic: plan.name, set });
  }

  #one(fits: (plan: TopicPlan) => boolean): Cast | undefined {
    const fitting = this.#cast.filter(({ plan }) => fits(plan));
    return fitting.length > 0 ? pick(this.#random, fitting) : undefined;
  }

  #partition({ partitions }: TopicPlan): number {
    return between(this.#random, 0, partitions - 1);
  }
}

/** In each bit's half of the numbers a trait is there; an odd factor brings all combinations, and each trait among the first three. */
const traitsOf = (number: number): Traits => {
  const bits = number * 11;
  const has = (bit: number): boolean => (bits & (1 << bit)) !== 0;
  return { transactional: has(0), compacted: has(1), trimmed: has(2), restamped: has(3), wildTimes: has(4) };
};

const planTopic = (random: () => number, name: string, partitions: number, traits: Traits): TopicPlan => ({
  name,
  partitions,
  traits,
  configs: {
    'retention.ms': '-1',
    'compression.type': chance(random, 0.8) ? 'producer' : pick(random, CODECS.slice(1)),
    ...(traits.compacted && {
      'segment.ms': pick(random, ['100', '100', '600000']),
      'min.cleanable.dirty.ratio': '0.00001',
      'delete.retention.ms': pick(random, ['0', '200', '86400000']),
    }),
  },
});

/** One script for each twelve logs. Topics of one script share producers and transactions, scripts share nothing. */
export const writeScripts = (seed: number, logs: number, { lateCompaction = true }: ScriptOptions = {}): readonly Script[] => {
  const random = seeded(seed);
  const scripts: Script[] = [];
  let topicNumber = 0;
  for (let left = logs; left > 0; left -= LOGS_PER_SCRIPT) {
    const prefix = `nasty-${seed}-${scripts.length}`;
    const topics: TopicPlan[] = [];
    for (let open = Math.min(left, LOGS_PER_SCRIPT); open > 0; ) {
      const partitions = between(random, 1, Math.min(open, MOST_PARTITIONS));
      topics.push(planTopic(random, `${prefix}-${topics.length}`, partitions, traitsOf(topicNumber++)));
      open -= partitions;
    }
    scripts.push({ seed, topics, ...new Author(random, prefix, topics, lateCompaction).write() });
  }
  return scripts;
};
