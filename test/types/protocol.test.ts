/** The types that the schema language infers: what must be given, what may be left out, and what a decoded message has. */
import {
  CreateTopics,
  encodeRequest,
  type Fetch,
  type FetchRequest,
  type FetchResponse,
  type ListOffsets,
  type MetadataRequest,
  type MetadataResponse,
  type Produce,
  type ProduceRequest,
  type RequestOf,
  type ResponseOf,
} from 'kafka-link/protocol';
import { describe, expectTypeOf, it } from 'vitest';

/** The fields that have to be given. */
type Required<T> = { [K in keyof T]-?: undefined extends T[K] ? never : K }[keyof T];

describe('a request', () => {
  it('needs what has neither default nor an older meaning, and nothing else', () => {
    expectTypeOf<Required<ProduceRequest>>().toEqualTypeOf<'acks' | 'timeoutMs' | 'topicData'>();
    expectTypeOf<Required<FetchRequest>>().toEqualTypeOf<'maxWaitMs' | 'minBytes' | 'topics'>();
    expectTypeOf<Required<RequestOf<typeof ListOffsets>>>().toEqualTypeOf<'replicaId' | 'topics'>();
    expectTypeOf<Required<FetchRequest['topics'][number]['partitions'][number]>>().toEqualTypeOf<
      'partition' | 'fetchOffset' | 'partitionMaxBytes'
    >();
  });

  it('has the types of the wire', () => {
    type Partition = FetchRequest['topics'][number]['partitions'][number];
    expectTypeOf<Partition['fetchOffset']>().toEqualTypeOf<bigint>();
    expectTypeOf<Partition['partition']>().toEqualTypeOf<number>();
    expectTypeOf<ProduceRequest['topicData'][number]['partitionData'][number]['records']>().toEqualTypeOf<Buffer | null>();
    expectTypeOf<ProduceRequest['transactionalId']>().toEqualTypeOf<string | null | undefined>();
    expectTypeOf<NonNullable<MetadataRequest['topics']>[number]>().toHaveProperty('name');
    expectTypeOf<null>().toExtend<MetadataRequest['topics']>();
  });

  it('is checked where it is sent', () => {
    const send = (): void => {
      encodeRequest(CreateTopics, 5, 1, 'test', { topics: [], timeoutMs: 1 });
      // What has a default in Kafka's definition may be left out.
      encodeRequest(CreateTopics, 5, 1, 'test', { topics: [] });
      // @ts-expect-error topics is missing
      encodeRequest(CreateTopics, 5, 1, 'test', { timeoutMs: 1 });
      // @ts-expect-error a field that CreateTopics does not have
      encodeRequest(CreateTopics, 5, 1, 'test', { topics: [], timeoutMs: 1, acks: 1 });
      // @ts-expect-error an int16 is a number
      encodeRequest(CreateTopics, 5, 1, 'test', { topics: [], timeoutMs: 1n });
    };
    expectTypeOf(send).toBeFunction();
  });
});

describe('a decoded answer', () => {
  it('has every field: what its version lacks has its default', () => {
    type Partition = FetchResponse['responses'][number]['partitions'][number];
    expectTypeOf<Required<Partition>>().toEqualTypeOf<keyof Partition>();
    expectTypeOf<Partition['lastStableOffset']>().toEqualTypeOf<bigint>();
    expectTypeOf<Partition['divergingEpoch']['endOffset']>().toEqualTypeOf<bigint>();
    expectTypeOf<Partition['records']>().toEqualTypeOf<Buffer | null>();
    expectTypeOf<FetchResponse['sessionId']>().toEqualTypeOf<number>();
    expectTypeOf<MetadataResponse['clusterId']>().toEqualTypeOf<string | null>();
  });

  it('belongs to its API', () => {
    expectTypeOf<ResponseOf<typeof Produce>>().not.toEqualTypeOf<ResponseOf<typeof Fetch>>();
    expectTypeOf<ResponseOf<typeof Fetch>>().toEqualTypeOf<FetchResponse>();
  });
});
