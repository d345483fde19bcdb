/** One connection against a scripted peer: order, bounds, deadlines, throttling, aborts, and how it ends. */
import diagnostics from 'node:diagnostics_channel';
import { getEventListeners } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import type { ConnectionMessage, FrameMessage } from '../../../src/client/diagnostics.ts';
import { type OpenTransport, openTcp, type TransportEvents } from '../../../src/client/transport.ts';
import { LinkError } from '../../../src/errors.ts';
import { decodeRequest } from '../../../src/protocol/frame.ts';
import { ApiVersions } from '../../../src/protocol/messages/api-versions.ts';
import { Fetch } from '../../../src/protocol/messages/fetch.ts';
import { Heartbeat } from '../../../src/protocol/messages/heartbeat.ts';
import { Produce } from '../../../src/protocol/messages/produce.ts';
import { settled } from '../../support/manual-clock.ts';
import { frameOf, type Offer, ScriptedBroker, type ScriptedRequest } from '../../support/scripted-broker.ts';
import { failure, openConnection } from './open-connection.ts';

const OFFER: Offer = [{ api: Heartbeat }, { api: Produce }, { api: Fetch }];
const beat = (memberId = 'm') => ({ groupId: 'g', generationId: 1, memberId });
/** `throttleTimeMs` tells the answers apart where nothing else does. */
const ok = { errorCode: 0, throttleTimeMs: 0 };
const memberOf = (request: ScriptedRequest): string => decodeRequest(Heartbeat, request.apiVersion, request.frame).memberId;
const produceOf = (size: number) => ({
  acks: -1,
  timeoutMs: 1_000,
  topicData: [{ name: 't', partitionData: [{ index: 0, records: Buffer.alloc(size, size & 0xff) }] }],
});
const PRODUCED = { responses: [] };

const brokers: ScriptedBroker[] = [];
const listen = async (offer: Offer = OFFER): Promise<ScriptedBroker> => {
  const broker = await ScriptedBroker.listen({ offer });
  brokers.push(broker);
  return broker;
};
afterEach(async () => {
  await Promise.all(brokers.splice(0).map((broker) => broker.close()));
});

