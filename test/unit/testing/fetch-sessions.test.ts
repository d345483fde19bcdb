/** The session cache of a broker: its size, its order, its epochs. */
import { describe, expect, it } from 'vitest';
import { type FetchPartition, FetchSessions, type ToldPartition } from '../../../src/testing/fetch-sessions.ts';
import { ManualClock } from './manual-clock.ts';

const wanted = (partition: number, changes: Partial<FetchPartition> = {}): FetchPartition => ({
  topic: 't',
  topicId: 'id',
  partition,
  currentLeaderEpoch: -1,
  fetchOffset: 0n,
  lastFetchedEpoch: -1,
  partitionMaxBytes: 100,
  ...changes,
});
const told = (changes: Partial<ToldPartition> = {}): ToldPartition => ({
  errorCode: 0,
  highWatermark: 5n,
  logStartOffset: 0n,
  records: Buffer.alloc(0),
  urgent: false,
  ...changes,
});
const request = (sessionId: number, sessionEpoch: number, partitions: readonly FetchPartition[] = []) => ({
  sessionId,
  sessionEpoch,
  usesTopicIds: false,
  partitions,
  forgotten: [],
  nameOf: () => undefined,
});
const order = (scope: { partitions: readonly FetchPartition[] }): number[] => scope.partitions.map(({ partition }) => partition);

describe('FetchSessions', () => {
  it('a full cache answers without a session until an old one may go', () => {
    const clock = new ManualClock();
    const sessions = new FetchSessions(clock, () => 1);
    const create = () => sessions.open(request(0, 0, [wanted(0)])).settle([[wanted(0), told()]]).sessionId;
    const first = create();
    expect([first > 0, create()]).toEqual([true, 0]);
    clock.advance(120_001);
    expect(create()).toBeGreaterThan(first);
    expect(() => sessions.open(request(first, 1))).toThrow('FETCH_SESSION_ID_NOT_FOUND');
  });

  it('what delivered records goes to the end', () => {
    const sessions = new FetchSessions(new ManualClock(), () => 10);
    const all = [0, 1, 2].map((partition) => wanted(partition));
    const { sessionId } = sessions.open(request(0, 0, all)).settle(all.map((each) => [each, told()] as const));
    const scope = sessions.open(request(sessionId, 1));
    expect(order(scope)).toEqual([0, 1, 2]);
    const outcome = scope.settle(
      scope.partitions.map((each) => [each, told(each.partition === 0 ? { records: Buffer.from('x') } : {})] as const),
    );
    expect(outcome.answer.map(([{ partition }]) => partition)).toEqual([0]);
    expect(order(sessions.open(request(sessionId, 2)))).toEqual([1, 2, 0]);
  });

  it('an error is told every time, and the partition once more when it is over', () => {
    const sessions = new FetchSessions(new ManualClock(), () => 10);
    const { sessionId } = sessions.open(request(0, 0, [wanted(0)])).settle([[wanted(0), told()]]);
    let epoch = 0;
    const ask = (outcome: ToldPartition): number => {
      const scope = sessions.open(request(sessionId, ++epoch));
      return scope.settle(scope.partitions.map((each) => [each, outcome] as const)).answer.length;
    };
    const failed = told({ errorCode: 6, highWatermark: -1n, logStartOffset: -1n });
    expect([ask(told()), ask(failed), ask(failed), ask(told()), ask(told())]).toEqual([0, 1, 1, 1, 0]);
  });

  it('a changed log start, a changed watermark and a divergence are news', () => {
    const sessions = new FetchSessions(new ManualClock(), () => 10);
    const { sessionId } = sessions.open(request(0, 0, [wanted(0)])).settle([[wanted(0), told()]]);
    let epoch = 0;
    const ask = (changes: Partial<ToldPartition>): number => {
      const scope = sessions.open(request(sessionId, ++epoch));
      return scope.settle(scope.partitions.map((each) => [each, told(changes)] as const)).answer.length;
    };
    expect([ask({ highWatermark: 6n }), ask({ highWatermark: 6n }), ask({ highWatermark: 6n, logStartOffset: 2n })]).toEqual([1, 0, 1]);
    expect([ask({ highWatermark: 6n, logStartOffset: 2n, urgent: true }), ask({ highWatermark: 6n, logStartOffset: 2n })]).toEqual([1, 0]);
  });
});
