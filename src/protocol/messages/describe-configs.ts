/**
 * DescribeConfigs (key 32): configs of topics, brokers and groups, with where each value comes from.
 *
 * v1 sources and synonyms (KIP-226) · v2 the broker throttles after answering (KIP-219) · v3 types and documentation (KIP-569) ·
 * v4 flexible.
 *
 * Resource types: 2 topic, 4 broker (the name is its id; empty for the cluster-wide default), 8 broker logger, 16 client metrics, 32
 * group. A broker's own configs must be asked of that broker.
 */
import { api, array, bool, int8, int16, int32, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const DescribeConfigs = api(
  32,
  'DescribeConfigs',
  { versions: '1-4', flexible: '4+' },
  {
    request: {
      resources: array({
        resourceType: int8(),
        resourceName: string(),
        /** Null: all. */
        configurationKeys: array(string()).nullable(),
      }),
      includeSynonyms: bool('1+'),
      includeDocumentation: bool('3+'),
    },
    response: {
      throttleTimeMs: int32(),
      results: array({
        errorCode: int16(),
        errorMessage: string().nullable(),
        resourceType: int8(),
        resourceName: string(),
        configs: array({
          name: string(),
          /** Null when it is sensitive, or has no value. */
          value: string().nullable(),
          readOnly: bool(),
          /**
           * 1 topic, 2 broker, 3 cluster-wide broker default, 4 broker file, 5 default, 6 broker logger, 7 client
           * metrics, 8 group.
           */
          configSource: int8('1+').default(-1).ignorable(),
          isSensitive: bool(),
          /** All values in force from strongest to weakest, the present one first. */
          synonyms: array('1+', {
            name: string(),
            value: string().nullable(),
            source: int8(),
          }).ignorable(),
          configType: int8('3+').ignorable(),
          documentation: string('3+').nullable().ignorable(),
        }),
      }),
    },
  },
);
export type DescribeConfigsRequest = RequestOf<typeof DescribeConfigs>;
export type DescribeConfigsReceivedRequest = ReceivedRequestOf<typeof DescribeConfigs>;
export type DescribeConfigsResponse = ResponseOf<typeof DescribeConfigs>;
