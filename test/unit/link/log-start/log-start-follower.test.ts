/** The mirror's log start follows the source's: when it is moved, when it is not, and what happens when it cannot be. */
import { beforeEach, describe, expect, it } from 'vitest';
import { BrokerError } from '../../../../src/client/broker-error.ts';
import { LinkError } from '../../../../src/errors.ts';
import {
  LOG_START_TIMES,
  type LogStartContext,
  LogStartFollower,
  type LogStartObservation,
  nextStep,
} from '../../../../src/link/log-start/log-start-follower.ts';
import { ErrorCode } from '../../../../src/protocol/error-codes.ts';
import { TrimmedLog } from '../../../property/link/simulation/trimmed-log.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const TIMES = { pauseMs: 1_000, recheckMs: 90_000, rareRetryMs: 60_000 };
const noRight = (): LinkError => new BrokerError(ErrorCode.TOPIC_AUTHORIZATION_FAILED, 'delete');
const noLeader = (): LinkError => new BrokerError(ErrorCode.NOT_LEADER_OR_FOLLOWER, 'delete');

let clock: ManualClock;
let log: TrimmedLog;
let troubles: string[];
let follower: LogStartFollower;

const followerOf = (ports: Partial<LogStartContext>): LogStartFollower =>
  new LogStartFollower({
    clock,
    random: () => 0.5,
    retry: { backoffMs: 100, maxBackoffMs: 1_000 },
    times: TIMES,
    ...log.ports(),
    onTrouble: (error, topic, partition) => troubles.push(`${topic}-${partition} ${error.code}`),
    ...ports,
  });

beforeEach(() => {
  clock = new ManualClock();
  log = new TrimmedLog(clock);
  log.end = 1_000;
  troubles = [];
  follower = followerOf({});
});

const observe = (sourceStart: number, ackedOffset: number, more: Partial<LogStartObservation> = {}): void =>
  follower.observe({ topic: 'orders', partition: 0, sourceStart, ackedOffset, ...more });
const status = () => follower.status('orders', 0);

describe('the decision', () => {
  const view = { sourceStart: 0, chosenStart: 0, ackedOffset: 500, mirrorStart: 0, isLookDue: false };
  it.each([
    ['a source that begins at 0', {}, { kind: 'rest' }],
    ['a source that was trimmed', { sourceStart: 30 }, { kind: 'delete', before: 30 }],
    ['one that was trimmed beyond what has arrived', { sourceStart: 900 }, { kind: 'delete', before: 500 }],
    ['a source whose start nobody knows', { sourceStart: -1 }, { kind: 'rest' }],
    ['a mirror that is empty yet', { sourceStart: 30, ackedOffset: 0 }, { kind: 'rest' }],
    ['a mirror that starts there', { sourceStart: 30, mirrorStart: 30 }, { kind: 'rest' }],
    ['one that starts later', { sourceStart: 30, mirrorStart: 40 }, { kind: 'rest' }],
    ['one that was told to start later, and does', { sourceStart: 30, chosenStart: 40, mirrorStart: 40 }, { kind: 'rest' }],
    ['one that was told to, and has lost it', { sourceStart: 30, chosenStart: 40 }, { kind: 'delete', before: 40 }],
    ['a mirror whose start nobody knows', { sourceStart: 30, mirrorStart: null }, { kind: 'look' }],
    ['a mirror whose start nobody has to know', { mirrorStart: null }, { kind: 'rest' }],
    ['a second look', { sourceStart: 30, mirrorStart: 30, isLookDue: true }, { kind: 'look' }],
    ['a deletion before a second look', { sourceStart: 30, isLookDue: true }, { kind: 'delete', before: 30 }],
  ])('%s', (_, change, step) => expect(nextStep({ ...view, ...change })).toEqual(step));
});

