/**
 * IncrementalAlterConfigs (key 44): changes single configs and leaves the others alone (KIP-339, brokers 2.3 and later).
 *
 * v1 flexible.
 *
 * Resource types: 2 topic, 4 broker (the name is its id; empty for the cluster-wide default), 8 broker logger, 16 client metrics, 32
 * group.
 */
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
          /** 0 set, 1 delete (back to the default), 2 append to a list, 3 subtract from a list. */
          configOperation: int8(),
          value: string().nullable(),
        }),
      }),
      validateOnly: bool(),
    },
    response: {
      throttleTimeMs: int32(),
      responses: array({ errorCode: int16(), errorMessage: string().nullable(), resourceType: int8(), resourceName: string() }),
    },
  },
);
export type IncrementalAlterConfigsRequest = RequestOf<typeof IncrementalAlterConfigs>;
export type IncrementalAlterConfigsReceivedRequest = ReceivedRequestOf<typeof IncrementalAlterConfigs>;
export type IncrementalAlterConfigsResponse = ResponseOf<typeof IncrementalAlterConfigs>;
