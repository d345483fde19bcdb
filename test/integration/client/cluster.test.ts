/** A cluster against scripted brokers: metadata, routing, coordinators, brokers that move or die, and closing. */
import { getEventListeners } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { Cluster } from '../../../src/client/cluster.ts';
import { LinkError } from '../../../src/errors.ts';
import { decodeRequest } from '../../../src/protocol/frame.ts';
import { ApiVersions } from '../../../src/protocol/messages/api-versions.ts';
import { FindCoordinator } from '../../../src/protocol/messages/find-coordinator.ts';
import { Heartbeat } from '../../../src/protocol/messages/heartbeat.ts';
import { Metadata } from '../../../src/protocol/messages/metadata.ts';
import { settled, until } from '../../support/manual-clock.ts';
import { type Offer, offering, type ScriptedRequest } from '../../support/scripted-broker.ts';
import { failure } from './open-connection.ts';
import { BEAT, OFFER, portsOf, ScriptedCluster, settingsOf, topicAnswer } from './scripted-cluster.ts';

const scripts: ScriptedCluster[] = [];
const started = async (ids: readonly number[], offer: Offer = OFFER): Promise<ScriptedCluster> => {
  const script = await ScriptedCluster.start(ids, offer);
  scripts.push(script);
  return script;
};
afterEach(async () => {
  for (const script of scripts.splice(0)) await script.stop();
});

const topicsAsked = (script: ScriptedCluster): (readonly (string | null)[])[] =>
  script.seen
    .filter(({ request }) => request.apiKey === Metadata.key)
    .map(({ request }) => (decodeRequest(Metadata, request.apiVersion, request.frame).topics ?? []).map(({ name }) => name));

/** Holds back requests of one API until the test lets them go. */
const holdBack = (script: ScriptedCluster, api: { readonly key: number }): ScriptedRequest[] => {
  const held: ScriptedRequest[] = [];
  script.intercept = (_, request) => {
    if (request.apiKey !== api.key) return false;
    held.push(request);
    return true;
  };
  return held;
};

