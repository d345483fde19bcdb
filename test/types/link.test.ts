/** The types of `kafka-link`: what a program may write, what it must not, and what narrows to what. */
import type { EventEmitter } from 'node:events';
import {
  type BrokerError,
  type CloseEvent,
  type ClusterLink,
  createLink,
  LinkError,
  type LinkErrorCode,
  type LinkEvent,
  type LinkEvents,
  type LinkOptions,
  type LinkSettings,
  type MirrorFailure,
  type MirrorPartitionStatus,
  type MirrorTopicError,
  type MirrorTopicState,
  type MirrorTopicStatus,
  type PartitionEvent,
  type ProgressEvent,
  type SETTINGS,
  type StoredTransitionError,
  type TaskErrorCode,
  type TaskName,
  type WarningEvent,
} from 'kafka-link';
import { describe, expectTypeOf, it } from 'vitest';

const minimal = { name: 'west', source: { bootstrap: ['a:1'] }, destination: { bootstrap: ['b:1'] }, topics: ['t'] };

describe('createLink', () => {
  it('takes options and a signal with a time limit, and resolves with a link', () => {
    expectTypeOf(createLink).parameter(0).toEqualTypeOf<LinkOptions>();
    expectTypeOf(createLink).parameter(1).toEqualTypeOf<{ readonly signal?: AbortSignal; readonly timeoutMs?: number } | undefined>();
    expectTypeOf(createLink).returns.resolves.toEqualTypeOf<ClusterLink>();
  });

  it('needs a name and two clusters; everything else may be left out', () => {
    expectTypeOf(minimal).toExtend<LinkOptions>();
    expectTypeOf<Omit<typeof minimal, 'name'>>().not.toExtend<LinkOptions>();
    expectTypeOf<Omit<typeof minimal, 'source'>>().not.toExtend<LinkOptions>();
    expectTypeOf<Omit<typeof minimal, 'destination'>>().not.toExtend<LinkOptions>();
    expectTypeOf<Omit<typeof minimal, 'topics'>>().toExtend<LinkOptions>();
    type Needed = { [K in keyof LinkOptions]-?: undefined extends LinkOptions[K] ? never : K }[keyof LinkOptions];
    expectTypeOf<Needed>().toEqualTypeOf<'name' | 'source' | 'destination'>();
  });

  it('takes readonly data, and knows the words it can mean', () => {
    expectTypeOf<readonly ['a:1']>().toExtend<LinkOptions['source']['bootstrap']>();
    expectTypeOf<NonNullable<LinkOptions['settings']>['acks']>().toEqualTypeOf<'all' | 'leader' | undefined>();
    expectTypeOf<keyof LinkSettings>().toEqualTypeOf<keyof typeof SETTINGS>();
    expectTypeOf<LinkSettings['bufferBytes']>().toEqualTypeOf<number>();
    // @ts-expect-error a setting that does not exist
    ({ ...minimal, settings: { requestTimeout: 1 } }) satisfies LinkOptions;
    // @ts-expect-error acks are words, not Kafka's numbers
    ({ ...minimal, settings: { acks: 1 } }) satisfies LinkOptions;
    // @ts-expect-error topics are names
    ({ ...minimal, topics: [/orders/] }) satisfies LinkOptions;
  });
});

