/** All scenarios of the link on embedded clusters. */
import { embeddedEnvironment } from '../../scenarios/environments/embedded.ts';
import { playScenarios } from '../../scenarios/runner.ts';

playScenarios(
  'embedded 3.9 to 4.1, three brokers each',
  () => embeddedEnvironment({ brokers: 3, releases: { source: '3.9', destination: '4.1' } }),
  { brokers: 3 },
);

// A source without fetches by topic id, and the newest destination.
playScenarios(
  'embedded 2.8 to 4.4, one broker each',
  () => embeddedEnvironment({ brokers: 1, releases: { source: '2.8', destination: '4.4' } }),
  { brokers: 1, only: (_, subject) => ['mirroring', 'continuing', 'changes of the source'].includes(subject) },
);