describe('metadata', () => {
  it('asked for by many at once is one request for all their topics', async () => {
    const script = await started([1]);
    const client = await script.connect();
    script.seen.length = 0;
    script.metadata = { ...script.metadata, topics: [topicAnswer('a', [1])] };
    await Promise.all([
      ...Array.from({ length: 50 }, () => client.refreshMetadata(['a', 'b'])),
      client.refreshMetadata(['c']),
      client.refreshMetadata([]),
    ]);
    expect(topicsAsked(script)).toEqual([['a', 'b', 'c']]);
    expect(client.metadata.topic('a')?.partitions).toHaveLength(1);
  });

  it('asked for while a request is on its way is asked for again, once: the answer under way may be too old', async () => {
    const script = await started([1]);
    const client = await script.connect();
    script.seen.length = 0;
    const held = holdBack(script, Metadata);
    const first = client.refreshMetadata(['a']);
    await until(() => held.length === 1);
    const later = [client.refreshMetadata(['a']), client.refreshMetadata(['b'])];
    await settled();
    expect(held).toHaveLength(1);
    held[0]?.answer(Metadata, script.metadata);
    await first;
    await until(() => held.length === 2);
    held[1]?.answer(Metadata, { ...script.metadata, topics: [topicAnswer('b', [1])] });
    await Promise.all(later);
    expect(topicsAsked(script)).toEqual([['a'], ['a', 'b']]);
    expect(client.metadata.partition('b', 0)?.leaderId).toBe(1);
  });

  it('is not lost to others when one who waits for it gives up', async () => {
    const script = await started([1]);
    const client = await script.connect();
    const held = holdBack(script, Metadata);
    const controller = new AbortController();
    // The one who began the request, and the one who joined it.
    const impatient = failure(client.refreshMetadata(['a'], controller.signal));
    const patient = client.refreshMetadata(['a']);
    await until(() => held.length === 1);
    controller.abort();
    expect(await impatient).toMatchObject({ code: 'KLINK_ABORTED' });
    held[0]?.answer(Metadata, { ...script.metadata, topics: [topicAnswer('a', [1])] });
    await patient;
    expect(client.metadata.topic('a')).toBeDefined();
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });

  it('is asked of another broker when the first one hangs up on the question', async () => {
    const script = await started([1, 2]);
    const client = await script.connect();
    await client.connection(1);
    const held = holdBack(script, Metadata);
    const asked = client.refreshMetadata(['a']);
    await until(() => held.length === 1);
    held[0]?.peer.socket.destroy();
    await until(() => held.length === 2);
    held[1]?.answer(Metadata, { ...script.metadata, topics: [topicAnswer('a', [1])] });
    await asked;
    expect(client.metadata.topic('a')).toBeDefined();
    expect(topicsAsked(script).slice(-2)).toEqual([['a'], ['a']]);
  });

  it('is asked of another broker too when the first one is silent for a second, as a frozen one is for long', async () => {
    const script = await started([1, 2]);
    const client = await script.connect();
    await Promise.all([client.connection(1), client.connection(2)]);
    const held = holdBack(script, Metadata);
    const asked = client.refreshMetadata(['a']);
    await until(() => held.length === 1);
    await script.clock.advance(999);
    expect(held).toHaveLength(1);
    await script.clock.advance(1);
    await until(() => held.length === 2);
    expect(
      script.seen
        .slice(-2)
        .map(({ broker }) => broker)
        .sort(),
    ).toEqual([1, 2]);
    held[1]?.answer(Metadata, { ...script.metadata, topics: [topicAnswer('a', [1])] });
    await asked;
    // The late answer changes nothing, and ends nothing.
    held[0]?.answer(Metadata, { ...script.metadata, topics: [topicAnswer('a', [2])] });
    script.intercept = () => false;
    await Promise.all([client.send(Heartbeat, BEAT, { broker: 1 }), client.send(Heartbeat, BEAT, { broker: 2 })]);
    expect(client.metadata.partition('a', 0)?.leaderId).toBe(1);
  });

  it('that nobody answers fails, and does not keep the next request from being made', async () => {
    const script = await started([1]);
    const client = await script.connect();
    script.intercept = (_, request) => {
      request.peer.socket.destroy();
      return true;
    };
    const first = failure(client.refreshMetadata(['a']));
    expect(await script.clock.passUntil(first)).toMatchObject({ code: 'KLINK_CONNECT', retriable: true });
    script.intercept = () => false;
    await script.clock.passUntil(client.refreshMetadata(['b']));
    expect(topicsAsked(script).at(-1)).toEqual(['b']);
  });

  it('of another cluster is refused: an address may have been given to somebody else', async () => {
    const script = await started([1]);
    const client = await script.connect();
    const stranger = await started([1]);
    script.metadata = { ...stranger.metadata, clusterId: 'c-2' };
    const error = await failure(client.refreshMetadata([]));
    expect(error).toMatchObject({ code: 'KLINK_CONNECT', retriable: true });
    expect(error.message).toContain('belongs to cluster c-2 now, but the source cluster is c-1');
    expect(client.metadata.brokers.get(1)?.port).toBe(script.broker(1).port);
  });

  it('of brokers before 2.4 is taken without its epochs', async () => {
    const script = await started([1], [{ api: Metadata, max: 8 }]);
    script.metadata = { ...script.metadata, topics: [topicAnswer('a', [1])] };
    const client = await script.connect();
    await client.refreshMetadata(['a']);
    expect(client.metadata.partition('a', 0)).toMatchObject({ leaderId: 1, leaderEpoch: -1 });
    expect(client.metadata.topic('a')?.topicId).toBeNull();
  });

  it('lists the topics that the principal may see', async () => {
    const script = await started([1]);
    const client = await script.connect();
    script.metadata = { ...script.metadata, topics: [topicAnswer('a', [1]), { ...topicAnswer('__b', []), isInternal: true }] };
    expect(await client.listTopics()).toEqual([
      { name: 'a', isInternal: false },
      { name: '__b', isInternal: true },
    ]);
    expect(decodeRequest(Metadata, Metadata.versions.max, script.seen.at(-1)?.request.frame as Buffer).topics).toBeNull();
  });
});

