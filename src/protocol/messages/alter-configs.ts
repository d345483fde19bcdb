/**
 * AlterConfigs (key 33): replaces the whole set of configs of a resource; whatever is left out falls back to its default. For brokers of
 * 2.1 and 2.2: newer ones have IncrementalAlterConfigs, which changes one config and leaves the others alone.
 *
 * v1 the broker throttles after answering (KIP-219) · v2 flexible.
 *
 * Resource types: 2 topic, 4 broker (the name is its id; empty for the cluster-wide default), 8 broker logger, 16 client metrics, 32
 * group.
 */
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
          /** Null: the default. */
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
export type AlterConfigsRequest = RequestOf<typeof AlterConfigs>;
export type AlterConfigsReceivedRequest = ReceivedRequestOf<typeof AlterConfigs>;
export type AlterConfigsResponse = ResponseOf<typeof AlterConfigs>;
