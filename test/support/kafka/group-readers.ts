/** Members of consumer groups, as clients of three families are them: each reads on from where its group stands, commits what it has read, and leaves. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Kafka, logLevel } from 'kafkajs';
import { consoleTool } from './console-tools.ts';
import { KCAT, kcat } from './kcat.ts';

interface Reading {
  readonly bootstrap: readonly string[];
  readonly topic: string;
  readonly group: string;
  /** Records to read. */
  readonly count: number;
}

/** Resolves with the values of so many records, when they are committed and the member has left. */
type GroupReader = (reading: Reading) => Promise<readonly string[]>;

/** What a Java consumer reads at a time: it commits whole portions, also in the middle of its work. */
const PORTION = 5;

const java =
  (protocol: 'classic' | 'consumer'): GroupReader =>
  ({ bootstrap, topic, group, count }) =>
    consoleTool('console-consumer', [
      ...['--bootstrap-server', bootstrap.join(','), '--topic', topic, '--group', group, '--from-beginning'],
      ...['--command-property', `group.protocol=${protocol}`, '--command-property', `max.poll.records=${PORTION}`],
      ...['--timeout-ms', '60000', '--max-messages', String(count)],
    ]);

const kafkajs: GroupReader = async ({ bootstrap, topic, group, count }) => {
  const consumer = new Kafka({ brokers: [...bootstrap], logLevel: logLevel.NOTHING }).consumer({ groupId: group, maxWaitTimeInMs: 50 });
  const values: string[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
    const eachMessage = async ({ partition, message }: { partition: number; message: { offset: string; value: Buffer | null } }) => {
      // What comes after the last one is another's to read: it is not committed.
      if (values.length === count) return;
      values.push(String(message.value));
      await consumer.commitOffsets([{ topic, partition, offset: String(BigInt(message.offset) + 1n) }]);
      if (values.length === count) resolve();
    };
    consumer.run({ autoCommit: false, eachMessage }).catch(reject);
  });
  await consumer.disconnect();
  return values;
};

const librdkafka: GroupReader = async ({ bootstrap, topic, group, count }) => {
  const config = ['-X', 'auto.offset.reset=earliest', '-X', 'session.timeout.ms=10000'];
  const out = await kcat(['-G', group, '-b', bootstrap.join(','), ...config, '-q', '-f', '%s\\n', '-c', String(count), topic]);
  return out.split('\n').filter((line) => line !== '');
};

export const GROUP_READERS = { 'Java, classic': java('classic'), 'Java, KIP-848': java('consumer'), kafkajs, kcat: librdkafka } as const;

/** A member that has joined, and commits nothing. */
interface GroupMember {
  readonly leave: () => Promise<unknown>;
}

const joinKafkajs = async ({ bootstrap, topic, group }: Omit<Reading, 'count'>): Promise<GroupMember> => {
  const consumer = new Kafka({ brokers: [...bootstrap], logLevel: logLevel.NOTHING }).consumer({ groupId: group, maxWaitTimeInMs: 50 });
  const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
  await consumer.connect();
  await consumer.subscribe({ topic });
  await consumer.run({ autoCommit: false, eachMessage: async () => {} });
  await joined;
  return { leave: () => consumer.disconnect() };
};

const joinKcat = async ({ bootstrap, topic, group }: Omit<Reading, 'count'>): Promise<GroupMember> => {
  const child = spawn(KCAT, ['-G', group, '-b', bootstrap.join(','), '-X', 'enable.auto.commit=false', topic]);
  const end = (): void => void child.kill('SIGKILL');
  process.on('exit', end);
  const gone = once(child, 'close').then(() => process.off('exit', end));
  child.stdout.resume();
  const said: string[] = [];
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      said.push(line);
      if (line.includes('assigned:')) resolve();
    });
    void gone.then(() => reject(new Error(`kcat left before it had joined\n${said.join('\n')}`)));
  });
  return {
    leave: () => {
      child.kill('SIGTERM');
      return gone;
    },
  };
};

export const GROUP_MEMBERS = { kafkajs: joinKafkajs, kcat: joinKcat } as const;