describe('routing', () => {
  it('finds leader, controller, broker and anybody, one connection each', async () => {
    const script = await started([1, 2, 3]);
    script.metadata = { ...script.metadata, controllerId: 3, topics: [topicAnswer('a', [2, 1])] };
    const client = await script.connect();
    await client.refreshMetadata(['a']);
    for (const [target, broker] of [
      [{ leader: { topic: 'a', partition: 0 } }, 2],
      [{ leader: { topic: 'a', partition: 1 } }, 1],
      ['controller', 3],
      [{ broker: 2 }, 2],
    ] as const) {
      const before = script.count(Heartbeat, broker);
      await Promise.all([client.send(Heartbeat, BEAT, target), client.send(Heartbeat, BEAT, target)]);
      expect(script.count(Heartbeat, broker)).toBe(before + 2);
    }
    await client.send(Heartbeat, BEAT, 'any');
    expect([1, 2, 3].map((id) => script.broker(id).open)).toEqual([1, 1, 1]);
  });

  it('keeps lanes apart, and shares each', async () => {
    const script = await started([1]);
    const client = await script.connect();
    const [a, b, again] = await Promise.all([client.connection(1, 'a'), client.connection(1, 'b'), client.connection(1, 'a')]);
    expect(a).toBe(again);
    expect(a).not.toBe(b);
    expect(a.endpoint).toMatchObject({ host: '127.0.0.1', port: script.broker(1).port });
  });

  it('says what is missing: a leader, a controller, a broker', async () => {
    const script = await started([1]);
    script.metadata = { ...script.metadata, controllerId: -1, topics: [topicAnswer('a', [-1])] };
    const client = await script.connect();
    await client.refreshMetadata(['a']);
    const leader = await failure(client.send(Heartbeat, BEAT, { leader: { topic: 'a', partition: 0 } }));
    expect(leader).toMatchObject({ code: 'KLINK_BROKER', retriable: true, brokerName: 'LEADER_NOT_AVAILABLE' });
    expect(leader.message).toContain('a-0 on the source cluster');
    const unknown = await failure(client.send(Heartbeat, BEAT, { leader: { topic: 'b', partition: 9 } }));
    expect(unknown).toMatchObject({ code: 'KLINK_BROKER', retriable: true });
    expect(await failure(client.send(Heartbeat, BEAT, 'controller'))).toMatchObject({
      code: 'KLINK_BROKER',
      retriable: true,
      message: 'The source cluster has no controller at the moment',
    });
    expect(await failure(client.send(Heartbeat, BEAT, { broker: 9 }))).toMatchObject({
      code: 'KLINK_CONNECT',
      retriable: true,
      message: expect.stringContaining('Broker 9 of the source cluster is not alive'),
    });
  });

  it('has one deadline for reaching the target and for its answer', async () => {
    const script = await started([1, 2]);
    const client = await script.connect();
    await script.broker(2).close();
    await client.refreshMetadata([]);
    // A broker that accepts and says nothing, where broker 2 was.
    const mute = await script.startBroker(2, null);
    await client.refreshMetadata([]);
    const call = failure(client.send(Heartbeat, BEAT, { broker: 2 }, { timeoutMs: 700 }));
    await until(() => mute.accepted === 1);
    await script.clock.advance(700);
    expect(await call).toMatchObject({
      code: 'KLINK_TIMEOUT',
      message: 'Reaching the source cluster for Heartbeat took longer than 700 ms',
    });
    // What the way has cost is not there for the answer.
    const opened = failure(client.send(Heartbeat, BEAT, { broker: 2 }, { timeoutMs: 700, lane: 'other' }));
    const peer = await mute.nextPeer().then(() => mute.nextPeer());
    await script.clock.advance(500);
    script.intercept = (_, request) => request.apiKey === Heartbeat.key;
    const ask = script.seen.find(({ request }) => request.peer === peer)?.request as ScriptedRequest;
    ask.answer(ApiVersions, offering(OFFER));
    await until(() => script.count(Heartbeat, 2) === 1);
    await script.clock.advance(199);
    expect(mute.open).toBe(2);
    await script.clock.advance(1);
    expect(await opened).toMatchObject({ code: 'KLINK_TIMEOUT', message: expect.stringContaining('has not answered Heartbeat') });

    const answer = failure(client.send(Heartbeat, BEAT, { broker: 1 }, { timeoutMs: 300 }));
    await until(() => script.count(Heartbeat, 1) === 1);
    await script.clock.advance(300);
    expect(await answer).toMatchObject({ code: 'KLINK_TIMEOUT', message: expect.stringContaining('has not answered Heartbeat') });
  });
});

