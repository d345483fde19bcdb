/** AlterConfigs (key 33). */
import { api, array, bool, int8, int16, int32, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const AlterConfigs = api(
  33,
  'AlterConfigs',
  { versions: '0-2', flexible: '2+' },
  {
    request: {
      resources: array({
        resourceType: int8(),
        resourceName: string(),
        configs: array({
          name: string(),
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
export type AlterConfigsRequest = RequestOf<typeof AlterConfigs>;
export type AlterConfigsReceivedRequest = ReceivedRequestOf<typeof AlterConfigs>;
export type AlterConfigsResponse = ResponseOf<typeof AlterConfigs>;
