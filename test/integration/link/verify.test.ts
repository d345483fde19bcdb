/** Verification on embedded clusters: every mistake that a mirror can have is planted and found, and what disturbs the reading is lived through. */
import {
  createLink,
  type DifferenceKind,
  LinkError,
  renderVerifyReport,
  type VerifiedPartition,
  type VerifyOptions,
  type VerifyPosition,
  type VerifyReport,
  verifyMirror,
  verifyReportToJson,
} from 'kafka-link';
import { startCluster, type TestCluster, type TopicOptions } from 'kafka-link/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/client/clock.ts';
import { assembleBatch, buildBatch, buildEndTxnMarker, type NewRecord, patchBatch, RecordBatch } from '../../../src/codec/index.ts';
import { planVerification } from '../../../src/link/verify/options.ts';
import { verifyTopics } from '../../../src/link/verify/verify-topics.ts';
import { DeleteRecords, Fetch, ListOffsets } from '../../../src/protocol/index.ts';
import { sampleBatches } from '../../scenarios/sample-batches.ts';
import { Workbench } from '../../scenarios/workbench.ts';

const TOPIC = 'orders';
const TIME = 1_700_000_000_000n;

let source: TestCluster;
let destination: TestCluster;
beforeEach(async () => {
  [source, destination] = await Promise.all([startCluster({ brokers: 2 }), startCluster({ brokers: 2 })]);
});
afterEach(async () => {
  await Promise.all([source.stop(), destination.stop()]);
});

const createTopics = async (options: TopicOptions = { replicationFactor: 2 }): Promise<void> => {
  await Promise.all([source, destination].map((cluster) => cluster.createTopic(TOPIC, options)));
};

const verify = (more: Partial<VerifyOptions> = {}): Promise<VerifyReport> =>
  verifyMirror({ source: { bootstrap: source.bootstrap }, destination: { bootstrap: destination.bootstrap }, topics: [TOPIC], ...more });

const verifyOne = async (more: Partial<VerifyOptions> = {}): Promise<VerifiedPartition> => (await verify(more)).partitions[0]!;

const record = (name: string): NewRecord => ({
  key: `key of ${name}`,
  value: `value of ${name}`,
  headers: [{ key: 'name', value: Buffer.from(name) }],
  timestamp: TIME,
});

/** A batch of records with these names at this offset. */
const batchAt = (offset: number, names: readonly string[], records: readonly NewRecord[] = names.map(record)): Promise<Buffer> =>
  buildBatch(records, { baseOffset: BigInt(offset), partitionLeaderEpoch: 0, compression: 'gzip' });

const marker = (offset: number): Buffer =>
  buildEndTxnMarker(
    { result: 'commit', coordinatorEpoch: 0 },
    { baseOffset: BigInt(offset), partitionLeaderEpoch: 0, producerId: -2n, producerEpoch: 0, timestamp: TIME },
  );

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];
/** Three batches of two records each. */
const sourceBatches = async (): Promise<Buffer[]> => [
  await batchAt(0, ['a', 'b']),
  await batchAt(2, ['c', 'd']),
  await batchAt(4, ['e', 'f']),
];

/** Lays both logs down as they are. */
const plant = async (mirror: readonly Buffer[], original?: readonly Buffer[]): Promise<void> => {
  await createTopics();
  for (const bytes of original ?? (await sourceBatches())) source.log(TOPIC).appendRaw(bytes);
  for (const bytes of mirror) destination.log(TOPIC).appendRaw(bytes);
};

const kindsOf = ({ differences }: VerifiedPartition): [DifferenceKind, number, number][] =>
  differences.map(({ kind, offset, lastOffset }) => [kind, Number(offset), Number(lastOffset)]);