describe('requests and answers', () => {
  it('are pipelined, and matched in order', async () => {
    const { connection, peer } = await openConnection(await listen());
    const calls = ['a', 'b', 'c'].map((member) => connection.send(Heartbeat, beat(member)));
    const requests = [await peer.next(), await peer.next(), await peer.next()];
    expect(requests.map(memberOf)).toEqual(['a', 'b', 'c']);
    expect(connection.pending).toBe(3);
    for (const [index, request] of requests.entries()) request.answer(Heartbeat, { ...ok, errorCode: index });
    expect((await Promise.all(calls)).map(({ errorCode }) => errorCode)).toEqual([0, 1, 2]);
    expect(connection.pending).toBe(0);
    await connection.close();
  });

  it('are read into the memory that their own request has for them', async () => {
    const { connection, peer } = await openConnection(await listen());
    const given: Buffer[] = [];
    const memory = Buffer.alloc(1_000_000);
    const allocate = (size: number): Buffer => {
      given.push(memory.subarray(1_000, 1_000 + size));
      return given.at(-1)!;
    };
    const fetch = { maxWaitMs: 0, minBytes: 0, topics: [], sessionId: 0 };
    const calls = [connection.send(Fetch, fetch), connection.send(Fetch, fetch, { allocate }), connection.send(Fetch, fetch)];
    const fetched = (size: number) => {
      const partition = {
        partitionIndex: 0,
        errorCode: 0,
        highWatermark: 0n,
        abortedTransactions: null,
        records: Buffer.alloc(size, size),
      };
      return { ...ok, sessionId: 0, responses: [{ partitions: [partition] }] };
    };
    for (const size of [100_001, 100_002, 100_003]) (await peer.next()).answer(Fetch, fetched(size));
    const records = (await Promise.all(calls)).map(({ responses }) => responses[0]!.partitions[0]!.records!);
    expect(records.map(({ length }) => length)).toEqual([100_001, 100_002, 100_003]);
    for (const part of records) expect(part.equals(Buffer.alloc(part.length, part.length))).toBe(true);
    expect(records.map(({ buffer }) => buffer === memory.buffer)).toEqual([false, true, false]);
    expect(given.length).toBe(1);
    await connection.close();
  });

  it('survive any slicing of the stream: many answers in one segment, one answer byte by byte', async () => {
    const { connection, peer } = await openConnection(await listen());
    const calls = Array.from({ length: 20 }, () => connection.send(Heartbeat, beat()));
    const answers: Buffer[] = [];
    for (let i = 0; i < calls.length; i++) {
      const { apiVersion, correlationId } = await peer.next();
      answers.push(frameOf(Heartbeat, apiVersion, correlationId, { ...ok, errorCode: i }));
    }
    peer.socket.write(Buffer.concat(answers));
    expect((await Promise.all(calls)).map(({ errorCode }) => errorCode)).toEqual(calls.map((_, i) => i));

    const slow = connection.send(Heartbeat, beat());
    const { apiVersion, correlationId } = await peer.next();
    for (const byte of frameOf(Heartbeat, apiVersion, correlationId, { ...ok, errorCode: 7 })) {
      await new Promise((resolve) => peer.socket.write(Buffer.from([byte]), resolve));
      await settled();
    }
    await expect(slow).resolves.toMatchObject({ errorCode: 7 });
    await connection.close();
  });

  it('carry megabytes in both directions', async () => {
    const { connection, peer } = await openConnection(await listen(), { maxInFlightBytes: 64 });
    const records = Buffer.alloc(5_000_000, 7);
    const call = connection.send(Produce, {
      acks: -1,
      timeoutMs: 1,
      topicData: [{ name: 't', partitionData: [{ index: 0, records }] }],
    });
    const request = await peer.next();
    const sent = decodeRequest(Produce, request.apiVersion, request.frame).topicData[0]?.partitionData[0]?.records;
    expect(sent?.equals(records)).toBe(true);
    request.answer(Produce, PRODUCED);
    await call;
    const fetched = connection.send(Fetch, { maxWaitMs: 0, minBytes: 0, topics: [] }, { maxVersion: 12 });
    const partition = { partitionIndex: 0, errorCode: 0, highWatermark: 1n, abortedTransactions: null, records };
    (await peer.next()).answer(Fetch, { responses: [{ topic: 't', partitions: [partition] }] });
    expect((await fetched).responses[0]?.partitions[0]?.records?.equals(records)).toBe(true);
    await connection.close();
  });

  it('use the highest common version, a cap, or none', async () => {
    const broker = await listen([
      { api: Heartbeat, min: 0, max: 3 },
      { api: Produce, min: 13, max: 14 },
    ]);
    const { connection, peer, written } = await openConnection(broker);
    for (const [maxVersion, version] of [
      [undefined, 3],
      [1, 1],
      [99, 3],
    ] as const) {
      const call = connection.send(Heartbeat, beat(), maxVersion === undefined ? {} : { maxVersion });
      const request = await peer.next();
      expect(request.apiVersion).toBe(version);
      request.answer(Heartbeat, ok);
      await call;
    }
    written.length = 0;
    expect(await failure(connection.send(Produce, produceOf(1)))).toMatchObject({ code: 'KLINK_VERSION' });
    expect(await failure(connection.send(Fetch, { maxWaitMs: 0, minBytes: 0, topics: [] }))).toMatchObject({ code: 'KLINK_VERSION' });
    expect(written).toEqual([]);
    await connection.close();
  });

  it('that cannot be encoded fail alone, and take no room', async () => {
    const { connection, peer } = await openConnection(await listen());
    expect(await failure(connection.send(Heartbeat, { ...beat(), generationId: 2 ** 40 }))).toMatchObject({ code: 'KLINK_MALFORMED' });
    expect(connection.pending).toBe(0);
    const call = connection.send(Heartbeat, beat());
    (await peer.next()).answer(Heartbeat, ok);
    await call;
    await connection.close();
  });

  it('that cannot be decoded fail alone: the frames are still in step', async () => {
    const { connection, peer } = await openConnection(await listen());
    const bad = connection.send(Heartbeat, beat());
    const good = connection.send(Heartbeat, beat());
    const { correlationId } = await peer.next();
    // A flexible answer whose only content is a tag section that never ends.
    const garbage = Buffer.from([0, 0, 0, 6, 0, 0, 0, 0, 0xff, 0xff]);
    garbage.writeInt32BE(correlationId, 4);
    peer.socket.write(garbage);
    expect(await failure(bad)).toMatchObject({ code: 'KLINK_MALFORMED', message: expect.stringContaining('Heartbeat response') });
    (await peer.next()).answer(Heartbeat, ok);
    await good;
    await connection.close();
  });
});

