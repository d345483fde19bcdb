/** Scenarios of mistakes: each is a clear error with a code and advice, in time, and neither cluster is changed. */

import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { expect } from 'vitest';
import { createLink, type LinkErrorCode, type LinkOptions } from '../../src/index.ts';
import { sampleBatches } from './sample-batches.ts';
import type { Scenario, Stage } from './stage.ts';

/** A link that cannot be made says so well before a person would give up. */
const SOON_MS = 15_000;

/** Expects the refusal, and that both clusters have the topics they had. */
const refuses = async (
  stage: Stage,
  options: LinkOptions,
  expected: { readonly code: LinkErrorCode; readonly says: RegExp },
  timeoutMs = 3_000,
): Promise<void> => {
  const topics = async (): Promise<object> => [await stage.source.bench.topics(), await stage.destination.bench.topics()];
  const before = await topics();
  const began = performance.now();
  const outcome = await createLink(options, { timeoutMs }).then(
    async (link) => {
      await link.close();
      return link;
    },
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(Error);
  expect(outcome).toMatchObject({ code: expected.code, message: expect.stringMatching(expected.says) });
  expect(performance.now() - began).toBeLessThan(SOON_MS);
  expect(await topics()).toEqual(before);
};

const listening = async <T extends Server>(server: T): Promise<{ address: string; close: () => Promise<void> }> => {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};

const sourceTopic = async (stage: Stage, what = 'topic'): Promise<string> => {
  const topic = stage.topic(what);
  await stage.source.bench.createTopic(topic);
  await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 1, batches: 2 }));
  return topic;
};

/** What a TLS server answers to bytes that are no handshake: a fatal alert, then the end. */
const TLS_ALERT = Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x16]);

const wrongAddresses: Scenario = {
  name: 'wrong addresses: nobody there, a name that does not resolve, an HTTP server, a TLS port, a server that says nothing',
  play: async (stage) => {
    const topic = await sourceTopic(stage);
    const vacant = await listening(createServer());
    await vacant.close();
    const http = await listening(createHttpServer((_, response) => void response.end('hello')));
    const tls = await listening(createServer((socket) => void socket.once('data', () => void socket.end(TLS_ALERT))));
    const mute = await listening(createServer());
    const cases: readonly { readonly address: string; readonly code: LinkErrorCode; readonly says: RegExp }[] = [
      { address: vacant.address, code: 'KLINK_CONNECT', says: new RegExp(`cannot be reached at ${vacant.address}.*ECONNREFUSED`, 's') },
      { address: 'no-such-host.invalid:9092', code: 'KLINK_CONNECT', says: /no-such-host\.invalid.*cannot be resolved.*DNS/s },
      { address: http.address, code: 'KLINK_MALFORMED', says: /HTTP/ },
      { address: tls.address, code: 'KLINK_MALFORMED', says: /TLS/ },
      { address: mute.address, code: 'KLINK_CONNECT', says: /has not answered/ },
    ];
    try {
      for (const { address, ...expected } of cases) {
        for (const side of ['source', 'destination'] as const) {
          const options = stage.options([topic], { [side]: { bootstrap: [address] }, settings: { connectTimeoutMs: 300 } });
          await refuses(stage, options, { ...expected, says: new RegExp(`${side} cluster.*${expected.says.source}`, 's') }, 700);
        }
      }
    } finally {
      await Promise.all([http.close(), tls.close(), mute.close()]);
    }
  },
};

const linkErrors: Scenario = {
  name: 'what is wrong with a source that cannot be reached is told in the words of the product',
  play: async (stage) => {
    const topic = await sourceTopic(stage);
    const first = await stage.link([topic]);
    await stage.expectMirrored(first, topic);
    await first.close();
    const mute = await listening(createServer());
    const vacant = await listening(createServer());
    await vacant.close();
    try {
      for (const [address, linkError] of [
        ['no-such-host.invalid:9092', 'UNRESOLVABLE_BOOTSTRAP_ERROR'],
        [vacant.address, 'BOOTSTRAP_TCP_CONNECTION_FAILED_ERROR'],
        [mute.address, 'TIMEOUT_ERROR'],
      ] as const) {
        const options = stage.options([], {
          source: { bootstrap: [address] },
          settings: { connectTimeoutMs: 300, requestTimeoutMs: 1_000 },
        });
        const link = await createLink(options, { timeoutMs: 1_000 });
        try {
          expect(link.status()).toMatchObject({ state: 'UNAVAILABLE', linkError });
          expect(link.mirror(topic).state).toBe('SOURCE_UNAVAILABLE');
        } finally {
          await link.close();
        }
      }
    } finally {
      await mute.close();
    }
    await stage.expectMirrored(await stage.link([]), topic);
  },
};