describe('a mirror that a link has made', () => {
  it('is identical, whatever its source is like, and the report says what was gone through', async () => {
    await source.createTopic(TOPIC, { partitions: 2, configs: { 'retention.ms': '-1' } });
    for (const bytes of await sampleBatches({ batches: 20 })) await source.log(TOPIC, 0).appendBatch(bytes);
    const log = source.log(TOPIC, 1);
    const sparse = ['a', 'b', 'c'].map((name, i) => ({ ...record(name), offsetDelta: 2 * i }));
    log.appendRaw(await buildBatch(sparse, { baseOffset: 3n, lastOffsetDelta: 6, compression: 'lz4' }));
    const transaction = { transactional: true, producerEpoch: 0, baseSequence: 0 } as const;
    log.appendRaw(await buildBatch([record('aborted')], { ...transaction, baseOffset: 10n, producerId: 7n }));
    log.appendRaw(await buildBatch([record('committed')], { ...transaction, baseOffset: 11n, producerId: 8n }));
    log.appendMarker({ result: 'abort', coordinatorEpoch: 0 }, { producerId: 7n, producerEpoch: 0 });
    log.appendMarker({ result: 'commit', coordinatorEpoch: 0 }, { producerId: 8n, producerEpoch: 0 });
    await log.append([record('last')]);

    const link = await createLink({
      name: 'verified',
      source: { bootstrap: source.bootstrap },
      destination: { bootstrap: destination.bootstrap },
      topics: [TOPIC],
    });
    await link.caughtUp({ timeoutMs: 30_000 });
    const report = await verify();
    await link.close();

    expect(report.identical).toBe(true);
    expect(report.partitions.map(({ verdict, differences, error }) => ({ verdict, differences, error }))).toEqual(
      [0, 1].map(() => ({ verdict: 'identical', differences: [], error: null })),
    );
    // Holes, the aborted record and both markers: 3 + 4 + 1 + 2 offsets; a, b, c, committed and last.
    expect(report.partitions[1]).toMatchObject({
      from: 0n,
      to: 15n,
      position: 15n,
      records: 5,
      batches: 3,
      filledOffsets: 10,
      rebuiltBatches: 1,
    });
    expect(renderVerifyReport(report).split('\n')[1]).toBe(
      'orders-1: identical from 0 to 15, 3 batches, 5 records, 10 filled offsets, 1 rebuilt batches, differences: none',
    );
    expect(report.positions).toEqual(report.partitions.map(({ partition, to }) => ({ topic: TOPIC, partition, offset: to })));
  });

  it('may have another name than its source', async () => {
    await source.createTopic('there');
    await destination.createTopic('here');
    for (const bytes of await sourceBatches()) for (const log of [source.log('there'), destination.log('here')]) log.appendRaw(bytes);
    const report = await verify({ topics: [{ sourceTopic: 'there', topic: 'here' }] });
    expect(report.identical).toBe(true);
    expect(renderVerifyReport(report)).toMatch(/^here-0 \(of there-0\): identical from 0 to 6, 3 batches, 6 records/);
  });
});