describe('a peer out of step', () => {
  it('that answers in another order ends the connection, and every request with it', async () => {
    const { connection, peer, clock } = await openConnection(await listen());
    const calls = ['a', 'b', 'c'].map((member) => failure(connection.send(Heartbeat, beat(member))));
    await peer.next();
    (await peer.next()).answer(Heartbeat, ok);
    for (const error of await Promise.all(calls)) {
      expect(error).toMatchObject({ code: 'KLINK_MALFORMED', message: expect.stringMatching(/correlation id.*Heartbeat has/) });
    }
    expect(await connection.closed).toMatchObject({ code: 'KLINK_MALFORMED' });
    expect(connection.isClosed).toBe(true);
    expect(clock.pending).toBe(0);
    await peer.gone;
  });

  it('that speaks without being asked ends the connection', async () => {
    const { connection, peer } = await openConnection(await listen());
    peer.socket.write(frameOf(Heartbeat, 0, 1, ok));
    expect(await connection.closed).toMatchObject({
      code: 'KLINK_MALFORMED',
      message: expect.stringContaining('no request is outstanding'),
    });
  });

  it('that announces more than is accepted ends the connection before any memory is taken', async () => {
    const { connection, peer } = await openConnection(await listen(), { maxFrameBytes: 2_000_000 });
    const call = failure(connection.send(Heartbeat, beat()));
    await peer.next();
    const length = Buffer.alloc(4);
    length.writeInt32BE(2_000_001);
    peer.socket.write(length);
    expect(await call).toMatchObject({
      code: 'KLINK_MALFORMED',
      retriable: false,
      message: expect.stringMatching(/^127\.0\.0\.1:\d+: .*2000001 bytes/),
    });
  });
});

