/** The topic settings that a log obeys, resolved to typed values. */
import type { Compression } from '../../codec/record-batch.ts';

/** One topic's settings as its partitions use them; made from the config table by `config/topic-configs.ts`. */
export interface LogConfig {
  /** `max.message.bytes`: limit of one batch as sent, header included. */
  readonly maxMessageBytes: number;
  /** `compression.type`; `producer` keeps what was sent. */
  readonly compression: Compression | 'producer';
  readonly timestampType: 'CreateTime' | 'LogAppendTime';
  /** `message.timestamp.before.max.ms` and `….after.max.ms`. */
  readonly timestampBeforeMaxMs: bigint;
  readonly timestampAfterMaxMs: bigint;
  /** `cleanup.policy` names `compact`. */
  readonly compacted: boolean;
  /** `cleanup.policy` names `delete`. */
  readonly deleted: boolean;
  readonly minInsyncReplicas: number;
  readonly segmentBytes: number;
  /** `segment.ms`; on compacted topics `max.compaction.lag.ms`, if that is less. */
  readonly segmentMs: bigint;
  readonly indexIntervalBytes: number;
  readonly retentionMs: bigint;
  readonly retentionBytes: bigint;
  /** How long the log cleaner keeps tombstones and markers once they could go. */
  readonly deleteRetentionMs: bigint;
  /** `min.compaction.lag.ms`: segments with newer records are not cleaned. */
  readonly minCompactionLagMs: bigint;
}
