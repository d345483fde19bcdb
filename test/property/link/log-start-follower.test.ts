/** Whatever happens to both logs: nothing is deleted that is not copied, and in the end the mirror starts where its source does, on disk. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BrokerError } from '../../../src/client/broker-error.ts';
import { LOG_START_TIMES, LogStartFollower } from '../../../src/link/log-start/log-start-follower.ts';
import { ErrorCode } from '../../../src/protocol/error-codes.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { TrimmedLog } from './simulation/trimmed-log.ts';

const MAX_LATENCY_MS = 5_000;
const offsets = fc.nat(40);
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('trim' as const), by: offsets }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('acknowledge' as const), by: offsets }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.oneof(fc.nat(20), fc.nat(3_000), fc.nat(200_000)) }) },
  // The mirror's broker dies; the next alignment may come at once, or nobody notices.
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('crash' as const), isNoticed: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('fail' as const), isLate: fc.boolean(), isFinal: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('align' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('slow' as const), ms: fc.nat(MAX_LATENCY_MS) }) },
  // Another process of the link, or a person with the right to.
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('foreign' as const), by: offsets }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
);

const failureOf = (isFinal: boolean): BrokerError =>
  new BrokerError(isFinal ? ErrorCode.TOPIC_AUTHORIZATION_FAILED : ErrorCode.REQUEST_TIMED_OUT, 'delete');

describe('the log start of a mirror', () => {
  it('is never beyond what has arrived, and ends where it belongs', async () => {
    const start = fc.record({ source: offsets, chosen: fc.oneof(fc.constant(0), offsets), mirror: fc.oneof(fc.constant(0), offsets) });
    await fc.assert(
      fc.asyncProperty(start, fc.array(step, { maxLength: 40 }), async ({ source, chosen, mirror }, steps) => {
        const clock = new ManualClock();
        const log = new TrimmedLog(clock, mirror);
        log.end = mirror;
        let sourceStart = source;
        const target = (): number => Math.min(Math.max(sourceStart, chosen), log.end);
        // Not thrown: the follower would take it for a refusal.
        const wrong: string[] = [];
        const deleteBefore = (offset: number): Promise<number> => {
          if (log.underWay > 0) wrong.push('two deletions at a time');
          if (offset > log.end) wrong.push(`a deletion before ${offset}, acknowledged is ${log.end}`);
          if (offset > Math.max(sourceStart, chosen)) wrong.push(`a deletion before ${offset}, which the source still has`);
          return log.deleteBefore(offset);
        };
        const follow = (): LogStartFollower =>
          new LogStartFollower({
            clock,
            random: () => 0.5,
            retry: { backoffMs: 100, maxBackoffMs: 1_000 },
            times: LOG_START_TIMES,
            ...log.ports(),
            deleteBefore: (_topic, _partition, offset) => deleteBefore(offset),
            onTrouble: () => {},
          });
        let follower = follow();
        const observe = (isAlignment = false): void =>
          follower.observe({
            topic: 't',
            partition: 0,
            sourceStart,
            chosenStart: chosen,
            ackedOffset: log.end,
            ...(isAlignment && { mirrorStart: log.start }),
          });
        const check = (): void => {
          expect(wrong).toEqual([]);
          expect(log.start, 'a start within the log').toBeLessThanOrEqual(log.end);
          const status = follower.status('t', 0);
          expect(status?.target).toBe(target());
          if (status?.isSettled) expect(log.durableStart, 'a start that a crash does not bring back').toBeGreaterThanOrEqual(target());
        };
        observe(true);
        for (const action of steps) {
          if (action.kind === 'pass') await clock.advance(action.ms);
          else if (action.kind === 'trim') sourceStart += action.by;
          else if (action.kind === 'acknowledge') log.end += action.by;
          else if (action.kind === 'slow') log.latencyMs = action.ms;
          else if (action.kind === 'fail') log.failures.push({ error: failureOf(action.isFinal), isLate: action.isLate });
          else if (action.kind === 'crash') log.crash();
          else if (action.kind === 'foreign') log.trim(Math.min(log.end, log.start + action.by));
          else if (action.kind === 'restart') {
            follower.close();
            // What is on its way reaches the broker before anything the next process sends.
            await clock.advance(MAX_LATENCY_MS);
            follower = follow();
          }
          const isAlignment = action.kind === 'align' || action.kind === 'restart' || (action.kind === 'crash' && action.isNoticed);
          if (action.kind !== 'pass' && (action.kind !== 'crash' || action.isNoticed)) observe(isAlignment);
          check();
        }
        const late = log.start;
        await clock.advance(30 * LOG_START_TIMES.recheckMs);
        check();
        expect(follower.status('t', 0)).toMatchObject({ isSettled: true, error: null });
        expect(log.start).toBe(Math.max(target(), late));
        log.crash();
        expect(log.start).toBeGreaterThanOrEqual(target());
        expect(clock.pending, 'timers left').toBe(0);
        follower.close();
      }),
      { numRuns: 500 },
    );
  });
});
