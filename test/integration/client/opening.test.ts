/** Opening a connection: agreement on versions, and what is said to those who point at something that is no broker. */
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { Connection } from '../../../src/client/connection.ts';
import { endpointText } from '../../../src/client/transport.ts';
import { LinkError } from '../../../src/errors.ts';
import { decodeRequest } from '../../../src/protocol/frame.ts';
import { ApiVersions } from '../../../src/protocol/messages/api-versions.ts';
import { Heartbeat } from '../../../src/protocol/messages/heartbeat.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { frameOf, offering, ScriptedBroker } from '../../support/scripted-broker.ts';
import { connectionOptions, failure } from './open-connection.ts';

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(endings.splice(0).map((end) => end()));
});

const scripted = async (): Promise<ScriptedBroker> => {
  const broker = await ScriptedBroker.listen();
  endings.push(() => broker.close());
  return broker;
};

const portOf = async (server: Server, host = '127.0.0.1'): Promise<number> => {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.listen(0, host);
  await once(server, 'listening');
  endings.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return (server.address() as AddressInfo).port;
};

const open = (port: number, clock = new ManualClock(), signal?: AbortSignal): Promise<Connection> =>
  Connection.open(connectionOptions(port, clock), signal);

describe('agreement on versions', () => {
  it('tells the broker who is asking (KIP-511)', async () => {
    const broker = await scripted();
    const opening = open(broker.port);
    const request = await (await broker.nextPeer()).next();
    expect(request).toMatchObject({ apiKey: ApiVersions.key, apiVersion: ApiVersions.versions.max, clientId: 'test' });
    expect(decodeRequest(ApiVersions, request.apiVersion, request.frame)).toMatchObject({ clientSoftwareName: 'kafka-link' });
    request.answer(ApiVersions, offering([{ api: Heartbeat }]));
    await (await opening).close();
  });

  it.each([
    ['the highest version that the broker names', [{ apiKey: ApiVersions.key, minVersion: 0, maxVersion: 2 }], 2],
    ['version 0 when the broker names none, as before 2.4', [], 0],
  ])('asks again with %s', async (_, apiKeys, version) => {
    const broker = await scripted();
    const opening = open(broker.port);
    const peer = await broker.nextPeer();
    // The refusal comes in the encoding of version 0, whatever was asked.
    (await peer.next()).answer(ApiVersions, { errorCode: 35, apiKeys }, { version: 0 });
    const again = await peer.next();
    expect(again.apiVersion).toBe(version);
    again.answer(ApiVersions, offering([{ api: Heartbeat, max: 2 }]));
    const connection = await opening;
    expect(connection.versions.of(Heartbeat)).toBe(2);
    await connection.close();
  });

  it('ends when the broker refuses for another reason, or refuses every version', async () => {
    const broker = await scripted();
    const refused = failure(open(broker.port));
    (await (await broker.nextPeer()).next()).answer(ApiVersions, { errorCode: 42, apiKeys: [] });
    expect(await refused).toMatchObject({ code: 'KLINK_BROKER', message: expect.stringContaining('INVALID_REQUEST') });

    const hopeless = failure(open(broker.port));
    const peer = await broker.nextPeer();
    (await peer.next()).answer(ApiVersions, { errorCode: 35, apiKeys: [] }, { version: 0 });
    (await peer.next()).answer(ApiVersions, { errorCode: 35, apiKeys: [] }, { version: 0 });
    expect(await hopeless).toMatchObject({ code: 'KLINK_BROKER', message: expect.stringContaining('UNSUPPORTED_VERSION') });
    await peer.gone;
  });
});

