/** Small questions that travel together: who is asked what in one request, and what becomes of every kind of answer. */
import { describe, expect, it } from 'vitest';
import { BrokerError } from '../../../src/client/broker-error.ts';
import type { Cluster } from '../../../src/client/cluster.ts';
import { LeaderQuestions, questionKey } from '../../../src/client/leader-questions.ts';
import { LinkError } from '../../../src/errors.ts';

interface Question {
  readonly topic: string;
  readonly partition: number;
  readonly what: string;
}

/** Partition n of every topic is led by broker n mod 3; those from 9 on by nobody. */
const cluster = {
  settings: { role: 'source' },
  metadata: {
    partition: (topic: string, partition: number) =>
      topic === 'unknown' || topic === 'forbidden' ? undefined : { leaderId: partition < 9 ? partition % 3 : -1 },
    noLeaderCode: (topic: string) => (topic === 'forbidden' ? 29 : 5),
  },
} as unknown as Cluster;

type Answers = ReadonlyMap<string, string | LinkError>;

const bench = (answer: (leader: number, questions: readonly Question[]) => Promise<Answers>) => {
  const asked: string[] = [];
  const questions = new LeaderQuestions<Question, string>(cluster, {
    doing: ({ topic, partition }) => `look at ${topic}-${partition}`,
    lane: ({ what }) => what,
    ask: (leader, together) => {
      asked.push(`${leader}: ${together.map(({ topic, partition, what }) => `${topic}-${partition} ${what}`).join(', ')}`);
      return answer(leader, together);
    },
  });
  return { asked, ask: (topic: string, partition: number, what = 'end') => questions.ask({ topic, partition, what }) };
};

const echo = async (leader: number, questions: readonly Question[]): Promise<Answers> =>
  new Map(questions.map(({ topic, partition, what }) => [questionKey(topic, partition), `${what} of ${topic}-${partition} by ${leader}`]));

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no failure',
    (error: unknown) => error,
  );

describe('questions of one turn', () => {
  it('share a request per leader and lane, and each gets its own answer', async () => {
    const { asked, ask } = bench(echo);
    const answers = await Promise.all([ask('a', 0), ask('a', 3), ask('b', 0), ask('a', 1), ask('a', 0, 'start')]);
    expect(asked).toEqual(['0: a-0 end, a-3 end, b-0 end', '1: a-1 end', '0: a-0 start']);
    expect(answers).toEqual(['end of a-0 by 0', 'end of a-3 by 0', 'end of b-0 by 0', 'end of a-1 by 1', 'start of a-0 by 0']);
  });

  it('that are the same are asked once', async () => {
    const { asked, ask } = bench(echo);
    expect(await Promise.all([ask('a', 2), ask('a', 2), ask('a', 2)])).toEqual(Array(3).fill('end of a-2 by 2'));
    expect(asked).toEqual(['2: a-2 end']);
  });

  it('do not wait for the answers to earlier ones', async () => {
    let release = (): void => {};
    const { asked, ask } = bench(async (leader, questions) => {
      if (asked.length === 1) await new Promise<void>((resolve) => (release = resolve));
      return echo(leader, questions);
    });
    const first = ask('a', 0);
    await new Promise((resolve) => setImmediate(resolve));
    expect(await ask('b', 0)).toBe('end of b-0 by 0');
    release();
    expect(await first).toBe('end of a-0 by 0');
    expect(asked).toEqual(['0: a-0 end', '0: b-0 end']);
  });
});

describe('a question', () => {
  it.each([
    ['a partition without a leader', 'a', 9],
    ['a topic that is not known', 'unknown', 0],
  ])('about %s fails for now, and nobody is asked', async (_, topic, partition) => {
    const { asked, ask } = bench(echo);
    const error = await failureOf(ask(topic, partition));
    expect(error).toBeInstanceOf(BrokerError);
    expect(error).toMatchObject({ brokerName: 'LEADER_NOT_AVAILABLE', retriable: true });
    expect((error as Error).message).toContain(`look at ${topic}-${partition} on the source cluster`);
    expect(asked).toEqual([]);
  });

  it('about a topic that may not be described fails for good, and nobody is asked', async () => {
    const { asked, ask } = bench(echo);
    expect(await failureOf(ask('forbidden', 0))).toMatchObject({ code: 'KLINK_AUTH', retriable: false });
    expect(asked).toEqual([]);
  });

  it('fails alone when its partition does', async () => {
    const refused = new BrokerError(6, 'look');
    const { ask } = bench(async (leader, questions) => new Map([...(await echo(leader, questions)), [questionKey('a', 3), refused]]));
    const [good, bad, again] = await Promise.all([ask('a', 0), failureOf(ask('a', 3)), failureOf(ask('a', 3))]);
    expect(good).toBe('end of a-0 by 0');
    expect(bad).toBe(refused);
    expect(again).toBe(refused);
  });

  it('that the answer leaves out is worth another try', async () => {
    const { ask } = bench(async (leader, questions) => echo(leader, questions.slice(1)));
    const [bad, good] = await Promise.all([failureOf(ask('a', 0)), ask('a', 3)]);
    expect(good).toBe('end of a-3 by 0');
    expect(bad).toMatchObject({ code: 'KLINK_MALFORMED', retriable: true });
    expect((bad as Error).message).toMatch(/Broker 0 .*look at a-0/);
  });

  it('fails with all others of its request, and with no other', async () => {
    const lost = new LinkError('KLINK_CONNECT', 'lost', { retriable: true });
    const { ask } = bench((leader, questions) => (leader === 0 ? Promise.reject(lost) : echo(leader, questions)));
    const outcomes = await Promise.all([failureOf(ask('a', 0)), failureOf(ask('b', 0)), failureOf(ask('a', 1))]);
    expect(outcomes).toEqual([lost, lost, 'no failure']);
  });

  it('fails as a defect when asking breaks', async () => {
    const { ask } = bench(() => Promise.reject(new TypeError('undefined is not a function')));
    expect(await failureOf(ask('a', 0))).toMatchObject({ code: 'KLINK_INTERNAL' });
  });
});