describe('following', () => {
  it('moves the start, looks once more when it must be on disk, and is done', async () => {
    observe(30, 500, { mirrorStart: 0 });
    await clock.advance(10);
    expect(log.start).toBe(30);
    expect(status()).toEqual({ mirrorStart: 30, target: 30, error: null, isSettled: false });
    await clock.advance(TIMES.recheckMs);
    expect(log.looks).toBe(1);
    expect(status()).toEqual({ mirrorStart: 30, target: 30, error: null, isSettled: true });
    expect(log.deletions).toEqual([30]);
    expect(clock.pending).toBe(0);
  });

  it('asks for the start when it was not told', async () => {
    log.start = 30;
    observe(30, 500);
    expect(status()?.mirrorStart).toBeNull();
    await clock.advance(10);
    expect(status()?.mirrorStart).toBe(30);
    expect(log.deletions).toEqual([]);
  });

  it('has one deletion on its way, and one more for all that came meanwhile', async () => {
    log.latencyMs = 50;
    for (let acked = 10; acked <= 400; acked += 10) {
      observe(900, acked, { ...(acked === 10 && { mirrorStart: 0 }) });
      expect(log.underWay).toBeLessThanOrEqual(1);
      await clock.advance(1);
    }
    expect(log.deletions).toEqual([10]);
    await clock.advance(50 + TIMES.pauseMs + 50);
    expect(log.deletions).toEqual([10, 400]);
  });

  it('deletes again when a crash has brought the start back, and the next alignment says so', async () => {
    observe(30, 500, { mirrorStart: 0 });
    await clock.advance(2_000);
    log.crash();
    expect(log.start).toBe(0);
    observe(30, 500, { mirrorStart: log.start });
    await clock.advance(10);
    expect(log.start).toBe(30);
    expect(log.deletions).toEqual([30, 30]);
  });

  it('deletes again when nobody has noticed the crash', async () => {
    await clock.advance(1_000);
    observe(30, 500, { mirrorStart: 0 });
    await clock.advance(58_000);
    log.crash();
    await clock.advance(TIMES.recheckMs);
    expect(log.start).toBe(30);
    expect(status()?.isSettled).toBe(false);
    await clock.advance(TIMES.recheckMs);
    expect(status()?.isSettled).toBe(true);
    log.crash();
    expect(log.start).toBe(30);
    // log.flush.start.offset.checkpoint.interval.ms
    expect(LOG_START_TIMES.recheckMs).toBeGreaterThan(60_000);
  });

  it('looks again at a start that another process has moved a moment ago', async () => {
    log.trim(30);
    observe(30, 500, { mirrorStart: 30 });
    log.crash();
    await clock.advance(TIMES.recheckMs + 10);
    expect(log.start).toBe(30);
  });

  it('leaves a mirror alone that starts later than its source, and one of a source that begins at 0', async () => {
    log.start = 100;
    observe(30, 500, { mirrorStart: 100 });
    follower.observe({ topic: 'orders', partition: 1, sourceStart: 0, ackedOffset: 500, mirrorStart: 0 });
    await clock.advance(10 * TIMES.recheckMs);
    expect(log.deletions).toEqual([]);
    expect(log.start).toBe(100);
    expect(status()?.isSettled).toBe(true);
    expect(follower.status('orders', 1)?.isSettled).toBe(true);
    expect(clock.pending).toBe(0);
  });
});