describe('bytes in flight', () => {
  const LARGE = 700;

  it('are bounded, and nobody overtakes', async () => {
    const { connection, peer, written } = await openConnection(await listen(), { maxInFlightBytes: 1_000 });
    const names: string[] = [];
    const calls = [
      ['large 1', connection.send(Produce, produceOf(LARGE))],
      ['large 2', connection.send(Produce, produceOf(LARGE))],
      // There would be room for this one at once.
      ['small', connection.send(Heartbeat, beat())],
      ['huge', connection.send(Produce, produceOf(5_000))],
      ['last', connection.send(Heartbeat, beat())],
    ] as const;
    for (const [name, call] of calls) call.then(() => names.push(name));
    const keys = (): number[] => written.map(({ apiKey }) => apiKey);
    expect(keys()).toEqual([Produce.key]);
    expect(connection.pending).toBe(5);
    (await peer.next()).answer(Produce, PRODUCED);
    await calls[0][1];
    expect(keys()).toEqual([Produce.key, Produce.key, Heartbeat.key]);
    (await peer.next()).answer(Produce, PRODUCED);
    await calls[1][1];
    // More than the bound: it goes alone, when everything before it is answered.
    expect(keys()).toHaveLength(3);
    (await peer.next()).answer(Heartbeat, ok);
    await calls[2][1];
    expect(keys()).toHaveLength(4);
    (await peer.next()).answer(Produce, PRODUCED);
    await calls[3][1];
    (await peer.next()).answer(Heartbeat, ok);
    await calls[4][1];
    expect(names).toEqual(['large 1', 'large 2', 'small', 'huge', 'last']);
    await connection.close();
  });

  it('a request that is aborted in line is never sent, and lets the next one pass', async () => {
    const { connection, peer, written } = await openConnection(await listen(), { maxInFlightBytes: 1_000 });
    const first = connection.send(Heartbeat, beat());
    const controller = new AbortController();
    const stuck = failure(connection.send(Produce, produceOf(2_000), { signal: controller.signal }));
    const behind = connection.send(Heartbeat, beat());
    controller.abort();
    expect(await stuck).toMatchObject({ code: 'KLINK_ABORTED', message: 'Aborted while waiting to send Produce' });
    expect(written.map(({ apiKey }) => apiKey)).toEqual([Heartbeat.key, Heartbeat.key]);
    (await peer.next()).answer(Heartbeat, ok);
    (await peer.next()).answer(Heartbeat, ok);
    await Promise.all([first, behind]);
    await connection.close();
  });

  it('a request whose time is over in line fails alone, and says that it was not sent', async () => {
    const { connection, peer, clock, written } = await openConnection(await listen(), { maxInFlightBytes: 1_000 });
    const first = connection.send(Produce, produceOf(LARGE), { timeoutMs: 30_000 });
    const stuck = failure(connection.send(Produce, produceOf(LARGE), { timeoutMs: 100 }));
    const request = await peer.next();
    await clock.advance(100);
    expect(await stuck).toMatchObject({
      code: 'KLINK_TIMEOUT',
      retriable: true,
      message: expect.stringMatching(/Produce could not be sent to 127\.0\.0\.1:\d+ in time: the \d+ bytes sent before it/),
    });
    expect(written).toHaveLength(1);
    request.answer(Produce, PRODUCED);
    await first;
    expect(connection.isClosed).toBe(false);
    await connection.close();
  });
});

describe('throttling (KIP-219)', () => {
  it('nothing is sent until the time is over that the broker asked for', async () => {
    const { connection, peer, clock, written } = await openConnection(await listen());
    const first = connection.send(Heartbeat, beat());
    (await peer.next()).answer(Heartbeat, { ...ok, throttleTimeMs: 500 });
    await expect(first).resolves.toMatchObject({ throttleTimeMs: 500 });
    const second = connection.send(Heartbeat, beat());
    await clock.advance(499);
    expect(written).toHaveLength(1);
    await clock.advance(1);
    expect(written).toHaveLength(2);
    (await peer.next()).answer(Heartbeat, ok);
    await second;
    await connection.close();
  });

  it('a later, shorter request for silence does not end a longer one', async () => {
    const { connection, peer, clock, written } = await openConnection(await listen());
    const calls = [connection.send(Heartbeat, beat()), connection.send(Heartbeat, beat())];
    (await peer.next()).answer(Heartbeat, { ...ok, throttleTimeMs: 500 });
    (await peer.next()).answer(Heartbeat, { ...ok, throttleTimeMs: 10 });
    await Promise.all(calls);
    const third = failure(connection.send(Heartbeat, beat()));
    await clock.advance(499);
    expect(written).toHaveLength(2);
    await clock.advance(1);
    expect(written).toHaveLength(3);
    await connection.close();
    expect(await third).toMatchObject({ code: 'KLINK_CLOSED' });
  });

  it('is heard in the late answer to an aborted request too', async () => {
    const { connection, peer, clock, written } = await openConnection(await listen());
    const controller = new AbortController();
    const first = failure(connection.send(Heartbeat, beat(), { signal: controller.signal }));
    const request = await peer.next();
    controller.abort();
    await first;
    request.answer(Heartbeat, { ...ok, throttleTimeMs: 500 });
    const second = connection.send(Heartbeat, beat());
    (await peer.next()).answer(Heartbeat, ok);
    await second;
    const third = connection.send(Heartbeat, beat());
    await clock.advance(499);
    expect(written).toHaveLength(2);
    await clock.advance(1);
    (await peer.next()).answer(Heartbeat, ok);
    await third;
    await connection.close();
  });

  it('beyond a deadline, the request fails without being sent, and the connection stays', async () => {
    const { connection, peer, clock, written } = await openConnection(await listen());
    const first = connection.send(Heartbeat, beat());
    (await peer.next()).answer(Heartbeat, { ...ok, throttleTimeMs: 0x7fff_ffff });
    await first;
    const second = failure(connection.send(Heartbeat, beat()));
    await clock.advance(30_000);
    expect(await second).toMatchObject({ code: 'KLINK_TIMEOUT', message: expect.stringContaining('throttles') });
    expect(written).toHaveLength(1);
    expect(connection.isClosed).toBe(false);
    await connection.close();
    expect(clock.pending).toBe(0);
  });
});

