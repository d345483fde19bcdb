/** A group of the classic protocol, with time in the test's hands. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../src/protocol/error-codes.ts';
import { ClassicGroup } from '../../../src/testing/groups/classic-group.ts';
import type { JoinResult } from '../../../src/testing/groups/member.ts';
import { Refusal } from '../../../src/testing/refusal.ts';
import { ManualClock } from './manual-clock.ts';

const groupOf = (initialDelayMs = 0) => {
  const clock = new ManualClock();
  return { clock, group: new ClassicGroup('g', { clock, initialDelayMs }) };
};
const request = (id: string, options: { instanceId?: string; protocols?: string[]; metadata?: string } = {}) => ({
  id,
  instanceId: options.instanceId ?? null,
  clientId: 'c',
  clientHost: '/127.0.0.1',
  sessionTimeoutMs: 1_000,
  rebalanceTimeoutMs: 5_000,
  protocolType: 'consumer',
  protocols: (options.protocols ?? ['range']).map((name) => ({ name, metadata: Buffer.from(options.metadata ?? '') })),
});
const claim = (memberId: string, generationId: number, groupInstanceId: string | null = null) => ({
  memberId,
  generationId,
  groupInstanceId,
});
const codeOf = (task: () => unknown): number => {
  try {
    task();
    return 0;
  } catch (error) {
    if (error instanceof Refusal) return error.errorCode;
    throw error;
  }
};
const outcome = ({ errorCode, generationId, leader, members }: JoinResult) => [
  errorCode,
  generationId,
  leader,
  members.map(({ memberId }) => memberId),
];

/** a and b in generation 2, both with their assignment. */
const pair = async () => {
  const { clock, group } = groupOf();
  expect(outcome(await group.join(request('a')))).toEqual([0, 1, 'a', ['a']]);
  const b = group.join(request('b'));
  expect(outcome(await group.join(request('a')))).toEqual([0, 2, 'a', ['a', 'b']]);
  expect(outcome(await b)).toEqual([0, 2, 'a', []]);
  const synced = group.sync(claim('b', 2), []);
  await group.sync(claim('a', 2), [
    { memberId: 'a', assignment: Buffer.from('for a') },
    { memberId: 'b', assignment: Buffer.from('for b') },
  ]);
  expect((await synced).assignment.toString()).toBe('for b');
  return { clock, group };
};

describe('joining', () => {
  it('the second member makes the first join again; the leader hears of both', async () => {
    const { group } = await pair();
    expect([group.state, group.generation, group.protocolName]).toEqual(['Stable', 2, 'range']);
  });

  it('a member that does not come back within the rebalance timeout is dropped', async () => {
    const { clock, group } = await pair();
    const c = group.join(request('c'));
    const a = group.join(request('a'));
    clock.advance(900);
    expect(codeOf(() => group.heartbeat(claim('b', 2)))).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    for (let i = 0; i < 6; i++) {
      codeOf(() => group.heartbeat(claim('b', 2))); // alive, but it does not join
      clock.advance(900);
    }
    expect(outcome(await a)).toEqual([0, 3, 'a', ['a', 'c']]);
    expect((await c).errorCode).toBe(0);
    expect(codeOf(() => group.heartbeat(claim('b', 2)))).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  it('waits for a member that was told its id, but not for ever', async () => {
    const { clock, group } = groupOf();
    group.expect('x', 1_000);
    const a = group.join(request('a'));
    let joined = false;
    void a.then(() => {
      joined = true;
    });
    clock.advance(999);
    await Promise.resolve();
    expect(joined).toBe(false);
    clock.advance(1);
    expect(outcome(await a)).toEqual([0, 1, 'a', ['a']]);
  });

  it('collects the first members for group.initial.rebalance.delay.ms', async () => {
    const { clock, group } = groupOf(300);
    const both = Promise.all([group.join(request('a')), group.join(request('b'))]);
    clock.advance(300);
    expect((await both).map(outcome)).toEqual([
      [0, 1, 'a', ['a', 'b']],
      [0, 1, 'a', []],
    ]);
  });

  it('a follower that asks again gets the generation that stands; the leader starts a new one', async () => {
    const { group } = await pair();
    expect(outcome(await group.join(request('b')))).toEqual([0, 2, 'a', []]);
    expect(group.state).toBe('Stable');
    void group.join(request('a'));
    expect(group.state).toBe('PreparingRebalance');
  });

  it('a follower with a new subscription starts a new generation', async () => {
    const { group } = await pair();
    void group.join(request('b', { metadata: 'new' }));
    expect(group.state).toBe('PreparingRebalance');
  });

  it('elects a protocol all members speak', async () => {
    const { group } = groupOf();
    void group.join(request('a', { protocols: ['sticky', 'range'] }));
    expect(codeOf(() => group.checkProtocols(request('b', { protocols: ['other'] })))).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    expect(codeOf(() => group.checkProtocols({ ...request('b'), protocolType: 'connect' }))).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    const b = group.join(request('b', { protocols: ['range'] }));
    void group.join(request('a', { protocols: ['sticky', 'range'] }));
    expect((await b).protocolName).toBe('range');
  });
});

describe('leaving and dying', () => {
  it('a member that is silent for its session timeout is taken for dead, and the others rebalance', async () => {
    const { clock, group } = await pair();
    clock.advance(800);
    group.heartbeat(claim('a', 2));
    clock.advance(300);
    expect([...group.members.keys()]).toEqual(['a']);
    expect(codeOf(() => group.heartbeat(claim('a', 2)))).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  });

  it('the last one leaves an empty group, which takes commits from outside', async () => {
    const { clock, group } = await pair();
    expect(codeOf(() => group.checkCommit(claim('', -1)))).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    group.leave('a', null);
    group.leave('b', null);
    expect([group.state, group.generation, group.isEmpty]).toEqual(['Empty', 3, true]);
    expect(codeOf(() => group.checkCommit(claim('', -1)))).toBe(0);
    expect(codeOf(() => group.leave('b', null))).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(clock.pending).toBe(0);
  });

  it('a static member that comes back under a new id fences the old one', async () => {
    const { group } = groupOf();
    await group.join(request('one', { instanceId: 'i' }));
    const again = group.join(request('two', { instanceId: 'i' }));
    expect((await again).memberId).toBe('two');
    expect(codeOf(() => group.heartbeat(claim('one', group.generation, 'i')))).toBe(ErrorCode.FENCED_INSTANCE_ID);
    expect([...group.members.keys()]).toEqual(['two']);
  });

  it('commits of members need their generation, and wait for the assignment', async () => {
    const { group } = groupOf();
    await group.join(request('a'));
    expect(codeOf(() => group.checkCommit(claim('a', 1)))).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    await group.sync(claim('a', 1), []);
    expect(codeOf(() => group.checkCommit(claim('a', 1)))).toBe(0);
    expect(codeOf(() => group.checkCommit(claim('a', 2)))).toBe(ErrorCode.ILLEGAL_GENERATION);
    expect(codeOf(() => group.checkCommit(claim('ghost', 1)))).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  it('dissolving ends every wait and every timer', async () => {
    const { clock, group } = await pair();
    const waiting = group.join(request('c'));
    group.dissolve(ErrorCode.NOT_COORDINATOR);
    expect((await waiting).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    expect(clock.pending).toBe(0);
  });
});