const oneGoodAddress: Scenario = {
  name: 'one good address among bad ones is enough',
  play: async (stage) => {
    const topic = await sourceTopic(stage);
    const vacant = await listening(createServer());
    await vacant.close();
    const among = (bootstrap: readonly string[]) => ({ bootstrap: [vacant.address, ...bootstrap, 'no-such-host.invalid:9092'] });
    const link = await stage.link([topic], {
      source: among(stage.source.bootstrap),
      destination: among(stage.destination.bootstrap),
    });
    await stage.expectMirrored(link, topic);
  },
};

const unknownTopic: Scenario = {
  name: 'a topic that the source does not have',
  play: async (stage) => {
    const topic = await sourceTopic(stage);
    const missing = stage.topic('missing');
    await Promise.all([
      refuses(stage, stage.options([topic, missing]), {
        code: 'KLINK_BROKER',
        says: new RegExp(`${missing}.*UNKNOWN_TOPIC_OR_PARTITION.*Check the name`, 's'),
      }),
      refuses(stage, stage.options([missing, `${missing}-2`]), { code: 'KLINK_CONFIG', says: /2 topics.*nothing was changed/s }),
    ]);
  },
};

const noRights: Scenario = {
  name: 'rights that are missing: reading the source, writing the mirror, creating it',
  play: async (stage) => {
    const unreadable = await sourceTopic(stage, 'unreadable');
    await stage.source.bench.rights.reserveTopic(unreadable);
    await refuses(stage, stage.options([unreadable]), { code: 'KLINK_AUTH', says: new RegExp(`${unreadable}.*DESCRIBE and READ`, 's') });
    await stage.source.bench.rights.releaseTopic(unreadable);

    const unwritable = await sourceTopic(stage, 'unwritable');
    await stage.destination.bench.createTopic(unwritable);
    await stage.destination.bench.rights.reserveTopic(unwritable);
    await refuses(stage, stage.options([unwritable]), { code: 'KLINK_AUTH', says: new RegExp(`${unwritable}.*WRITE`, 's') });
    await stage.destination.bench.rights.releaseTopic(unwritable);

    const uncreatable = await sourceTopic(stage, 'uncreatable');
    await stage.destination.bench.rights.denyCreation(uncreatable);
    await refuses(stage, stage.options([uncreatable]), { code: 'KLINK_AUTH', says: new RegExp(`${uncreatable}.*CREATE`, 's') });
    await stage.destination.bench.rights.permitCreation(uncreatable);

    // As soon as the rights are there, nothing stands in the way.
    const link = await stage.link([unreadable, unwritable, uncreatable]);
    await stage.expectMirrored(link, unreadable);
    for (const topic of [unwritable, uncreatable]) await stage.expectEqualLogs(topic);
  },
};

const tooManyReplicas: Scenario = {
  name: 'more replicas than the destination has brokers',
  play: async (stage) => {
    const topic = await sourceTopic(stage);
    const replicationFactor = stage.destination.brokerIds.length + 1;
    await refuses(stage, stage.options([topic], { replicationFactor }), {
      code: 'KLINK_BROKER',
      says: /INVALID_REPLICATION_FACTOR.*Choose a replicationFactor/s,
    });
  },
};

const sameCluster: Scenario = {
  name: 'source and destination are the same cluster',
  play: async (stage) => {
    const topic = await sourceTopic(stage);
    await refuses(stage, stage.options([topic], { destination: { bootstrap: stage.source.bootstrap } }), {
      code: 'KLINK_CONFIG',
      says: /same cluster/,
    });
  },
};

const badOptions: Scenario = {
  name: 'options that make no sense, all named at once',
  play: async (stage) => {
    const options = stage.options(['bad topic', 'twice', 'twice'], {
      name: 'bad/name',
      source: { bootstrap: ['kafka://host:9092'] },
      destination: { bootstrap: [] },
      replicationFactor: 0,
      topicConfigs: { 'cleanup.policy': 'compact' },
      settings: { bufferBytes: 1, metadataMaxAgeMs: 1.5 },
    });
    const says =
      /bad\/name.*source\.bootstrap has 'kafka:\/\/host:9092'.*destination\.bootstrap.*bad topic.*twice.*replicationFactor.*cleanup\.policy.*bufferBytes.*metadataMaxAgeMs|metadataMaxAgeMs.*bufferBytes/s;
    await refuses(stage, options, { code: 'KLINK_CONFIG', says });
  },
};

export const badInputScenarios: readonly Scenario[] = [
  wrongAddresses,
  linkErrors,
  oneGoodAddress,
  unknownTopic,
  noRights,
  tooManyReplicas,
  sameCluster,
  badOptions,
];
