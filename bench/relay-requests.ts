/** The Fetch requests that bring a source topic once, as many bytes at a time as a link asks for: what the relay sends. */
import { SETTINGS } from '../src/index.ts';
import { fetchShare } from '../src/link/replication/fetch-share.ts';
import { encodeRequest } from '../src/protocol/frame.ts';
import { Fetch } from '../src/protocol/messages/fetch.ts';
import { type Loaded, TOPIC } from './rig.ts';
import type { Workload } from './workloads.ts';

/** The last that names topics. */
const VERSION = 12;
const LIMITS = {
  responseMaxBytes: SETTINGS.replicaFetchResponseMaxBytes.default,
  partitionMaxBytes: SETTINGS.replicaFetchMaxBytes.default,
};

/** Frames one after another, length prefixes included. Each asks for whole batches, so that none comes twice. */
export const relayRequests = ({ partitions, shape }: Workload, { batchSizes, batchesPerPartition }: Loaded): Buffer => {
  const largest = Math.max(...batchSizes);
  const share = fetchShare(LIMITS, partitions, largest);
  const batches = Math.max(1, Math.floor(share / largest));
  const width = Math.max(1, Math.floor(LIMITS.responseMaxBytes / (batches * largest)));
  const frames: Buffer[] = [];
  for (let from = 0; from < batchesPerPartition; from += batches) {
    const to = Math.min(from + batches, batchesPerPartition);
    let partitionMaxBytes = 0;
    for (let batch = from; batch < to; batch++) partitionMaxBytes += batchSizes[batch % batchSizes.length]!;
    const fetchOffset = BigInt(from * shape.recordsPerBatch);
    for (let first = 0; first < partitions; first += width) {
      const asked = Array.from({ length: Math.min(width, partitions - first) }, (_, i) => ({
        partition: first + i,
        fetchOffset,
        partitionMaxBytes,
      }));
      const body = { maxWaitMs: 0, minBytes: 0, topics: [{ topic: TOPIC, partitions: asked }] };
      frames.push(...encodeRequest(Fetch, VERSION, frames.length, 'relay', body).chunks);
    }
  }
  return Buffer.concat(frames);
};
