/** What may happen to the logs, the brokers and the links of a simulation, by name, and what a mirror may say of it when it stops. */
import type { MirrorTopicError } from '../../../../src/link/mirror-failure.ts';

/** What the source's producers, its cleaner and its retention do: every mirror lives with it. */
export const EVENTS = ['append', 'appendTime', 'transactional', 'commit', 'abort', 'unknownControl', 'clean', 'trim'] as const;

/** Faults that a mirror must get over by itself. */
export const TRANSIENT = [
  'append',
  'cutSource',
  'cutDestination',
  'moveSourceLeader',
  'moveDestinationLeader',
  'notEnoughReplicas',
  'notEnoughReplicasAfterAppend',
  'requestTimedOut',
  'notLeader',
  'evictSessions',
  'fetchError',
  'stopSourceBroker',
  'stopDestinationBroker',
  'restartBrokers',
  'killProcess',
  'replicate',
  'forgetStart',
  'dropDeleted',
  'cleanMirror',
] as const;

/** What may end a mirror, with the reasons it may give. */
export const PERMANENT = {
  /** Markers of the link behind it look as if the source had lost what they stand for. */
  foreignWrite: ['DESTINATION_FOREIGN_WRITE', 'DESTINATION_DIVERGED', 'UNEXPECTED_TRUNCATION'],
  /** Where it has records now in place of a transaction's end, its mirror looks as if it had been filled too far. */
  loseSourceTail: ['UNEXPECTED_TRUNCATION', 'DESTINATION_FOREIGN_WRITE'],
  oldMessage: ['UNSUPPORTED_MESSAGE_FORMAT'],
  /** Some of these batches are sparse, too. */
  corrupt: ['CORRUPT_SOURCE_BATCH', 'RETRY_TIMEOUT', 'UNSUPPORTED_SPARSE_BATCH', 'FILL_NOT_AUTHORIZED'],
  /** Only where it goes past the mirror's end. */
  trimAhead: ['SOURCE_RECORDS_EXPIRED'],
  /** A request whose connection was cut is carried out long after. What it has displaced looks as if the source had had it elsewhere. */
  lateRequest: ['DESTINATION_FOREIGN_WRITE', 'DESTINATION_DIVERGED', 'UNEXPECTED_TRUNCATION'],
  /** Leaders forget the link's producer. */
  forgetProducers: ['DESTINATION_FOREIGN_WRITE', 'DESTINATION_DIVERGED'],
} as const satisfies Readonly<Record<string, readonly MirrorTopicError[]>>;

export type PermanentFault = keyof typeof PERMANENT;
export type Action = (typeof EVENTS)[number] | (typeof TRANSIENT)[number] | PermanentFault;