describe('the coordinator of a group', () => {
  const coordinate = (script: ScriptedCluster, coordinator: () => number, errorCode = 0): void => {
    script.intercept = (_, request) => {
      if (request.apiKey !== FindCoordinator.key) return false;
      const { key, coordinatorKeys } = decodeRequest(FindCoordinator, request.apiVersion, request.frame);
      const found = { nodeId: coordinator(), host: 'x', port: 1, errorCode, errorMessage: errorCode === 0 ? null : 'not yet' };
      request.answer(
        FindCoordinator,
        request.apiVersion >= 4 ? { coordinators: coordinatorKeys.map((asked) => ({ ...found, key: asked })) } : found,
      );
      expect([key, ...coordinatorKeys].filter((name) => name !== '')).toEqual(['g']);
      return true;
    };
  };

  it.each([0, 3, 4, 6])('is asked for in FindCoordinator v%i, and remembered', async (version) => {
    const script = await started([1, 2], [{ api: Metadata }, { api: Heartbeat }, { api: FindCoordinator, max: version }]);
    coordinate(script, () => 2);
    const client = await script.connect();
    await client.send(Heartbeat, BEAT, { group: 'g' });
    await client.send(Heartbeat, BEAT, { group: 'g' });
    expect(script.count(FindCoordinator)).toBe(1);
    expect(script.count(Heartbeat, 2)).toBe(2);
  });

  it('is not asked for in the version that caps the request itself', async () => {
    const script = await started([1]);
    coordinate(script, () => 1);
    const client = await script.connect();
    await client.send(Heartbeat, BEAT, { group: 'g' }, { maxVersion: 1 });
    const versions = script.seen.map(({ request }) => [request.apiKey, request.apiVersion]);
    expect(versions.slice(-2)).toEqual([
      [FindCoordinator.key, FindCoordinator.versions.max],
      [Heartbeat.key, 1],
    ]);
  });

  it('is asked for again when told to, and when the broker that was it is gone', async () => {
    const script = await started([1, 2]);
    let coordinator = 2;
    coordinate(script, () => coordinator);
    const client = await script.connect();
    await client.send(Heartbeat, BEAT, { group: 'g' });
    client.forgetCoordinator('g');
    await client.send(Heartbeat, BEAT, { group: 'g' });
    expect(script.count(FindCoordinator)).toBe(2);
    await script.broker(2).close();
    coordinator = 1;
    const lost = await failure(client.send(Heartbeat, BEAT, { group: 'g' }));
    expect(lost).toMatchObject({ retriable: true });
    await client.send(Heartbeat, BEAT, { group: 'g' });
    expect(script.count(Heartbeat, 1)).toBe(1);
  });

  it('may be a broker that was not known before', async () => {
    const script = await started([1]);
    const client = await script.connect();
    await script.startBroker(7);
    coordinate(script, () => 7);
    await client.send(Heartbeat, BEAT, { group: 'g' });
    expect(script.count(Heartbeat, 7)).toBe(1);
  });

  it('that is not there yet is a refusal to be tried again; missing rights are not', async () => {
    const script = await started([1]);
    const client = await script.connect();
    coordinate(script, () => -1, 15);
    const loading = await failure(client.send(Heartbeat, BEAT, { group: 'g' }));
    expect(loading).toMatchObject({ code: 'KLINK_BROKER', retriable: true, brokerName: 'COORDINATOR_NOT_AVAILABLE' });
    expect(loading.message).toContain("find the coordinator of group 'g' on the source cluster: COORDINATOR_NOT_AVAILABLE (not yet)");
    coordinate(script, () => -1, 30);
    expect(await failure(client.send(Heartbeat, BEAT, { group: 'g' }))).toMatchObject({ code: 'KLINK_AUTH', retriable: false });
  });
});