describe('finds', () => {
  it.each(['source', 'destination'] as const)('a flipped bit on the %s', async (side) => {
    const batches = await sourceBatches();
    const damaged = Buffer.from(batches[1]!);
    damaged[damaged.length - 3]! ^= 4;
    const other = [batches[0]!, damaged, batches[2]!];
    await plant(side === 'source' ? batches : other, side === 'source' ? other : batches);
    const found = await verifyOne();
    expect(kindsOf(found)).toEqual([[`corrupt-${side}`, 2, 3]]);
    expect(found.position).toBe(6n);
    expect(found.differences[0]!.detail).toContain('offsets 2 to 3');
    expect(found.differences[0]!.detail).toContain('CRC');
  });

  it('a damage that both sides have', async () => {
    const batches = await sourceBatches();
    batches[0]![70]! ^= 1;
    await plant(batches, batches);
    expect(kindsOf(await verifyOne())).toEqual([
      ['corrupt-source', 0, 1],
      ['corrupt-destination', 0, 1],
    ]);
  });

  it('a missing batch, in whose place there is nothing', async () => {
    const [first, , last] = await sourceBatches();
    await plant([first!, last!]);
    const found = await verifyOne();
    expect(kindsOf(found)).toEqual([['missing', 2, 3]]);
    expect(found.differences[0]).toMatchObject({ count: 2, destination: null });
    expect(found.differences[0]!.source).toContain(Buffer.from('key of c').toString('hex'));
  });

  it('a missing batch, whose place has been filled', async () => {
    const [first, , last] = await sourceBatches();
    await plant([first!, marker(2), marker(3), last!]);
    expect(kindsOf(await verifyOne())).toEqual([['missing', 2, 3]]);
  });

  it('a missing batch, in whose place there is the next one', async () => {
    await plant([await batchAt(0, ['a', 'b']), await batchAt(2, ['e', 'f'])]);
    const found = await verifyOne();
    expect(kindsOf(found)).toEqual([['missing', 2, 3]]);
    expect(found.differences[0]!.detail).toContain('that of offset 4');
  });

  it('a doubled batch, and that everything lies higher from there on', async () => {
    const original = [await batchAt(0, NAMES), await batchAt(6, ['g', 'h', 'i', 'j'])];
    await plant([await batchAt(0, NAMES), await batchAt(6, ['e', 'f']), await batchAt(8, ['g', 'h', 'i', 'j'])], original);
    const found = await verifyOne();
    expect(kindsOf(found)).toEqual([
      ['doubled', 6, 7],
      ['shifted', 8, 9],
      ['extra', 10, 11],
    ]);
    expect(found.differences[1]!.detail).toBe('records lie 2 offsets higher in the mirror');
  });

  it('a shifted offset', async () => {
    const original = [await batchAt(0, ['a', 'b']), marker(2), await batchAt(3, ['c']), marker(4)];
    await plant([await batchAt(0, ['a', 'b']), marker(2), marker(3), await batchAt(4, ['c'])], original);
    expect(kindsOf(await verifyOne())).toEqual([['shifted', 3, 4]]);
  });

  const changed: readonly [kind: DifferenceKind, change: Partial<NewRecord>, shown: readonly [string, string]][] = [
    ['timestamp', { timestamp: TIME + 1n }, [String(TIME), String(TIME + 1n)]],
    ['value', { value: 'value of X' }, ['…206f662064', '…206f662058']],
    ['value', { value: null }, ['76616c7565206f662064', 'null']],
    ['key', { key: 'key' }, ['6b6579206f662064', '6b6579']],
    ['headers', { headers: [] }, ['', '']],
  ];
  it.each(changed)('a changed %s: %o', async (kind, change, [before, after]) => {
    const [first, , last] = await sourceBatches();
    await plant([first!, await batchAt(2, [], [record('c'), { ...record('d'), ...change }]), last!]);
    const found = await verifyOne();
    expect(kindsOf(found)).toEqual([[kind, 3, 3]]);
    expect(found.differences[0]!.source).toContain(before);
    expect(found.differences[0]!.destination).toContain(after);
  });

  it('what differs before and behind a batch that is the same, apart', async () => {
    const [, middle] = await sourceBatches();
    const wrong = (name: string): NewRecord => ({ ...record(name), value: 'wrong' });
    await plant([await batchAt(0, [], ['a', 'b'].map(wrong)), middle!, await batchAt(4, [], ['e', 'f'].map(wrong))]);
    expect(kindsOf(await verifyOne())).toEqual([
      ['value', 0, 1],
      ['value', 4, 5],
    ]);
  });

  it('a header that counts fewer records than there are', async () => {
    const mirror = await sourceBatches();
    const { attributes, baseTimestamp, maxTimestamp, payload } = RecordBatch.at(mirror[1]!);
    mirror[1] = assembleBatch({ baseOffset: 2n, attributes, lastOffsetDelta: 1, baseTimestamp, maxTimestamp, recordsCount: 1 }, payload);
    await plant(mirror);
    expect(kindsOf(await verifyOne())).toEqual([['payload', 2, 3]]);
  });

  it('a timestamp that was changed by the header alone', async () => {
    const mirror = await sourceBatches();
    patchBatch(RecordBatch.at(mirror[1]!), { baseTimestamp: TIME + 1_000n });
    await plant(mirror);
    expect(kindsOf(await verifyOne())).toEqual([['timestamp', 2, 3]]);
  });

  it('an append time that a broker took for a create time', async () => {
    const appended = await buildBatch([record('a'), record('b')], { baseOffset: 0n, logAppendTime: TIME + 5n });
    const retimed = Buffer.from(appended);
    patchBatch(RecordBatch.at(retimed), { attributes: 0 });
    await plant([retimed], [appended]);
    expect(kindsOf(await verifyOne())).toEqual([['timestamp', 0, 1]]);
    const right = await buildBatch(
      ['a', 'b'].map((name) => ({ ...record(name), timestamp: TIME + 5n })),
      { baseOffset: 0n },
    );
    destination.log(TOPIC).truncate(0n);
    destination.log(TOPIC).appendRaw(right);
    expect((await verify()).identical).toBe(true);
  });

  it('records that the source hides: those of an aborted transaction', async () => {
    const aborted = await buildBatch([record('a')], { transactional: true, producerId: 5n, producerEpoch: 0, baseSequence: 0 });
    await plant([await batchAt(0, ['a']), marker(1)], [aborted]);
    source.log(TOPIC).appendMarker({ result: 'abort', coordinatorEpoch: 0 }, { producerId: 5n, producerEpoch: 0 });
    const found = await verifyOne();
    expect(kindsOf(found)).toEqual([['extra', 0, 0]]);
    expect(found.differences[0]!.source).toBeNull();
  });

  it('visible filler, unless it was allowed', async () => {
    const [first, , last] = await sourceBatches();
    const filler = await buildBatch([{ timestamp: TIME }, { timestamp: TIME }], { baseOffset: 2n });
    await plant([first!, filler, last!], [first!, marker(2), marker(3), last!]);
    expect(kindsOf(await verifyOne())).toEqual([['filler', 2, 3]]);
    const allowed = await verifyOne({ allowFillerRecords: true });
    expect(allowed).toMatchObject({ verdict: 'identical', fillerRecords: 2, differences: [] });
    expect(allowed.notes).toMatchObject([{ kind: 'filler', offset: 2n, lastOffset: 3n, count: 2 }]);
  });

  it('other compression, as a note: the records are the same', async () => {
    const zstd = await buildBatch(NAMES.map(record), { compression: 'zstd' });
    await plant([zstd]);
    const found = await verifyOne();
    expect(found).toMatchObject({ verdict: 'identical', rebuiltBatches: 3, batches: 3 });
    expect(found.notes).toMatchObject([{ kind: 'compression', source: 'gzip', destination: 'zstd', offset: 0n, lastOffset: 5n }]);
  });

  it('a batch that cannot be opened although its checksum is right', async () => {
    const [first, , last] = await sourceBatches();
    const header = { baseOffset: 2n, attributes: 1, lastOffsetDelta: 1, baseTimestamp: TIME, maxTimestamp: TIME, recordsCount: 2 };
    await plant([first!, assembleBatch(header, Buffer.from('no gzip')), last!]);
    const found = await verifyOne();
    expect(kindsOf(found)).toEqual([['payload', 2, 3]]);
    expect(found.differences[0]!.destination).toBe(Buffer.from('no gzip').toString('hex'));
  });

  it('log starts that are not the same, unless the mirror is the lower one and may be', async () => {
    await plant(await sourceBatches());
    source.log(TOPIC).deleteRecords(3n);
    const lower = await verifyOne();
    expect(kindsOf(lower)).toEqual([['log-start', 0, 2]]);
    expect(lower).toMatchObject({ from: 3n, records: 3 });
    expect((await verify({ allowLowerLogStart: true })).identical).toBe(true);
    destination.log(TOPIC).deleteRecords(5n);
    expect(kindsOf(await verifyOne({ allowLowerLogStart: true }))).toEqual([['log-start', 3, 4]]);
  });

  it('what the mirror has behind the end of its source, but not where it is told to end', async () => {
    await plant([...(await sourceBatches()), await batchAt(6, ['foreign'])]);
    expect(kindsOf(await verifyOne())).toEqual([['extra', 6, 6]]);
    expect((await verify({ to: [{ topic: TOPIC, partition: 0, offset: 6n }] })).identical).toBe(true);
  });

  it('partitions that one side alone has', async () => {
    await source.createTopic(TOPIC, { partitions: 2 });
    await destination.createTopic(TOPIC, { partitions: 3 });
    const { partitions } = await verify();
    expect(partitions.map(({ verdict }) => verdict)).toEqual(['identical', 'identical', 'different']);
    expect(kindsOf(partitions[2]!)).toEqual([['extra', 0, 0]]);
  });

  it('the first differences, and where it stopped', async () => {
    const names = Array.from({ length: 40 }, (_, i) => `r${i}`);
    const mistaken = names.map((name, i) => (i % 4 === 1 ? { ...record(name), value: 'wrong' } : record(name)));
    await plant([await batchAt(0, [], mistaken)], [await batchAt(0, names)]);
    const first = await verify({ maxDifferences: 3 });
    expect(kindsOf(first.partitions[0]!)).toEqual([
      ['value', 1, 1],
      ['value', 5, 5],
      ['value', 9, 9],
    ]);
    expect(first.positions).toEqual([{ topic: TOPIC, partition: 0, offset: 13n }]);
    expect(renderVerifyReport(first)).toContain('DIFFERENT from 0 to 13 (of 40)');
    const rest = await verifyOne({ from: first.positions, maxDifferences: 100 });
    expect(rest.differences.map(({ offset }) => offset)).toEqual([13n, 17n, 21n, 25n, 29n, 33n, 37n]);
  });
});

