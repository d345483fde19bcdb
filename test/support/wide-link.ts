/** A link with many mirrors in a store, without the mirrors: what the store and whoever reads it have to bear. */

import { BrokerError } from '../../src/client/broker-error.ts';
import { systemClock } from '../../src/client/clock.ts';
import { configTexts, readConfigOptions } from '../../src/link/configs/config-set.ts';
import type { StoredMirror } from '../../src/link/store/link-store.ts';
import { TopicLinkStore } from '../../src/link/store/topic-store.ts';
import { DEFAULT_CONFIG_SYNC_INCLUDE } from '../../src/link/tasks/config-classes.ts';
import { ErrorCode } from '../../src/protocol/error-codes.ts';
import { InitProducerId } from '../../src/protocol/messages/init-producer-id.ts';
import type { Workbench } from '../scenarios/workbench.ts';

export interface WideLink {
  readonly name: string;
  readonly topics: number;
  /** Of each topic. */
  readonly partitions: number;
  /** How often each mirror is written down, the last time stopped. */
  readonly versions: number;
}

const AT_ONCE = 25;
const HISTORY = 20;
const BEGAN = Date.UTC(2026, 0, 1);

const perPartition = (partitions: number, value: (partition: number) => number): readonly number[] =>
  Array.from({ length: partitions }, (_, partition) => value(partition));

/** As large as a mirror in the store can be: every config of its source, a full history, numbers for each partition. */
const mirrorOf = ({ partitions }: WideLink, index: number, isOver: boolean): StoredMirror => {
  const topic = `some.domain.orders-${index}`;
  const by = index % 2 === 0 ? 'PROMOTE' : 'FAILOVER';
  return {
    topic,
    sourceTopic: topic,
    sourceTopicId: `source${String(index).padStart(16, '0')}`,
    topicId: `mirror${String(index).padStart(16, '0')}`,
    startOffsets: perPartition(partitions, (partition) => 1_000 * index + partition),
    hasCaughtUp: true,
    sourceConfigs: Object.fromEntries(
      DEFAULT_CONFIG_SYNC_INCLUDE.map((name) => [
        name,
        { value: '9223372036854775807', isSet: index % 3 === 0, inherited: '9223372036854775807' },
      ]),
    ),
    state: isOver ? 'STOPPED' : 'ACTIVE',
    ...(isOver && {
      stop: {
        by,
        at: BEGAN + index,
        sourceEnds: perPartition(partitions, (partition) => 2_000 * index + partition),
        offsets: perPartition(partitions, (partition) => 2_000 * index + partition),
        lags: perPartition(partitions, (partition) => (index + partition) % 5),
      },
    }),
    history: Array.from({ length: HISTORY }, (_, change) => ({
      from: change % 2 === 0 ? 'ACTIVE' : 'PAUSED',
      to: change % 2 === 0 ? 'PAUSED' : 'ACTIVE',
      at: BEGAN + 1_000 * change + index,
    })),
  };
};

/** Writes the link down, through the store that links have. Resolves with its mirrors as they must be read. */
export const writeWideLink = async ({ cluster }: Workbench, link: WideLink): Promise<readonly StoredMirror[]> => {
  const { signal } = new AbortController();
  const store = new TopicLinkStore(cluster, link.name, { clock: systemClock, timeoutMs: 60_000 });
  await store.identity(async () => {
    const { producerId, producerEpoch } = await cluster.retry(
      async () => {
        const answer = await cluster.send(InitProducerId, { transactionalId: null, transactionTimeoutMs: 1_000 }, 'any');
        // A broker that has just started has no ids to give yet.
        if (answer.errorCode !== ErrorCode.NONE) throw new BrokerError(answer.errorCode, 'get a producer id');
        return answer;
      },
      { timeoutMs: 60_000 },
    );
    return { producerId, producerEpoch, linkId: 'a-link-of-a-test-12345', sourceClusterId: 'a-source' };
  }, signal);
  const { configs } = readConfigOptions({ bootstrapServers: ['source-1:9092'], metadataMaxAgeMs: 1_234 });
  await store.saveLink({ configs: configTexts(configs) }, signal);
  for (let version = 1; version <= link.versions; version++) {
    for (let from = 0; from < link.topics; from += AT_ONCE) {
      const count = Math.min(AT_ONCE, link.topics - from);
      await Promise.all(
        Array.from({ length: count }, (_, index) => store.saveMirror(mirrorOf(link, from + index, version === link.versions), signal)),
      );
    }
  }
  return Array.from({ length: link.topics }, (_, index) => mirrorOf(link, index, true));
};
