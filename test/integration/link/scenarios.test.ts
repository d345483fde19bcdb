/** All scenarios of the link on embedded clusters. */
import { embeddedEnvironment } from '../../scenarios/environments/embedded.ts';
import { playScenarios } from '../../scenarios/runner.ts';

playScenarios(
  'embedded 3.9 to 4.1, three brokers each',
  () => embeddedEnvironment({ brokers: 3, releases: { source: '3.9', destination: '4.1' } }),
  { brokers: 3 },
);