describe('what disturbs', () => {
  const many = async (): Promise<void> => {
    await createTopics();
    for (const bytes of await sampleBatches({ batches: 60 })) {
      await source.log(TOPIC).appendBatch(bytes);
      await destination.log(TOPIC).appendBatch(bytes);
    }
  };
  const SMALL = { fetchBytes: 2_000, retryBackoffMs: 5, retryBackoffMaxMs: 20 };

  it('leaders that move, connections that break, answers that are refused', async () => {
    await many();
    let fetches = 0;
    source.intercept(Fetch, (_request, proceed) => {
      fetches++;
      if (fetches % 5 === 0) source.moveLeader(TOPIC, 0, source.log(TOPIC).leader === 1 ? 2 : 1);
      if (fetches % 7 === 0) destination.cut(destination.log(TOPIC).leader);
      return proceed();
    });
    destination.fail({ api: Fetch, error: 'KAFKA_STORAGE_ERROR', times: 2 });
    destination.fail({ api: ListOffsets, error: 'OFFSET_NOT_AVAILABLE', topic: TOPIC, times: 2 });
    const { verdict, error } = await verifyOne(SMALL);
    expect({ verdict, error }).toEqual({ verdict: 'identical', error: null });
    expect(fetches).toBeGreaterThan(10);
  });

  it('a quota that keeps it waiting', async () => {
    await many();
    source.throttle(source.log(TOPIC).leader, 5);
    const stop = source.observe(({ direction, api }) => {
      if (direction === 'response' && api === Fetch) source.throttle(source.log(TOPIC).leader, 0);
      else if (api === ListOffsets) source.throttle(source.log(TOPIC).leader, 5);
    });
    expect((await verify(SMALL)).identical).toBe(true);
    stop();
  });

  it('a log start that passes while both sides are read: what is gone is left out and counted', async () => {
    await many();
    const to = source.log(TOPIC).endOffset / 2n;
    let fetches = 0;
    source.intercept(Fetch, (_request, proceed) => {
      if (++fetches === 3) for (const cluster of [source, destination]) cluster.log(TOPIC).deleteRecords(to);
      return proceed();
    });
    const found = await verifyOne(SMALL);
    expect(found).toMatchObject({ verdict: 'identical', error: null, differences: [] });
    expect(found.trimmedOffsets).toBeGreaterThan(0);
    expect(found.position).toBe(source.log(TOPIC).endOffset);
  });

  it('an abort: it ends at once, and goes on where it was', async () => {
    await many();
    const stopping = new AbortController();
    let reached: VerifyPosition | null = null;
    const attempt = verifyMirror(
      {
        source: { bootstrap: source.bootstrap },
        destination: { bootstrap: destination.bootstrap },
        topics: [TOPIC],
        fetchBytes: 2_000,
        progressIntervalMs: 10,
        onProgress: ({ topic, partition, position: offset }) => {
          reached = { topic, partition, offset };
          stopping.abort();
        },
      },
      { signal: stopping.signal },
    );
    source.delay({ api: Fetch, ms: 10, times: 1_000 });
    const error = await attempt.catch((reason: unknown) => reason);
    expect(LinkError.is(error, 'KLINK_ABORTED')).toBe(true);
    expect(reached!.offset).toBeLessThan(source.log(TOPIC).endOffset);
    const rest = await verify({ from: [reached!] });
    expect(rest.identical).toBe(true);
    expect(rest.partitions[0]!.from).toBe(reached!.offset);
    expect(rest.positions[0]!.offset).toBe(source.log(TOPIC).endOffset);
  });

  it('a log that cannot be read: the others are compared all the same', async () => {
    await createTopics({ partitions: 2, replicationFactor: 2 });
    source.fail({ api: Fetch, error: 'TOPIC_AUTHORIZATION_FAILED', topic: TOPIC, partition: 0, times: 100 });
    for (const cluster of [source, destination]) for (const partition of [0, 1]) await cluster.log(TOPIC, partition).append([record('a')]);
    const report = await verify({ requestTimeoutMs: 500 });
    expect(report.identical).toBe(false);
    expect(report.partitions.map(({ verdict, error }) => [verdict, error?.code ?? null])).toEqual([
      ['unfinished', 'KLINK_AUTH'],
      ['identical', null],
    ]);
    expect(renderVerifyReport(report)).toContain('KLINK_AUTH: Cannot read offset 0 of orders-0');
  });

  it('a mirror that was made anew since: it does not go on in the middle of it', async () => {
    await many();
    const from = [{ topic: TOPIC, partition: 0, offset: 10_000n }];
    const { verdict, error } = await verifyOne({ from });
    expect(verdict).toBe('unfinished');
    expect(error?.code).toBe('KLINK_SOURCE_CHANGED');
  });
});