describe('brokers that come and go', () => {
  it('one that moved is reached at its new address, and what waited on the old one is told', async () => {
    const script = await started([1, 2]);
    const client = await script.connect();
    const before = await client.connection(2, 'data');
    script.intercept = (broker, request) => broker === 2 && request.apiKey === Heartbeat.key;
    const waiting = failure(client.send(Heartbeat, BEAT, { broker: 2 }, { lane: 'data' }));
    await until(() => script.count(Heartbeat, 2) === 1);
    script.intercept = () => false;
    await script.startBroker(2);
    await client.refreshMetadata([]);
    const moved = await waiting;
    expect(moved).toMatchObject({
      code: 'KLINK_CONNECT',
      retriable: true,
      message: expect.stringContaining('Broker 2 has moved from 127.0.0.1:'),
    });
    expect(before.isClosed).toBe(true);
    expect((await client.connection(2, 'data')).endpoint.port).toBe(script.broker(2).port);
    await client.send(Heartbeat, BEAT, { broker: 2 }, { lane: 'data' });
  });

  it('one that moved while it was connected to is not waited for at its old address', async () => {
    const script = await started([1, 2]);
    const client = await script.connect();
    const old = await script.startBroker(2, null);
    await client.refreshMetadata([]);
    const stuck = failure(client.connection(2));
    await until(() => old.accepted === 1);
    await script.startBroker(2);
    await client.refreshMetadata([]);
    expect((await client.connection(2)).endpoint.port).toBe(script.broker(2).port);
    await client.close();
    expect(await stuck).toMatchObject({ code: 'KLINK_CLOSED' });
    await until(() => old.open === 0);
  });

  it('a connection that has just ended is not handed out again', async () => {
    const script = await started([1]);
    const client = await script.connect();
    const before = await client.connection(1);
    before.destroy(null);
    const again = await client.connection(1);
    expect(again.isClosed).toBe(false);
    expect(again).not.toBe(before);
  });

  it('one that has another name is another address, though the port is the same', async () => {
    const script = await started([1]);
    const client = await script.connect({}, { lookup: async () => ['127.0.0.1'] });
    const before = await client.connection(1);
    const { port } = script.broker(1);
    script.metadata = { ...script.metadata, brokers: [{ nodeId: 1, host: 'kafka-1.example', port }] };
    await client.refreshMetadata([]);
    await until(() => before.isClosed);
    expect((await client.connection(1)).endpoint).toEqual({ host: 'kafka-1.example', port, address: '127.0.0.1' });
  });

  it('an idle connection that the broker closed is replaced without a word', async () => {
    const script = await started([1]);
    const client = await script.connect();
    const before = await client.connection(1);
    await script.broker(1).nextPeer();
    (await script.broker(1).nextPeer()).socket.destroy();
    await before.closed;
    await client.send(Heartbeat, BEAT, { broker: 1 });
    expect(await client.connection(1)).not.toBe(before);
  });

  it('one that is gone is tried again after a wait that grows, and a success forgets it', async () => {
    const script = await started([1, 2]);
    const client = await script.connect();
    const { port } = script.broker(2);
    await script.broker(2).close();
    const { clock } = script;
    const attempt = async (): Promise<number> => {
      const began = clock.now();
      const error = await clock.passUntil(failure(client.connection(2)));
      expect(error).toMatchObject({ code: 'KLINK_CONNECT', retriable: true, message: expect.stringContaining('ECONNREFUSED') });
      return clock.now() - began;
    };
    // Steps of 10 ms: what is due is seen at the latest one step later.
    const waits = [await attempt(), await attempt(), await attempt(), await attempt()];
    for (const [index, expected] of [0, 100, 200, 400].entries()) {
      expect(waits[index]).toBeGreaterThanOrEqual(expected);
      expect(waits[index]).toBeLessThan(expected + 100);
    }
    await script.startBroker(2, OFFER, port);
    await clock.passUntil(client.connection(2));
    await script.broker(2).close();
    await until(() => script.broker(2).open === 0);
    await settled();
    expect(await attempt()).toBeLessThan(100);
    // The count has begun anew.
    expect(await attempt()).toBeLessThan(200);
  });

  it('many lanes that fail at once count as one failure', async () => {
    const script = await started([1, 2]);
    const client = await script.connect();
    await script.broker(2).close();
    await Promise.all(Array.from({ length: 8 }, (_, lane) => failure(client.connection(2, `lane ${lane}`))));
    const began = script.clock.now();
    await script.clock.passUntil(failure(client.connection(2, 'lane 0')));
    expect(script.clock.now() - began).toBeLessThan(200);
  });

  it('anybody will do: who is connected first, then whoever answers, then the bootstrap addresses', async () => {
    const script = await started([1, 2, 3]);
    const client = await script.connect({ bootstrap: [script.endpoint(3)] });
    await client.connection(2);
    for (let i = 0; i < 5; i++) await client.send(Heartbeat, BEAT, 'any');
    expect(script.count(Heartbeat, 2)).toBe(5);

    await script.broker(2).close();
    await until(() => script.broker(2).open === 0);
    await settled();
    await script.clock.passUntil(client.send(Heartbeat, BEAT, 'any'));
    expect(script.count(Heartbeat, 1) + script.count(Heartbeat, 3)).toBe(1);

    // Every address that metadata told is dead now; the bootstrap address is not.
    script.tellOf([1, 2]);
    await script.clock.passUntil(client.refreshMetadata([]));
    await script.broker(1).close();
    await until(() => script.broker(1).open === 0);
    await settled();
    script.tellOf([3]);
    await script.clock.passUntil(client.refreshMetadata([]));
    expect([...client.metadata.brokers.keys()]).toEqual([3]);
  });

  it('one that hangs while it is connected to does not hold up those that answer', async () => {
    const script = await started([1, 2]);
    const client = await script.connect();
    const hanging = await script.startBroker(1, null);
    await client.connection(2);
    await client.refreshMetadata([]);
    const stuck = failure(client.connection(1));
    await until(() => hanging.open === 1);
    for (let i = 0; i < 5; i++) await client.send(Heartbeat, BEAT, 'any');
    expect(script.count(Heartbeat, 2)).toBe(5);
    await client.close();
    expect(await stuck).toMatchObject({ code: 'KLINK_CLOSED' });
  });
});

