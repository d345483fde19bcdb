/** IncrementalAlterConfigs (key 44). */
import { api, array, bool, int8, int16, int32, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const IncrementalAlterConfigs = api(
  44,
  'IncrementalAlterConfigs',
  { versions: '0-1', flexible: '1+' },
  {
    request: {
      resources: array({
        resourceType: int8(),
        resourceName: string(),
        configs: array({
          name: string(),
          configOperation: int8(),
          value: string().nullable(),
        }),
      }),
      validateOnly: bool(),
    },
    response: {
      throttleTimeMs: int32(),
      responses: array({
        errorCode: int16(),
        errorMessage: string().nullable(),
        resourceType: int8(),
        resourceName: string(),
      }),
    },
  },
);
export type IncrementalAlterConfigsRequest = RequestOf<typeof IncrementalAlterConfigs>;
export type IncrementalAlterConfigsReceivedRequest = ReceivedRequestOf<typeof IncrementalAlterConfigs>;
export type IncrementalAlterConfigsResponse = ResponseOf<typeof IncrementalAlterConfigs>;