describe('deadlines', () => {
  it('an answer that does not come ends the connection and all that wait on it', async () => {
    const { connection, peer, clock } = await openConnection(await listen());
    const patient = failure(connection.send(Heartbeat, beat(), { timeoutMs: 60_000 }));
    const hurried = failure(connection.send(Fetch, { maxWaitMs: 0, minBytes: 0, topics: [] }, { timeoutMs: 1_000 }));
    await peer.next();
    await clock.advance(999);
    expect(connection.isClosed).toBe(false);
    await clock.advance(1);
    expect(await hurried).toMatchObject({
      code: 'KLINK_TIMEOUT',
      retriable: true,
      message: expect.stringMatching(/127\.0\.0\.1:\d+ has not answered Fetch in time/),
    });
    expect(await patient).toMatchObject({ code: 'KLINK_TIMEOUT' });
    expect(await connection.closed).toMatchObject({ code: 'KLINK_TIMEOUT' });
    await peer.gone;
    expect(clock.pending).toBe(0);
  });

  it('are not put off by bytes that drip', async () => {
    const { connection, peer, clock } = await openConnection(await listen());
    const call = failure(connection.send(Heartbeat, beat(), { timeoutMs: 1_000 }));
    const { apiVersion, correlationId } = await peer.next();
    const answer = frameOf(Heartbeat, apiVersion, correlationId, ok);
    for (let i = 0; i < 10; i++) {
      await new Promise((resolve) => peer.socket.write(answer.subarray(i, i + 1), resolve));
      await clock.advance(100);
    }
    expect(await call).toMatchObject({ code: 'KLINK_TIMEOUT' });
  });

  it('need one timer, however many requests there are, and none when the connection is gone', async () => {
    const { connection, peer, clock } = await openConnection(await listen());
    const calls = Array.from({ length: 50 }, (_, i) => connection.send(Heartbeat, beat(), { timeoutMs: 60_000 - i * 1_000 }));
    expect(clock.pending).toBe(1);
    for (let i = 0; i < 50; i++) (await peer.next()).answer(Heartbeat, ok);
    await Promise.all(calls);
    await clock.advance(60_000);
    expect(connection.isClosed).toBe(false);
    expect(clock.pending).toBe(0);
    await connection.close();
  });

  it('may be infinite', async () => {
    const { connection, peer, clock } = await openConnection(await listen());
    const call = connection.send(Heartbeat, beat(), { timeoutMs: Number.POSITIVE_INFINITY });
    const request = await peer.next();
    await clock.advance(10 ** 9);
    request.answer(Heartbeat, ok);
    await call;
    await connection.close();
  });
});

