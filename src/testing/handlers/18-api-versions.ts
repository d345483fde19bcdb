/** ApiVersions: what a broker of the chosen release says it speaks. */
import { ErrorCode } from '../../protocol/error-codes.ts';
import { ApiVersions } from '../../protocol/messages/api-versions.ts';
import { handler } from '../handler.ts';
import { supportedApis } from '../releases.ts';

/** What KIP-511 takes for the name and version of a client. */
const SOFTWARE = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;

export const apiVersions = handler(ApiVersions, ({ clientSoftwareName, clientSoftwareVersion }, { cluster, header }) => {
  const named = SOFTWARE.test(clientSoftwareName) && SOFTWARE.test(clientSoftwareVersion);
  if (header.apiVersion >= 3 && !named) return { errorCode: ErrorCode.INVALID_REQUEST, apiKeys: [] };
  const apis = [...supportedApis(cluster.release).values()].sort((a, b) => a.apiKey - b.apiKey);
  return {
    errorCode: ErrorCode.NONE,
    apiKeys: apis.map(({ apiKey, advertised }) => ({ apiKey, minVersion: advertised.min, maxVersion: advertised.max })),
  };
});
