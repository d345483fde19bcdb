/** Where new mirrors begin in the logs of an embedded cluster, and where old formats end in any log. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cluster } from '../../../../src/client/cluster.ts';
import { findFirstV2Offset } from '../../../../src/link/log-start/first-v2-offset.ts';
import { parseStartOffsetSpec, resolveStartOffset, type StartPosition } from '../../../../src/link/log-start/start-offset.ts';
import { ErrorCode } from '../../../../src/protocol/error-codes.ts';
import { Fetch } from '../../../../src/protocol/messages/fetch.ts';
import { ListOffsets } from '../../../../src/protocol/messages/list-offsets.ts';
import { startCluster, type TestCluster } from '../../../../src/testing/index.ts';
import { makeBatch, makeOldMessage } from '../../../property/link/simulation/batches.ts';
import { failure } from '../../client/open-connection.ts';
import { connectTo } from './open.ts';

const { signal } = new AbortController();
let kafka: TestCluster;
let cluster: Cluster;
let made = 0;

beforeAll(async () => {
  kafka = await startCluster();
  cluster = await connectTo(kafka.bootstrap, { role: 'source' });
});
afterAll(async () => {
  await cluster?.close();
  await kafka?.stop();
});

const newTopic = async (): Promise<string> => {
  const topic = `log-${++made}`;
  await kafka.createTopic(topic);
  await cluster.refreshMetadata([topic]);
  return topic;
};

const begin = (topic: string, spec: string): Promise<number> => {
  const position = parseStartOffsetSpec(spec);
  if ('problem' in position) throw new Error(position.problem);
  return resolveStartOffset(cluster, topic, 0, position satisfies StartPosition, signal);
};

describe('a new mirror', () => {
  it('begins at the start, at the end, or at a time', async () => {
    const topic = await newTopic();
    const log = kafka.log(topic);
    for (const day of [1, 2, 3]) {
      const timestamp = BigInt(Date.UTC(2026, 0, day));
      await log.append([
        { value: 'a', timestamp },
        { value: 'b', timestamp: timestamp + 1_000n },
      ]);
    }
    log.deleteRecords(1n);
    expect(await begin(topic, 'earliest')).toBe(1);
    expect(await begin(topic, 'earliest-v2')).toBe(1);
    expect(await begin(topic, 'latest')).toBe(6);
    expect(await begin(topic, '2020-01-01')).toBe(1);
    expect(await begin(topic, '2026-01-02')).toBe(2);
    // Inside a batch.
    expect(await begin(topic, '2026-01-02T00:00:01Z')).toBe(3);
    expect(await begin(topic, '2026-01-02T00:00:01.001Z')).toBe(4);
    expect(await begin(topic, '2026-02-01')).toBe(6);
  });

  it('never begins after a transaction that is open', async () => {
    const topic = await newTopic();
    const log = kafka.log(topic);
    await log.append([{ value: 'before' }]);
    await log.append([{ value: 'open' }], { transactional: true, producerId: 9n, producerEpoch: 0, baseSequence: 0 });
    expect(log.endOffset).toBe(2n);
    expect(await begin(topic, 'latest')).toBe(1);
    expect(await begin(topic, '2100-01-01')).toBe(1);
    expect(await begin(topic, 'earliest-v2')).toBe(0);
  });

  it('gets past old messages, or waits at the end for newer ones', async () => {
    const topic = await newTopic();
    const log = kafka.log(topic);
    for (let offset = 0; offset < 5; offset++) log.appendRaw(makeOldMessage(offset));
    expect(await begin(topic, 'earliest')).toBe(0);
    expect(await begin(topic, 'earliest-v2')).toBe(5);
    await log.append([{ value: 'new' }, { value: 'newer' }]);
    expect(await begin(topic, 'earliest-v2')).toBe(5);
    log.deleteRecords(6n);
    expect(await begin(topic, 'earliest-v2')).toBe(6);
    log.deleteRecords(7n);
    expect(await begin(topic, 'earliest-v2')).toBe(7);
  });

  it('is told why it cannot be known', async () => {
    const topic = await newTopic();
    kafka.fail({ api: ListOffsets, error: 'OFFSET_NOT_AVAILABLE', topic });
    expect(await failure(begin(topic, 'earliest'))).toMatchObject({ brokerCode: ErrorCode.OFFSET_NOT_AVAILABLE, retriable: true });
    expect(await failure(begin('nowhere', 'earliest'))).toMatchObject({ brokerName: 'LEADER_NOT_AVAILABLE', retriable: true });
    await kafka.log(topic).append([{ value: 'a' }]);
    kafka.fail({ api: Fetch, error: 'OFFSET_OUT_OF_RANGE', topic });
    expect(await failure(begin(topic, 'earliest-v2'))).toMatchObject({ code: 'KLINK_STATE', retriable: true });
    expect(await failure(findFirstV2Offset(cluster, topic, 0, { start: 0, end: 9 }, AbortSignal.abort()))).toMatchObject({
      code: 'KLINK_ABORTED',
    });
  });
});

describe('the first offset of the present format', () => {
  const piece = fc.record({ hole: fc.oneof(fc.constant(0), fc.nat(1_000_000)), offsets: fc.integer({ min: 1, max: 50 }) });
  const anyLog = fc.record({
    start: fc.oneof(fc.constant(0), fc.nat(1_000_000_000_000)),
    old: fc.array(piece, { maxLength: 8 }),
    fresh: fc.array(piece, { maxLength: 8 }),
  });

  it('is found in any log, by as many looks as its length has digits', async () => {
    let looks = 0;
    const stop = kafka.intercept(Fetch, (_request, proceed) => {
      looks++;
      return proceed();
    });
    await fc.assert(
      fc.asyncProperty(anyLog, async ({ start, old, fresh }) => {
        const topic = await newTopic();
        const log = kafka.log(topic);
        log.startAt(BigInt(start));
        let end = start;
        let expected: number | null = null;
        for (const { hole, offsets } of old) {
          // A compressed set is stored under the offset of its last message.
          end += hole + offsets;
          log.appendRaw(makeOldMessage(end - 1));
        }
        for (const { hole, offsets } of fresh) {
          expected ??= end + hole;
          log.appendRaw(makeBatch({ base: end + hole, offsets, leaderEpoch: 0 }, Math.random));
          end += hole + offsets;
        }
        looks = 0;
        expect(await findFirstV2Offset(cluster, topic, 0, { start, end }, signal)).toBe(expected);
        expect(looks).toBeLessThanOrEqual(Math.ceil(Math.log2(end - start + 1)) + 1);
        await kafka.deleteTopic(topic);
      }),
      { numRuns: 100 },
    );
    stop();
  });
});
