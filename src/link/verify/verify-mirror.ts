/** From options to a report: connects to both clusters, compares mirrors with their sources, and lets go of both. */
import { LinkError } from '../../errors.ts';
import { connectClusters } from '../connect-clusters.ts';
import type { WaitOptions } from '../link-status.ts';
import { parseVerifyOptions, type VerifyOptions } from './options.ts';
import type { VerifyReport } from './report.ts';
import { verifyTopics } from './verify-topics.ts';

const DEFAULT_CONNECT_MS = 30_000;

/**
 * Compares mirror topics with their sources, as a consumer sees them: every offset from the later log start to the earlier log end, with keys, values,
 * headers and timestamps. Reads both logs by their headers and checksums; only what is not the same bytes is opened. Changes nothing, and needs READ and
 * DESCRIBE on the topics. A link may be running meanwhile. `timeoutMs` bounds the time to reach the clusters (30 s).
 *
 * What was found, and what could not be compared, is in the report. To stop and go on later, keep the positions of `onProgress` and abort the signal.
 *
 * @throws LinkError `KLINK_CONFIG`, `KLINK_CONNECT`, `KLINK_TIMEOUT`, `KLINK_MALFORMED`, `KLINK_VERSION`; `KLINK_AUTH`, `KLINK_BROKER` (a topic that one
 *   side does not have); `KLINK_ABORTED`.
 */
export const verifyMirror = async (
  options: VerifyOptions,
  { signal = new AbortController().signal, timeoutMs = DEFAULT_CONNECT_MS }: WaitOptions = {},
): Promise<VerifyReport> => {
  const { connect, plan } = parseVerifyOptions(options);
  try {
    const { source, destination } = await connectClusters(connect, { timeoutMs, signal });
    try {
      return await verifyTopics({ source, destination, clock: connect.clock, signal }, plan);
    } finally {
      await Promise.all([source.close(), destination.close()]);
    }
  } catch (error) {
    throw LinkError.from(error);
  }
};
