/** Fetch sessions (KIP-227) against a model of the broker's half: whatever happens, the broker is asked for what is wanted, no more and no less. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FetchPosition, FetchSession } from '../../../src/link/replication/fetch-session.ts';
import { type CachedPartition, SessionCache } from './simulation/session-cache.ts';

const TOPIC_IDS = ['AAAAAAAAAAAAAAAAAAAAAQ', 'AAAAAAAAAAAAAAAAAAAAAg'];
const OTHER_ID = 'AAAAAAAAAAAAAAAAAAAAAw';
const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA';

/** Two topics of three partitions; a topic may be made anew, with another id. */
const position = fc.record({
  topic: fc.constantFrom('a', 'b'),
  partition: fc.nat(2),
  fetchOffset: fc.nat(3),
  currentLeaderEpoch: fc.nat(1),
  lastFetchedEpoch: fc.integer({ min: -1, max: 1 }),
});
const round = fc.record({
  wanted: fc.uniqueArray(position, { selector: ({ topic, partition }) => `${topic}${partition}`, maxLength: 6 }),
  ids: fc.constantFrom<readonly (string | null)[]>([null, null], TOPIC_IDS, TOPIC_IDS, [OTHER_ID, TOPIC_IDS[1] ?? null]),
  fate: fc.constantFrom('answered', 'answered', 'answered', 'lost before', 'lost after', 'evicted', 'full'),
});

const asPosition = (
  { topic, ...rest }: { topic: string; partition: number; fetchOffset: number; currentLeaderEpoch: number; lastFetchedEpoch: number },
  ids: readonly (string | null)[],
): FetchPosition => ({ topic, topicId: (topic === 'a' ? ids[0] : ids[1]) ?? null, partitionMaxBytes: 100, ...rest });

const told = (partitions: readonly CachedPartition[]): string[] =>
  partitions.map((p) => `${p.topicId} ${p.topic} ${p.partition} ${p.fetchOffset} ${p.currentLeaderEpoch} ${p.lastFetchedEpoch}`).sort();
const meant = (wanted: readonly FetchPosition[]): string[] =>
  wanted
    .map((p) => `${p.topicId ?? ZERO_UUID} ${p.topic} ${p.partition} ${p.fetchOffset} ${p.currentLeaderEpoch} ${p.lastFetchedEpoch}`)
    .sort();

describe('FetchSession', () => {
  it('leaves the broker with exactly the wanted partitions after every request that it accepts', () => {
    fc.assert(
      fc.property(fc.array(round, { maxLength: 30 }), (rounds) => {
        const session = new FetchSession();
        const broker = new SessionCache();
        let refusedInARow = 0;
        for (const { wanted, ids, fate } of rounds) {
          broker.capacity = fate === 'full' ? 0 : 10;
          if (fate === 'evicted') broker.evict();
          const positions = wanted.map((item) => asPosition(item, ids));
          const request = { maxWaitMs: 0, minBytes: 0, ...session.next(positions) };
          if (fate === 'lost before') {
            session.reset();
            continue;
          }
          const view = broker.handle(request, ids[0] !== null);
          if (fate === 'lost after') {
            session.reset();
            continue;
          }
          if (view.errorCode !== 0) {
            session.reset();
            refusedInARow++;
            expect(refusedInARow).toBe(1);
            continue;
          }
          refusedInARow = 0;
          if (positions.length > 0) expect(told(view.partitions)).toEqual(meant(positions));
          session.answered(view.sessionId);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('sends nothing about partitions that have not moved', () => {
    const session = new FetchSession();
    const broker = new SessionCache();
    const wanted = [0, 1, 2].map((partition) =>
      asPosition({ topic: 'a', partition, fetchOffset: 5, currentLeaderEpoch: 0, lastFetchedEpoch: 0 }, TOPIC_IDS),
    );
    session.answered(broker.handle({ maxWaitMs: 0, minBytes: 0, ...session.next(wanted) }, true).sessionId);
    const second = session.next(wanted);
    expect(second).toMatchObject({ sessionEpoch: 1, topics: [], forgottenTopicsData: [] });
    session.answered(second.sessionId ?? 0);
    const moved = session.next(wanted.map((item) => (item.partition === 1 ? { ...item, fetchOffset: 6 } : item)));
    expect(moved.sessionEpoch).toBe(2);
    expect(moved.topics.flatMap(({ partitions }) => partitions.map(({ partition }) => partition))).toEqual([1]);
  });

  it('puts every partition first in turn where the broker keeps no session', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 7 }), (count) => {
        const session = new FetchSession();
        const wanted = Array.from({ length: count }, (_, partition) =>
          asPosition(
            { topic: partition % 2 === 0 ? 'a' : 'b', partition, fetchOffset: 0, currentLeaderEpoch: 0, lastFetchedEpoch: 0 },
            TOPIC_IDS,
          ),
        );
        const firsts = wanted.map(() => {
          const { topics } = session.next(wanted);
          expect(topics.flatMap(({ partitions }) => partitions).length).toBe(count);
          session.answered(0);
          return topics[0]?.partitions[0]?.partition;
        });
        expect([...firsts].sort()).toEqual(wanted.map(({ partition }) => partition).sort());
      }),
    );
  });
});
