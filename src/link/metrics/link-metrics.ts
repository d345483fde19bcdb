/** The sums over a link, at one moment. Pure. */
import type { LinkMetrics } from '../link-status.ts';
import type { MirrorTopic } from '../mirror-topic.ts';
import { MIRROR_TOPIC_STATE_NAMES, type MirrorTopicState } from '../states/mirror-topic-states.ts';

export const linkMetrics = (topics: Iterable<MirrorTopic>, bufferedBytes: number): LinkMetrics => {
  const mirrors = Object.fromEntries(MIRROR_TOPIC_STATE_NAMES.map((state) => [state, 0])) as Record<MirrorTopicState, number>;
  let [lag, bytes, batches, rebuiltBatches, filledOffsets] = [0, 0, 0, 0, 0];
  for (const { state, partitions } of topics) {
    mirrors[state]++;
    for (const partition of partitions) {
      lag += partition.lag;
      bytes += partition.bytes;
      batches += partition.batches;
      rebuiltBatches += partition.rebuiltBatches;
      filledOffsets += partition.filledOffsets;
    }
  }
  return {
    lag: BigInt(lag),
    bytes: BigInt(bytes),
    batches,
    rebuiltBatches,
    filledOffsets: BigInt(filledOffsets),
    bufferedBytes,
    mirrors,
  };
};
