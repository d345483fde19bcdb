/** ApiVersions (key 18). */
import { api, array, bool, int16, int32, int64, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const ApiVersions = api(
  18,
  'ApiVersions',
  { versions: '0-4', flexible: '3+' },
  {
    request: {
      clientSoftwareName: string('3+').ignorable(),
      clientSoftwareVersion: string('3+').ignorable(),
    },
    response: {
      errorCode: int16(),
      apiKeys: array({
        apiKey: int16(),
        minVersion: int16(),
        maxVersion: int16(),
      }),
      throttleTimeMs: int32('1+').ignorable(),
      supportedFeatures: array('3+', {
        name: string(),
        minVersion: int16(),
        maxVersion: int16(),
      })
        .tag(0)
        .ignorable(),
      finalizedFeaturesEpoch: int64('3+').default(-1n).tag(1).ignorable(),
      finalizedFeatures: array('3+', {
        name: string(),
        maxVersionLevel: int16(),
        minVersionLevel: int16(),
      })
        .tag(2)
        .ignorable(),
      zkMigrationReady: bool('3+').tag(3).ignorable(),
    },
  },
);
export type ApiVersionsRequest = RequestOf<typeof ApiVersions>;
export type ApiVersionsReceivedRequest = ReceivedRequestOf<typeof ApiVersions>;
export type ApiVersionsResponse = ResponseOf<typeof ApiVersions>;
