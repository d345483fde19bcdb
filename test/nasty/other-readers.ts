/** Clients that share no code with Kafka's own, nor with this package: kcat (librdkafka) and kafkajs, for a second opinion on what a log shows. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import kafkajs, { CompressionTypes, Kafka, logLevel } from 'kafkajs';
import { type Compression, compress, decompress } from '../../src/codec/index.ts';
import type { PartitionName } from './nasty-java.ts';

/** What every client can tell of a record; fields as base64. */
export interface ReadRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
}

const run = promisify(execFile);
const FETCH_WAIT_MS = 50;
const PATIENCE_MS = 120_000;

/** Only text could be printed as JSON: lengths first, then the bytes as they are. */
const KCAT_FORMAT = '%o %T %K %S\n%k%s';
const KCAT_LINE = /^(\d+) (-?\d+) (-?\d+) (-?\d+)$/;

const readOneWithKcat = async (bootstrap: readonly string[], { topic, partition }: PartitionName): Promise<readonly ReadRecord[]> => {
  const what = ['-C', '-q', '-e', '-o', 'beginning', '-t', topic, '-p', String(partition), '-b', bootstrap.join(',')];
  const settings = ['-X', 'isolation.level=read_committed', '-X', `fetch.wait.max.ms=${FETCH_WAIT_MS}`];
  const { stdout } = await run('kcat', [...what, ...settings, '-f', KCAT_FORMAT], {
    encoding: 'buffer',
    maxBuffer: 256 << 20,
    timeout: PATIENCE_MS,
  });
  const records: ReadRecord[] = [];
  for (let at = 0; at < stdout.length; ) {
    const lineEnd = stdout.indexOf('\n', at);
    const line = stdout.toString('latin1', at, lineEnd);
    const [, offset, timestamp, keyLength, valueLength] = (KCAT_LINE.exec(line) ?? []).map(Number);
    if (valueLength === undefined) throw new Error(`kcat printed ${JSON.stringify(line)} where a record begins`);
    at = lineEnd + 1;
    const field = (length: number): string | null => {
      if (length < 0) return null;
      at += length;
      return stdout.toString('base64', at - length, at);
    };
    records.push({ offset: offset!, timestamp: timestamp!, key: field(keyLength!), value: field(valueLength) });
  }
  return records;
};

/** Each partition from start to end, in their order; one process at a time. */
export const readWithKcat = async (
  bootstrap: readonly string[],
  partitions: readonly PartitionName[],
): Promise<readonly (readonly ReadRecord[])[]> => {
  const read: (readonly ReadRecord[])[] = [];
  for (const one of partitions) read.push(await readOneWithKcat(bootstrap, one));
  return read;
};

/** kafkajs brings gzip alone. */
const CODECS: readonly (readonly [CompressionTypes.Snappy | CompressionTypes.LZ4 | CompressionTypes.ZSTD, Compression])[] = [
  [CompressionTypes.Snappy, 'snappy'],
  [CompressionTypes.LZ4, 'lz4'],
  [CompressionTypes.ZSTD, 'zstd'],
];
for (const [type, name] of CODECS) {
  kafkajs.CompressionCodecs[type] = () => ({
    compress: ({ buffer }: { buffer: Buffer }) => compress(name, buffer),
    decompress: (bytes: Buffer) => decompress(name, bytes),
  });
}

/**
 * Each partition, in their order, as far as kafkajs reads: it never says that it reached an end, so it is stopped when it has seen every
 * offset of `last` (−1: nothing to see) and has asked twice more in vain.
 */
export const readWithKafkaJs = async (
  bootstrap: readonly string[],
  partitions: readonly (PartitionName & { readonly last: number })[],
): Promise<readonly (readonly ReadRecord[])[]> => {
  const kafka = new Kafka({ clientId: 'nasty', brokers: [...bootstrap], logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({
    groupId: `nasty-${partitions[0]?.topic}`,
    maxWaitTimeInMs: FETCH_WAIT_MS,
    maxBytesPerPartition: 4 << 20,
  });
  const read = new Map(partitions.map(({ topic, partition }) => [`${topic}-${partition}`, [] as ReadRecord[]]));
  const of = ({ topic, partition }: PartitionName): ReadRecord[] => read.get(`${topic}-${partition}`) ?? [];
  const seenAll = (): boolean => partitions.every((one) => (of(one).at(-1)?.offset ?? -1) >= one.last);
  await consumer.connect();
  try {
    await consumer.subscribe({ topics: [...new Set(partitions.map(({ topic }) => topic))], fromBeginning: true });
    const done = new Promise<void>((resolve, reject) => {
      let idle = 0;
      const timer = setTimeout(() => settle(() => reject(new Error('kafkajs did not read to the end'))), PATIENCE_MS);
      const settle = (settled: () => void): void => {
        clearTimeout(timer);
        settled();
      };
      consumer.on(consumer.events.FETCH, () => {
        idle = seenAll() ? idle + 1 : 0;
        if (idle > 2) settle(resolve);
      });
      // It goes on by itself after most, as when a coordinator has only just begun.
      consumer.on(consumer.events.CRASH, ({ payload }) => {
        if (!payload.restart) settle(() => reject(payload.error));
      });
    });
    await consumer.run({
      eachBatch: async ({ batch: { topic, partition, messages } }) => {
        for (const { offset, timestamp, key, value } of messages) {
          of({ topic, partition }).push({
            offset: Number(offset),
            timestamp: Number(timestamp),
            key: key?.toString('base64') ?? null,
            value: value?.toString('base64') ?? null,
          });
        }
      },
    });
    await done;
  } finally {
    await consumer.disconnect();
  }
  return partitions.map(of);
};