describe('before anything is compared', () => {
  it('every mistake in the options is told at once', async () => {
    const options = {
      source: { bootstrap: ['http://a:9092'] },
      destination: { bootstrap: [] },
      topics: [{ sourceTopic: 'a', topic: 'b' }, { sourceTopic: 'c', topic: 'b' }, 'no/name'],
      mode: 'latest-per-key',
      maxDifferences: 0,
      bytesPerSecond: Number.NaN,
      allowFillerRecords: 1,
      from: [{ topic: 'z', partition: -1, offset: 5 }],
      unknown: true,
    } as unknown as VerifyOptions;
    const error = (await verifyMirror(options).catch((reason: unknown) => reason)) as LinkError;
    expect(error.code).toBe('KLINK_CONFIG');
    for (const part of [
      'source.bootstrap',
      'destination.bootstrap',
      'a mirror twice',
      "'no/name'",
      'maxDifferences is 0',
      'bytesPerSecond is NaN',
      'allowFillerRecords is 1',
      'z--1, which is none of the topics',
      'partition -1',
      'offset 5',
      "mode 'latest-per-key'",
      "'unknown' is not an option",
    ]) {
      expect(error.message).toContain(part);
    }
  });

  it('a topic that one side does not have ends it, and nothing stays open', async () => {
    await source.createTopic(TOPIC);
    const error = (await verify().catch((reason: unknown) => reason)) as LinkError;
    expect(error.code).toBe('KLINK_BROKER');
    expect(error.message).toContain("Cannot verify 'orders' of the destination: UNKNOWN_TOPIC_OR_PARTITION");
    await expect
      .poll(() => source.connections(1) + source.connections(2) + destination.connections(1) + destination.connections(2))
      .toBe(0);
  });
});