describe('a link', () => {
  it('is an emitter of typed events and can be disposed of', () => {
    expectTypeOf<ClusterLink>().toExtend<AsyncDisposable>();
    expectTypeOf<ClusterLink>().toExtend<EventEmitter<LinkEvents>>();
    expectTypeOf<ClusterLink['closed']>().toEqualTypeOf<Promise<LinkError | null>>();
    expectTypeOf<ClusterLink['caughtUp']>().returns.resolves.toEqualTypeOf<void>();
    expectTypeOf<ClusterLink['events']>().returns.toExtend<AsyncIterable<LinkEvent>>();
  });

  it('shows its mirrors; offsets and lag are bigint', () => {
    expectTypeOf<ClusterLink['mirrors']>().returns.toEqualTypeOf<readonly MirrorTopicStatus[]>();
    expectTypeOf<'ACTIVE' | 'PAUSED' | 'STOPPED'>().toExtend<MirrorTopicStatus['state']>();
    expectTypeOf<MirrorTopicState>().toEqualTypeOf<MirrorTopicStatus['state']>();
    expectTypeOf<MirrorTopicStatus['transitionErrors']>().toEqualTypeOf<readonly StoredTransitionError[]>();
    expectTypeOf<StoredTransitionError['code']>().toEqualTypeOf<TaskErrorCode>();
    expectTypeOf<MirrorTopicStatus['mirrorTopicError']>().toEqualTypeOf<MirrorTopicError | null>();
    expectTypeOf<MirrorPartitionStatus['nextOffset' | 'sourceEnd' | 'sourceStart' | 'lag' | 'bytes']>().toEqualTypeOf<bigint>();
    expectTypeOf<MirrorPartitionStatus['error']>().toEqualTypeOf<LinkError | null>();
  });
});

describe('events', () => {
  it('are told apart by their type', () => {
    expectTypeOf<LinkEvent['type']>().toEqualTypeOf<'mirror' | 'partition' | 'progress' | 'warning' | 'task' | 'config' | 'close'>();
    expectTypeOf<keyof LinkEvents>().toEqualTypeOf<LinkEvent['type']>();
    expectTypeOf<Extract<LinkEvent, { type: 'partition' }>>().toEqualTypeOf<PartitionEvent>();
    expectTypeOf<Extract<LinkEvent, { type: 'close' }>>().toEqualTypeOf<CloseEvent>();
    expectTypeOf<LinkEvents['progress']>().toEqualTypeOf<[event: ProgressEvent]>();
  });

  it('narrow in a switch that a compiler can prove complete', () => {
    const lines = (event: LinkEvent): string => {
      switch (event.type) {
        case 'mirror':
          expectTypeOf(event.to).toEqualTypeOf<MirrorTopicState>();
          return event.topic;
        case 'partition':
          expectTypeOf(event.partition).toEqualTypeOf<number>();
          return event.topic;
        case 'progress':
          expectTypeOf(event.lag).toEqualTypeOf<bigint>();
          return event.topic;
        case 'warning':
          expectTypeOf(event).toEqualTypeOf<WarningEvent>();
          return event.error.message;
        case 'task':
          expectTypeOf(event.task).toEqualTypeOf<TaskName>();
          return event.task;
        case 'config':
          return event.changed.map(({ name }) => name).join();
        case 'close':
          return event.error?.message ?? '';
      }
    };
    expectTypeOf(lines).returns.toEqualTypeOf<string>();
  });

  it('reach listeners with the type of their name', () => {
    const listen = (link: ClusterLink): void => {
      link.on('warning', (event) => expectTypeOf(event).toEqualTypeOf<WarningEvent>());
      link.once('close', ({ error }) => expectTypeOf(error).toEqualTypeOf<LinkError | null>());
    };
    expectTypeOf(listen).toBeFunction();
  });
});

describe('errors', () => {
  it('have one base, a closed list of codes, and a guard that narrows', () => {
    expectTypeOf<MirrorFailure>().toExtend<LinkError>();
    expectTypeOf<BrokerError>().toExtend<LinkError>();
    expectTypeOf<LinkError['code']>().toEqualTypeOf<LinkErrorCode>();
    expectTypeOf<string>().not.toExtend<LinkErrorCode>();
    expectTypeOf<MirrorFailure['reason']>().toEqualTypeOf<MirrorTopicError>();
    const code = (error: unknown): LinkErrorCode | null => {
      if (!LinkError.is(error)) return null;
      expectTypeOf(error).toEqualTypeOf<LinkError>();
      return error.code;
    };
    expectTypeOf(code).parameter(0).toBeUnknown();
    // @ts-expect-error no such code
    LinkError.is(new Error(), 'KLINK_NO_SUCH_CODE');
  });
});