describe('signals', () => {
  it('an aborted request ends at once; its late answer is ignored, and the next one is not mistaken for it', async () => {
    const { connection, peer } = await openConnection(await listen());
    const controller = new AbortController();
    const reason = new LinkError('KLINK_CLOSED', 'The link is closing');
    const first = failure(connection.send(Heartbeat, beat('first'), { signal: controller.signal }));
    const second = connection.send(Heartbeat, beat('second'));
    const requests = [await peer.next(), await peer.next()] as const;
    controller.abort(reason);
    expect(await first).toBe(reason);
    requests[0].answer(Heartbeat, { ...ok, errorCode: 1 });
    requests[1].answer(Heartbeat, { ...ok, errorCode: 2 });
    await expect(second).resolves.toMatchObject({ errorCode: 2 });
    await connection.close();
  });

  it('that are aborted already send nothing', async () => {
    const { connection, written } = await openConnection(await listen());
    expect(await failure(connection.send(Heartbeat, beat(), { signal: AbortSignal.abort() }))).toMatchObject({ code: 'KLINK_ABORTED' });
    expect(written).toEqual([]);
    expect(connection.pending).toBe(0);
    await connection.close();
  });

  it('shared by many requests get one listener, lose it with the last answer, and warn nobody', async () => {
    const warnings: Error[] = [];
    const warn = (warning: Error): void => void warnings.push(warning);
    process.on('warning', warn);
    const { connection, peer } = await openConnection(await listen());
    const { signal } = new AbortController();
    const calls = Array.from({ length: 40 }, () => connection.send(Heartbeat, beat(), { signal }));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    for (let i = 0; i < 40; i++) (await peer.next()).answer(Heartbeat, ok);
    await Promise.all(calls);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    await connection.close();
    process.off('warning', warn);
    expect(warnings).toEqual([]);
  });
});

describe('a connection that is cut', () => {
  it('at any byte of an answer fails the request, retriable, and says which one was open', async () => {
    const broker = await listen();
    const size = frameOf(Heartbeat, Heartbeat.versions.max, 1, ok).length;
    for (let bytes = 0; bytes < size; bytes++) {
      const { connection, peer } = await openConnection(broker);
      const call = failure(connection.send(Heartbeat, beat()));
      const { apiVersion, correlationId } = await peer.next();
      peer.socket.end(frameOf(Heartbeat, apiVersion, correlationId, ok).subarray(0, bytes));
      const error = await call;
      expect(error).toMatchObject({ code: 'KLINK_CONNECT', retriable: true });
      expect(error.message).toMatch(/Connection to 127\.0\.0\.1:\d+ was lost before it answered Heartbeat: the broker closed it/);
      expect(await connection.closed).toBe(error);
    }
  });

  it('by a reset keeps the reason of the system', async () => {
    const { connection, peer } = await openConnection(await listen());
    const call = failure(connection.send(Heartbeat, beat()));
    await peer.next();
    peer.socket.resetAndDestroy();
    expect(await call).toMatchObject({
      code: 'KLINK_CONNECT',
      message: expect.stringContaining('ECONNRESET'),
      cause: { code: 'ECONNRESET' },
    });
  });

  it('while idle, as brokers do with idle connections, is known to be gone', async () => {
    const { connection, peer } = await openConnection(await listen());
    peer.socket.destroy();
    expect(await connection.closed).toMatchObject({ code: 'KLINK_CONNECT', retriable: true });
    expect(connection.isClosed).toBe(true);
    expect(await failure(connection.send(Heartbeat, beat()))).toMatchObject({ code: 'KLINK_CONNECT', retriable: true });
  });

  it('on one side only, as brokers do that shut down, is closed on both after what was still sent', async () => {
    const { connection, peer } = await openConnection(await listen());
    const calls = [connection.send(Heartbeat, beat()), failure(connection.send(Heartbeat, beat()))] as const;
    const request = await peer.next();
    // allowHalfOpen on the peer: it goes on listening.
    peer.socket.end(frameOf(Heartbeat, request.apiVersion, request.correlationId, ok));
    await calls[0];
    expect(await calls[1]).toMatchObject({ code: 'KLINK_CONNECT' });
    await peer.gone;
  });

  it('on one side by a peer that has also stopped to read does not wait for what cannot be written', async () => {
    const { connection, peer } = await openConnection(await listen(), { maxInFlightBytes: 100_000_000 });
    peer.socket.pause();
    // More than the kernel's buffers hold.
    const call = failure(connection.send(Produce, produceOf(50_000_000)));
    peer.socket.end();
    expect(await call).toMatchObject({ code: 'KLINK_CONNECT', retriable: true });
  });

  it('before anything was let in tells of SASL, after that no more', async () => {
    const { connection, peer } = await openConnection(await listen());
    const first = failure(connection.send(Heartbeat, beat()));
    await peer.next();
    peer.socket.destroy();
    expect((await first).message).toContain('SASL');

    const again = await openConnection(brokers[0] as ScriptedBroker);
    const answered = again.connection.send(Heartbeat, beat());
    (await again.peer.next()).answer(Heartbeat, ok);
    await answered;
    const lost = failure(again.connection.send(Heartbeat, beat()));
    await again.peer.next();
    again.peer.socket.destroy();
    expect((await lost).message).not.toContain('SASL');
  });
});