describe('opening to something that is no broker', () => {
  it('nobody: says so, and that it may be tried again', async () => {
    const broker = await scripted();
    const { port } = broker;
    await broker.close();
    const clock = new ManualClock();
    const error = await failure(open(port, clock));
    expect(error).toMatchObject({ code: 'KLINK_CONNECT', retriable: true, cause: { code: 'ECONNREFUSED' } });
    expect(error.message).toBe(`Cannot connect to 127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}`);
    expect(clock.pending).toBe(0);
  });

  it('an HTTP server', async () => {
    const port = await portOf(createHttpServer());
    const error = await failure(open(port));
    expect(error).toMatchObject({ code: 'KLINK_MALFORMED', retriable: false });
    expect(error.message).toMatch(new RegExp(`^127\\.0\\.0\\.1:${port}: An HTTP server answers`));
  });

  it('a TLS server: an alert, or a connection that is closed, both say TLS', async () => {
    const error = await failure(open(await portOf(createTlsServer())));
    expect(['KLINK_MALFORMED', 'KLINK_CONNECT']).toContain(error.code);
    expect(error.message).toContain('TLS');

    // The answer of Java's servers: a fatal alert, "unexpected message".
    const alert = createServer((socket) => void socket.once('data', () => socket.end(Buffer.from('15030300020228', 'hex'))));
    expect(await failure(open(await portOf(alert)))).toMatchObject({
      code: 'KLINK_MALFORMED',
      message: expect.stringContaining('expects TLS'),
    });

    const closing = createServer((socket) => void socket.once('data', () => socket.destroy()));
    expect(await failure(open(await portOf(closing)))).toMatchObject({ code: 'KLINK_CONNECT', message: expect.stringContaining('TLS') });
  });

  it('a server that speaks first', async () => {
    const banner = createServer((socket) => void socket.write('220 mail.example ESMTP\r\n'));
    expect(await failure(open(await portOf(banner)))).toMatchObject({ code: 'KLINK_MALFORMED' });
  });

  it('a server that echoes', async () => {
    const echo = createServer((socket) => void socket.pipe(socket));
    expect(await failure(open(await portOf(echo)))).toMatchObject({ code: 'KLINK_MALFORMED' });
  });

  it('a server that answers with garbage of the right shape: the error names address, message and byte', async () => {
    const garbage = createServer((socket) => {
      socket.once('data', (data: Buffer) => {
        const answer = Buffer.concat([Buffer.from([0, 0, 0, 12]), data.subarray(8, 12), Buffer.alloc(8, 0xfe)]);
        socket.write(answer);
      });
    });
    const port = await portOf(garbage);
    const error = await failure(open(port));
    expect(error).toMatchObject({ code: 'KLINK_MALFORMED', retriable: false });
    expect(error.message).toMatch(new RegExp(`^127\\.0\\.0\\.1:${port}: ApiVersions response v\\d.*at byte \\d+`));
  });

  it('a server that announces a large answer, however large answers may be later', async () => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(2 * 1024 * 1024);
    const boaster = createServer((socket) => void socket.once('data', () => socket.write(length)));
    expect(await failure(open(await portOf(boaster)))).toMatchObject({
      code: 'KLINK_MALFORMED',
      message: expect.stringContaining('2097152'),
    });
  });

  it('a port that accepts and says nothing: the time for opening holds for everything', async () => {
    const broker = await scripted();
    const clock = new ManualClock();
    const opening = failure(open(broker.port, clock));
    const peer = await broker.nextPeer();
    await peer.next();
    await clock.advance(4_999);
    expect(broker.open).toBe(1);
    await clock.advance(1);
    expect(await opening).toMatchObject({
      code: 'KLINK_TIMEOUT',
      retriable: true,
      message: expect.stringContaining('may be no Kafka broker'),
    });
    await peer.gone;
    expect(clock.pending).toBe(0);
  });

  it('an answer that drips does not put the end off', async () => {
    const broker = await scripted();
    const clock = new ManualClock();
    const opening = failure(open(broker.port, clock));
    const peer = await broker.nextPeer();
    const { apiVersion, correlationId } = await peer.next();
    const answer = frameOf(ApiVersions, apiVersion, correlationId, offering([]));
    for (let i = 0; i < 5; i++) {
      await new Promise((resolve) => peer.socket.write(answer.subarray(i, i + 1), resolve));
      await clock.advance(1_000);
    }
    expect(await opening).toMatchObject({ code: 'KLINK_TIMEOUT' });
  });
});

describe('a signal', () => {
  it('that is aborted already opens nothing', async () => {
    const broker = await scripted();
    const clock = new ManualClock();
    expect(await failure(open(broker.port, clock, AbortSignal.abort()))).toMatchObject({ code: 'KLINK_ABORTED' });
    expect([broker.accepted, clock.pending]).toEqual([0, 0]);
  });

  it('ends the opening of the socket', async () => {
    const broker = await scripted();
    const clock = new ManualClock();
    const controller = new AbortController();
    const opening = failure(open(broker.port, clock, controller.signal));
    // The same turn of the event loop: the socket cannot be open yet.
    const reason = new LinkError('KLINK_CLOSED', 'closing');
    controller.abort(reason);
    expect(await opening).toBe(reason);
    expect(clock.pending).toBe(0);
  });

  it('ends the agreement on versions, and the socket with it', async () => {
    const broker = await scripted();
    const clock = new ManualClock();
    const controller = new AbortController();
    const opening = failure(open(broker.port, clock, controller.signal));
    const peer = await broker.nextPeer();
    await peer.next();
    controller.abort();
    expect(await opening).toMatchObject({ code: 'KLINK_ABORTED' });
    await peer.gone;
    expect(clock.pending).toBe(0);
  });

  it('has no power over a connection that is open', async () => {
    const broker = await scripted();
    const controller = new AbortController();
    const opening = open(broker.port, new ManualClock(), controller.signal);
    const peer = await broker.nextPeer();
    (await peer.next()).answer(ApiVersions, offering([{ api: Heartbeat }]));
    const connection = await opening;
    controller.abort();
    const call = connection.send(Heartbeat, { groupId: 'g', generationId: 1, memberId: 'm' });
    (await peer.next()).answer(Heartbeat, { errorCode: 0, throttleTimeMs: 0 });
    await call;
    await connection.close();
  });
});

describe('addresses', () => {
  it('are written with brackets where they need them, and with what the name stands for', () => {
    expect(endpointText({ host: 'kafka', port: 9092 })).toBe('kafka:9092');
    expect(endpointText({ host: '::1', port: 9092 })).toBe('[::1]:9092');
    expect(endpointText({ host: 'kafka', port: 9092, address: '10.0.0.7' })).toBe('kafka:9092 (10.0.0.7)');
    expect(endpointText({ host: '10.0.0.7', port: 9092, address: '10.0.0.7' })).toBe('10.0.0.7:9092');
  });

  it('of IPv6 go to the system as they are', async () => {
    const { port } = await scripted();
    const error = await failure(Connection.open(connectionOptions(port, new ManualClock(), { endpoint: { host: '::1', port } })));
    // Refused where there is IPv6, unreachable where there is none; nobody listens there in either case.
    expect(error.message).toMatch(new RegExp(`^Cannot connect to \\[::1\\]:${port}: connect E[A-Z]+ ::1:${port}`));
  });
});
