/** DescribeConfigs (key 32). */
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
          value: string().nullable(),
          readOnly: bool(),
          configSource: int8('1+').default(-1).ignorable(),
          isSensitive: bool(),
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