describe('closing', () => {
  it('at once fails what is outstanding, sent or not', async () => {
    const { connection, peer, clock } = await openConnection(await listen(), { maxInFlightBytes: 10 });
    const calls = [failure(connection.send(Heartbeat, beat())), failure(connection.send(Heartbeat, beat()))];
    await peer.next();
    await connection.close();
    for (const error of await Promise.all(calls)) expect(error).toMatchObject({ code: 'KLINK_CLOSED', retriable: true });
    expect(await connection.closed).toBeNull();
    expect(clock.pending).toBe(0);
    await peer.gone;
  });

  it('in order waits for the answers, takes nothing new, and is over with the last one', async () => {
    const { connection, peer, clock } = await openConnection(await listen(), { maxInFlightBytes: 10 });
    const calls = [connection.send(Heartbeat, beat()), connection.send(Heartbeat, beat())];
    const closing = connection.close(5_000);
    expect(await failure(connection.send(Heartbeat, beat()))).toMatchObject({ code: 'KLINK_CLOSED' });
    (await peer.next()).answer(Heartbeat, ok);
    await calls[0];
    (await peer.next()).answer(Heartbeat, ok);
    await calls[1];
    await closing;
    expect(await connection.closed).toBeNull();
    expect(clock.pending).toBe(0);
    await peer.gone;
  });

  it('in order gives up when the time is over', async () => {
    const { connection, peer, clock } = await openConnection(await listen());
    const call = failure(connection.send(Heartbeat, beat()));
    await peer.next();
    const closing = connection.close(5_000);
    await clock.advance(5_000);
    await closing;
    expect(await call).toMatchObject({ code: 'KLINK_CLOSED' });
    expect(clock.pending).toBe(0);
  });

  it('in order ends when the connection is lost meanwhile', async () => {
    const { connection, peer, clock } = await openConnection(await listen());
    const call = failure(connection.send(Heartbeat, beat()));
    await peer.next();
    const closing = connection.close(5_000);
    peer.socket.destroy();
    await closing;
    expect(await call).toMatchObject({ code: 'KLINK_CONNECT' });
    expect(clock.pending).toBe(0);
  });

  it('in order does not wait for requests that were aborted before they were sent', async () => {
    const { connection, peer } = await openConnection(await listen(), { maxInFlightBytes: 10 });
    const controller = new AbortController();
    const first = connection.send(Heartbeat, beat());
    const second = failure(connection.send(Heartbeat, beat(), { signal: controller.signal }));
    const closing = connection.close(5_000);
    (await peer.next()).answer(Heartbeat, ok);
    controller.abort();
    await Promise.all([first, second, closing]);
  });

  it('may be asked for several times: the first whose time is over ends it', async () => {
    const { connection, peer, clock } = await openConnection(await listen());
    const call = failure(connection.send(Heartbeat, beat()));
    await peer.next();
    const closings = [connection.close(5_000), connection.close(5_000), connection.close()];
    await Promise.all(closings);
    expect(await call).toMatchObject({ code: 'KLINK_CLOSED' });
    expect(clock.pending).toBe(0);
    await connection.close(1_000);
  });

  it('in the middle of a read leaves the rest of it alone', async () => {
    const received: TransportEvents[] = [];
    const tapping: OpenTransport = (endpoint, events, limits) => {
      received.push(events);
      return openTcp(endpoint, events, limits);
    };
    const { connection } = await openConnection(await listen(), { openTransport: tapping });
    connection.destroy(null);
    const { sink } = received[0] as TransportEvents;
    const late = frameOf(Heartbeat, Heartbeat.versions.max, 1, ok);
    late.copy(sink.room());
    // An answer that nobody waits for would end a living connection.
    expect(() => sink.took(late.length)).not.toThrow();
  });

  it('for a reason gives that reason to all', async () => {
    const { connection, peer } = await openConnection(await listen());
    const reason = new LinkError('KLINK_CONNECT', 'Broker 1 has moved', { retriable: true });
    const call = failure(connection.send(Heartbeat, beat()));
    await peer.next();
    connection.destroy(reason);
    connection.destroy(new LinkError('KLINK_STATE', 'too late'));
    expect(await call).toBe(reason);
    expect(await connection.closed).toBe(reason);
  });
});

