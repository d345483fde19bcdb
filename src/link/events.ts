/** What a link tells while it runs: typed events, and diagnostics channels of the same shapes. */
import diagnostics from 'node:diagnostics_channel';
import type { LinkError } from '../errors.ts';
import type { ChangedConfig } from './configs/config-set.ts';
import type { PartitionState } from './mirror-status.ts';
import type { MirrorTopicState } from './states/mirror-topic-states.ts';
import type { TaskError, TaskName, TaskState } from './tasks/task.ts';

/** A mirror topic changed its state. */
export interface MirrorEvent {
  readonly type: 'mirror';
  readonly topic: string;
  readonly from: MirrorTopicState;
  readonly to: MirrorTopicState;
  /** Why, when it is `FAILED`. */
  readonly error: LinkError | null;
}

/** A partition changed its state. */
export interface PartitionEvent {
  readonly type: 'partition';
  readonly topic: string;
  readonly partition: number;
  readonly from: PartitionState;
  readonly to: PartitionState;
  readonly error: LinkError | null;
}

/** A partition has moved since its last progress event; at most one per partition and `progressIntervalMs`. */
export interface ProgressEvent {
  readonly type: 'progress';
  readonly topic: string;
  readonly partition: number;
  readonly nextOffset: bigint;
  readonly sourceEnd: bigint;
  readonly lag: bigint;
  /** Since the link was started. */
  readonly bytes: bigint;
}

/** Something went wrong that the link will try again by itself. */
export interface WarningEvent {
  readonly type: 'warning';
  readonly topic: string | null;
  readonly partition: number | null;
  readonly error: LinkError;
}

/** A task changed its state. */
export interface TaskEvent {
  readonly type: 'task';
  readonly task: TaskName;
  readonly from: TaskState;
  readonly to: TaskState;
  /** Of its last run. */
  readonly errors: readonly TaskError[];
}

/** Configs of the link were changed while it runs. */
export interface ConfigEvent {
  readonly type: 'config';
  readonly changed: readonly ChangedConfig[];
}

/** The last event: the link has closed, with an error or, when it was asked to, without. */
export interface CloseEvent {
  readonly type: 'close';
  readonly error: LinkError | null;
}

export type LinkEvent = MirrorEvent | PartitionEvent | ProgressEvent | WarningEvent | TaskEvent | ConfigEvent | CloseEvent;
/** Events by type, for `link.on(type, listener)`. */
export type LinkEvents = { [E in LinkEvent as E['type']]: [event: E] };

/** `kafka-link:link:<type>` carries every event of every link of the process, as `{ link: name, ...event }`. */
export const linkChannels: Readonly<Record<LinkEvent['type'], diagnostics.Channel>> = {
  mirror: diagnostics.channel('kafka-link:link:mirror'),
  partition: diagnostics.channel('kafka-link:link:partition'),
  progress: diagnostics.channel('kafka-link:link:progress'),
  warning: diagnostics.channel('kafka-link:link:warning'),
  task: diagnostics.channel('kafka-link:link:task'),
  config: diagnostics.channel('kafka-link:link:config'),
  close: diagnostics.channel('kafka-link:link:close'),
};