describe('over clusters that are connected already', () => {
  it('compares what it is told, and leaves them connected', async () => {
    await plant(await sourceBatches());
    await using from = await Workbench.open(source.bootstrap, 'source');
    await using to = await Workbench.open(destination.bootstrap, 'destination');
    const clusters = { source: from.cluster, destination: to.cluster, clock: systemClock, signal: new AbortController().signal };
    const report = await verifyTopics(clusters, planVerification({ fetchBytes: 100 }, [{ topic: TOPIC, sourceTopic: TOPIC }]));
    expect(report.identical).toBe(true);
    expect(await from.range(TOPIC, 0)).toEqual(await to.range(TOPIC, 0));
    expect(() => planVerification({ maxKeys: 0 }, [])).toThrow('maxKeys is 0');
  });
});

describe('the report as JSON', () => {
  it('is plain, and says the same', async () => {
    await plant([await batchAt(0, ['a', 'X'])]);
    const report = await verify({ excerptBytes: 0 });
    const json = JSON.parse(JSON.stringify(verifyReportToJson(report)));
    expect(json).toMatchObject({
      identical: false,
      partitions: [
        {
          topic: TOPIC,
          verdict: 'different',
          from: 0,
          to: 2,
          source: { start: 0, end: 6 },
          destination: { start: 0, end: 2 },
          differences: [{ kind: 'key', offset: 1, lastOffset: 1, count: 1 }],
          error: null,
        },
      ],
      positions: [{ topic: TOPIC, partition: 0, offset: 2 }],
    });
    // No byte of a record, where none was wanted.
    expect(JSON.stringify(json)).not.toContain(Buffer.from('key').toString('hex'));
    expect(renderVerifyReport(report)).toContain('4 offsets not mirrored yet');
  });

  it('writes nothing, and asks for nothing but to read', async () => {
    await plant(await sourceBatches());
    const asked = new Set<string>();
    for (const cluster of [source, destination]) cluster.observe(({ direction, api }) => direction === 'request' && asked.add(api.name));
    await verify();
    expect([...asked].sort()).toEqual(['ApiVersions', 'Fetch', 'ListOffsets', 'Metadata']);
    expect(asked.has(DeleteRecords.name)).toBe(false);
  });
});
