/** Many small questions about single partitions: asked one by one, sent together, one request per leader. */
import { LinkError } from '../errors.ts';
import { BrokerError } from './broker-error.ts';
import type { Cluster } from './cluster.ts';

/** What every question is about. */
export interface PartitionQuestion {
  readonly topic: string;
  readonly partition: number;
}

/** One request to one leader. */
export interface QuestionKind<Question extends PartitionQuestion, Answer> {
  /** For error messages: `read the log end of orders-0`. */
  doing(question: Question): string;
  /** Questions about one partition that differ in this go in different requests: a request names a partition once. */
  lane?(question: Question): string;
  /** Asks; the questions are of one lane and about different partitions. A partition that is left out of the result counts as not answered. */
  ask(leader: number, questions: readonly Question[]): Promise<ReadonlyMap<string, Answer | LinkError>>;
}

interface Pending<Question, Answer> {
  readonly question: Question;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: LinkError) => void;
}

/** How answers are keyed. */
export const questionKey = (topic: string, partition: number): string => `${topic}/${partition}`;

export class LeaderQuestions<Question extends PartitionQuestion, Answer> {
  readonly #cluster: Cluster;
  readonly #kind: QuestionKind<Question, Answer>;
  #waiting: Pending<Question, Answer>[] = [];

  constructor(cluster: Cluster, kind: QuestionKind<Question, Answer>) {
    this.#cluster = cluster;
    this.#kind = kind;
  }

  /** Calls of one turn of the event loop share requests. Rejects with `BrokerError`, or as `Cluster.send` does. */
  ask(question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question, resolve, reject });
      if (this.#waiting.length === 1) setImmediate(() => this.#flush());
    });
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    const groups = new Map<string, { readonly leader: number; readonly asked: Map<string, Pending<Question, Answer>[]> }>();
    for (const pending of waiting) {
      const { topic, partition } = pending.question;
      const leader = this.#cluster.metadata.partition(topic, partition)?.leaderId ?? -1;
      if (leader < 0) {
        pending.reject(this.#error(this.#cluster.metadata.noLeaderCode(topic), pending.question));
        continue;
      }
      const lane = `${leader}/${this.#kind.lane?.(pending.question) ?? ''}`;
      const group = groups.get(lane) ?? { leader, asked: new Map<string, Pending<Question, Answer>[]>() };
      groups.set(lane, group);
      const key = questionKey(topic, partition);
      group.asked.set(key, [...(group.asked.get(key) ?? []), pending]);
    }
    for (const { leader, asked } of groups.values()) void this.#ask(leader, asked);
  }

  async #ask(leader: number, asked: ReadonlyMap<string, readonly Pending<Question, Answer>[]>): Promise<void> {
    try {
      const answers = await this.#kind.ask(
        leader,
        [...asked.values()].flatMap(([first]) => (first === undefined ? [] : [first.question])),
      );
      for (const [key, pending] of asked) {
        const answer = answers.get(key);
        for (const { resolve, reject, question } of pending) {
          if (answer === undefined) reject(unanswered(leader, this.#kind.doing(question)));
          else if (LinkError.is(answer)) reject(answer);
          else resolve(answer);
        }
      }
    } catch (error) {
      for (const pending of asked.values()) for (const { reject } of pending) reject(LinkError.from(error));
    }
  }

  #error(code: number, question: Question): BrokerError {
    return new BrokerError(code, `${this.#kind.doing(question)} on the ${this.#cluster.settings.role} cluster`);
  }
}

const unanswered = (leader: number, doing: string): LinkError =>
  new LinkError('KLINK_MALFORMED', `Broker ${leader} left it out of its answer when asked to ${doing}`, { retriable: true });
