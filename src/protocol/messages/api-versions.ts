/**
 * ApiVersions (key 18): which versions of which APIs the broker speaks; the first thing said on every connection.
 *
 * v2 the broker throttles after answering (KIP-219) · v3 flexible, names the client (KIP-511) and the features (KIP-584) ·
 * v4 features whose lowest version is 0 are told too (KAFKA-17011).
 *
 * Two exceptions make it readable before anything is known: the response header is the old one in every version, and a broker that does
 * not know the version answers UNSUPPORTED_VERSION in the form of v0 (see negotiate.ts).
 */
import { api, array, bool, int16, int32, int64, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const ApiVersions = api(
  18,
  'ApiVersions',
  { versions: '0-4', flexible: '3+' },
  {
    request: {
      /** Letters, digits, dots and dashes, neither at the ends; anything else is INVALID_REQUEST. */
      clientSoftwareName: string('3+').ignorable(),
      clientSoftwareVersion: string('3+').ignorable(),
    },
    response: {
      errorCode: int16(),
      /** With UNSUPPORTED_VERSION: only the range of ApiVersions itself (Kafka 2.4 and later), or empty. */
      apiKeys: array({ apiKey: int16(), minVersion: int16(), maxVersion: int16() }),
      throttleTimeMs: int32('1+').ignorable(),
      /** What this broker could run with. */
      supportedFeatures: array('3+', {
        name: string(),
        minVersion: int16(),
        maxVersion: int16(),
      })
        .tag(0)
        .ignorable(),
      /** -1: not known. */
      finalizedFeaturesEpoch: int64('3+').default(-1n).tag(1).ignorable(),
      /** What the cluster runs with, such as metadata.version. */
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
