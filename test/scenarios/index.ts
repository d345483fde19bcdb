/** All scenarios: each plays on embedded and on real clusters and expects the same of both. */
import { badInputScenarios } from './bad-input.ts';
import { catchAllScenarios } from './catch-alls.ts';
import { continuingScenarios } from './continuing.ts';
import { creationScenarios } from './creation.ts';
import { disturbanceScenarios } from './disturbances.ts';
import { exactTransactionScenarios } from './exact-transactions.ts';
import { fillPolicyScenarios } from './fill-policies.ts';
import { foreignWriteScenarios } from './foreign-writes.ts';
import { lifecycleScenarios } from './lifecycle.ts';
import { liveConfigScenarios } from './live-configs.ts';
import { mirroringScenarios } from './mirroring.ts';
import { obstacleScenarios } from './obstacles.ts';
import { operationScenarios } from './operations.ts';
import { repairScenarios } from './repairs.ts';
import { sequenceScenarios } from './sequences.ts';
import { sourceChangeScenarios } from './source-changes.ts';
import { sourceMoveScenarios } from './source-moves.ts';
import type { Scenario } from './stage.ts';
import { stoppingScenarios } from './stopping.ts';
import { syncScenarios } from './syncs.ts';
import { topologyScenarios } from './topologies.ts';
import { tornStopScenarios } from './torn-stops.ts';
import { unevenLogScenarios } from './uneven-logs.ts';

export const SCENARIOS: Readonly<Record<string, readonly Scenario[]>> = {
  mirroring: mirroringScenarios,
  continuing: continuingScenarios,
  'foreign writes': foreignWriteScenarios,
  disturbances: disturbanceScenarios,
  'changes of the source': sourceChangeScenarios,
  'uneven logs': unevenLogScenarios,
  'fill policies': fillPolicyScenarios,
  'exact transactions': exactTransactionScenarios,
  'logs that may not be mirrored': obstacleScenarios,
  creation: creationScenarios,
  operations: operationScenarios,
  repairs: repairScenarios,
  'stops that are torn off': tornStopScenarios,
  configs: liveConfigScenarios,
  'a source that moves': sourceMoveScenarios,
  stopping: stoppingScenarios,
  syncs: syncScenarios,
  topologies: topologyScenarios,
  sequences: sequenceScenarios,
  'bad input': badInputScenarios,
  'words for all the rest': catchAllScenarios,
  lifecycle: lifecycleScenarios,
};