describe('diagnostics', () => {
  it('tell of every frame in both directions, of the beginning and of the end', async () => {
    const frames: FrameMessage[] = [];
    const events: [string, unknown][] = [];
    const onFrame = (message: unknown): void => void frames.push(message as FrameMessage);
    const onConnected = (message: unknown): void => void events.push(['connected', message]);
    const onDisconnected = (message: unknown): void => void events.push(['disconnected', message]);
    diagnostics.subscribe('kafka-link:client:frame', onFrame);
    diagnostics.subscribe('kafka-link:client:connected', onConnected);
    diagnostics.subscribe('kafka-link:client:disconnected', onDisconnected);
    try {
      const broker = await listen();
      const { connection, peer } = await openConnection(broker);
      const call = connection.send(Heartbeat, beat());
      const request = await peer.next();
      request.answer(Heartbeat, ok);
      await call;
      await connection.close();
      const at = { host: '127.0.0.1', port: broker.port };
      expect(frames.map(({ side, apiKey, correlationId }) => [side, apiKey, correlationId])).toEqual([
        ['request', ApiVersions.key, 0],
        ['response', ApiVersions.key, 0],
        ['request', Heartbeat.key, 1],
        ['response', Heartbeat.key, 1],
      ]);
      expect(frames[2]).toMatchObject({ ...at, apiVersion: Heartbeat.versions.max });
      expect(frames[2]?.frame.equals(request.frame)).toBe(true);
      const answer = frameOf(Heartbeat, Heartbeat.versions.max, 1, ok).subarray(4);
      expect(frames[3]?.frame.equals(answer)).toBe(true);
      expect(events).toEqual([
        ['connected', { ...at, error: null } satisfies ConnectionMessage],
        ['disconnected', { ...at, error: null } satisfies ConnectionMessage],
      ]);

      events.length = 0;
      const cut = await openConnection(broker);
      cut.peer.socket.destroy();
      const error = await cut.connection.closed;
      expect(events[1]).toEqual(['disconnected', { ...at, error }]);

      // What was never connected is not told to be disconnected.
      events.length = 0;
      const mute = await ScriptedBroker.listen();
      brokers.push(mute);
      const opening = failure(openConnection(mute));
      (await mute.nextPeer()).socket.destroy();
      await opening;
      expect(events).toEqual([]);
    } finally {
      diagnostics.unsubscribe('kafka-link:client:frame', onFrame);
      diagnostics.unsubscribe('kafka-link:client:connected', onConnected);
      diagnostics.unsubscribe('kafka-link:client:disconnected', onDisconnected);
    }
  });
});
