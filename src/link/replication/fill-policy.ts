/** How offsets without a record are filled, as data: what each way needs and what is seen of it. */

/**
 * - `markers`: control records that no consumer sees; needs ALTER or CLUSTER_ACTION on the destination cluster.
 * - `ghosts`: records outside their batch's offset range; needs WRITE on the topic alone, out of the protocol's letter, hidden from most clients.
 * - `records`: records with neither key nor value; every consumer sees them.
 * - `refuse`: the mirror stops at the first such offset.
 */
export type FillPolicy = 'markers' | 'ghosts' | 'records' | 'refuse';
export const FILL_POLICIES = ['markers', 'ghosts', 'records', 'refuse'] as const satisfies readonly FillPolicy[];