describe('a signal', () => {
  it('ends the wait for a connection that others wait for too', async () => {
    const script = await started([1, 2]);
    const client = await script.connect();
    const hanging = await script.startBroker(2, null);
    await client.refreshMetadata([]);
    const controller = new AbortController();
    const first = client.connection(2);
    const second = failure(client.connection(2, 'control', controller.signal));
    const third = failure(client.send(Heartbeat, BEAT, { broker: 2 }, { lane: 'control', signal: controller.signal }));
    await until(() => hanging.open === 1);
    controller.abort(new LinkError('KLINK_CLOSED', 'enough'));
    expect(await second).toMatchObject({ message: 'enough' });
    expect(await third).toMatchObject({ message: 'enough' });
    expect(hanging.accepted).toBe(1);
    const outcome = failure(first);
    await client.close();
    expect(await outcome).toMatchObject({ code: 'KLINK_CLOSED' });
  });
});

describe('closing', () => {
  it('ends everything: requests, openings, waits to reconnect, retries; and leaves nothing behind', async () => {
    const script = await started([1, 2, 3]);
    const client = await script.connect();
    const hanging = await script.startBroker(2, null);
    script.intercept = (_, request) => request.apiKey === Heartbeat.key;
    await client.refreshMetadata([]);
    await script.broker(3).close();
    await failure(client.connection(3));
    const calls = [
      client.send(Heartbeat, BEAT, { broker: 1 }),
      client.connection(2),
      client.connection(3),
      client.retry(() => Promise.reject(new LinkError('KLINK_CONNECT', 'no', { retriable: true })), { timeoutMs: 60_000 }),
      client.retry(() => new Promise(() => {}), { timeoutMs: 60_000 }),
    ].map(failure);
    await until(() => hanging.open === 1 && script.count(Heartbeat) === 1);
    await client.close();
    expect(client.signal.aborted).toBe(true);
    for (const error of await Promise.all(calls)) expect(error).toMatchObject({ code: 'KLINK_CLOSED' });
    await until(() => [1, 2, 3].every((id) => script.broker(id).open === 0));
    expect(script.clock.pending).toBe(0);
    await client.close();
  });

  it('refuses what comes after it, for good', async () => {
    const script = await started([1]);
    const client = await script.connect();
    await client.close();
    const closed = { code: 'KLINK_CLOSED', retriable: false, message: "The source cluster's connections are closed" };
    expect(await failure(client.send(Heartbeat, BEAT, 'any'))).toMatchObject(closed);
    expect(await failure(client.send(Heartbeat, BEAT, { broker: 1 }))).toMatchObject(closed);
    expect(await failure(client.connection(1))).toMatchObject(closed);
    expect(await failure(client.refreshMetadata([]))).toMatchObject(closed);
    expect(await failure(client.retry(() => Promise.resolve(1), { timeoutMs: 1_000 }))).toMatchObject(closed);
    expect(script.clock.pending).toBe(0);
  });

  it('with a grace waits for what was sent, and opens nothing meanwhile', async () => {
    const script = await started([1, 2]);
    const client = await script.connect();
    const held = holdBack(script, Heartbeat);
    const call = client.send(Heartbeat, BEAT, { broker: 1 });
    await until(() => held.length === 1);
    const closing = client.close(5_000);
    // Neither a new connection nor one that is open still.
    for (const broker of [1, 2]) expect(await failure(client.connection(broker))).toMatchObject({ code: 'KLINK_CLOSED', retriable: false });
    held[0]?.answer(Heartbeat, { errorCode: 0 });
    await expect(call).resolves.toMatchObject({ errorCode: 0 });
    await closing;
    await until(() => script.broker(1).open === 0);
    expect(script.clock.pending).toBe(0);
  });

  it('a cluster that could not be reached leaves nothing either', async () => {
    const script = await started([1]);
    const held = holdBack(script, Metadata);
    const controller = new AbortController();
    const connecting = failure(
      Cluster.connect(settingsOf([script.endpoint(1)]), portsOf(script.clock), { timeoutMs: 60_000, signal: controller.signal }),
    );
    await until(() => held.length === 1);
    controller.abort();
    expect(await connecting).toMatchObject({ code: 'KLINK_ABORTED' });
    await until(() => script.broker(1).open === 0);
    expect(script.clock.pending).toBe(0);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });
});