describe('trouble', () => {
  it('of the passing kind is tried again with fresh metadata, and nobody is told', async () => {
    log.failures.push({ error: noLeader() }, { error: noLeader(), isLate: true });
    observe(30, 500, { mirrorStart: 0 });
    await clock.advance(10);
    expect(status()?.error?.message).toContain('NOT_LEADER');
    await clock.advance(1_000);
    expect(status()).toMatchObject({ mirrorStart: 30, error: null });
    expect(log.deletions).toEqual([30, 30, 30]);
    expect(log.refreshes).toBe(2);
    expect(troubles).toEqual([]);
  });

  it('that a person has to cure is told once for the topic, stays visible, and is tried again now and then', async () => {
    log.refusal = noRight();
    observe(30, 500, { mirrorStart: 0 });
    follower.observe({ topic: 'orders', partition: 1, sourceStart: 40, ackedOffset: 500, mirrorStart: 0 });
    await clock.advance(10);
    // Whatever is observed meanwhile does not make it worth another attempt.
    observe(60, 600);
    await clock.advance(10);
    expect(log.deletions).toEqual([30, 40]);
    expect(troubles).toEqual(['orders-0 KLINK_AUTH']);
    expect(status()).toMatchObject({ mirrorStart: 0, target: 60, error: { code: 'KLINK_AUTH' } });
    await clock.advance(TIMES.rareRetryMs);
    expect(log.deletions).toEqual([30, 40, 60, 40]);
    log.refusal = null;
    await clock.advance(TIMES.rareRetryMs);
    expect(status()).toMatchObject({ mirrorStart: 60, error: null });
    expect(troubles).toHaveLength(1);
    log.refusal = noRight();
    observe(70, 600);
    await clock.advance(2_000);
    expect(troubles).toEqual(['orders-0 KLINK_AUTH', 'orders-0 KLINK_AUTH']);
  });

  it('when looking is got over as well', async () => {
    observe(30, 500, { mirrorStart: 0 });
    await clock.advance(1_000);
    log.failures.push({ error: noLeader() }, { error: noLeader() });
    await clock.advance(TIMES.recheckMs);
    expect(log.looks).toBe(3);
    expect(status()).toMatchObject({ error: null, isSettled: true });
  });

  it('of a cluster that is closed already is told to nobody', async () => {
    log.refusal = new LinkError('KLINK_CLOSED', 'closed');
    observe(30, 500, { mirrorStart: 0 });
    await clock.advance(10);
    expect(troubles).toEqual([]);
  });
});

describe('the end', () => {
  it('leaves no timer, and what is answered afterwards changes nothing', async () => {
    observe(30, 500, { mirrorStart: 0 });
    follower.observe({ topic: 'orders', partition: 1, sourceStart: 30, ackedOffset: 500, mirrorStart: 30 });
    follower.close();
    follower.close();
    // The answer that is under way has a timer of its own.
    expect(clock.pending).toBe(1);
    await clock.advance(10);
    expect(clock.pending).toBe(0);
    expect(status()).toBeNull();
    observe(60, 500, { mirrorStart: 0 });
    await clock.advance(TIMES.recheckMs);
    expect(log.deletions).toEqual([30]);
  });

  it('may come while leaders are looked up for another attempt', async () => {
    let refreshed = (): void => {};
    follower = followerOf({ refresh: () => new Promise((resolve) => (refreshed = resolve)) });
    log.failures.push({ error: noLeader() });
    observe(30, 500, { mirrorStart: 0 });
    await clock.advance(200);
    follower.forget('orders', 0);
    refreshed();
    await clock.advance(TIMES.rareRetryMs);
    expect(log.deletions).toEqual([30]);
  });

  it('tells the ports by their signal', async () => {
    let given: AbortSignal | undefined;
    follower = followerOf({
      deleteBefore: (_topic, _partition, _offset, signal) => {
        given = signal;
        return new Promise(() => {});
      },
    });
    observe(30, 500, { mirrorStart: 0 });
    expect(given?.aborted).toBe(false);
    follower.close();
    expect(LinkError.is(given?.reason, 'KLINK_CLOSED')).toBe(true);
  });

  it('comes for a single partition when it is forgotten', async () => {
    observe(30, 500, { mirrorStart: 0 });
    await clock.advance(10);
    follower.observe({ topic: 'orders', partition: 1, sourceStart: 40, ackedOffset: 500, mirrorStart: 0 });
    follower.forget('orders', 0);
    follower.forget('orders', 7);
    expect(status()).toBeNull();
    await clock.advance(10);
    expect(follower.status('orders', 1)?.mirrorStart).toBe(40);
    follower.forget('orders', 1);
    expect(clock.pending).toBe(0);
  });
});
