/** The engine in a world of faults: whatever happens in whatever order, the mirror's log is the source's, or the mirror says why it is not. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Action, PERMANENT, type PermanentFault, Simulation, TRANSIENT } from './simulation/simulation.ts';

const options = fc.record({
  seed: fc.nat(),
  partitions: fc.integer({ min: 1, max: 3 }),
  processes: fc.integer({ min: 1, max: 2 }),
  acks: fc.constantFrom(-1 as const, 1 as const),
  maxInFlightRequests: fc.constantFrom(1, 2, 8),
  bufferBytes: fc.constantFrom(100, 1_000, 100_000),
  partitionMaxBytes: fc.constantFrom(50, 300, 5_000),
  sessionCapacity: fc.constantFrom(0, 1, 1_000),
  fetchVersion: fc.constantFrom(11, 12, 17),
});

const script = (actions: readonly Action[]): fc.Arbitrary<{ readonly after: number; readonly action: Action }[]> =>
  fc.array(fc.record({ after: fc.nat(25), action: fc.constantFrom(...actions) }), { maxLength: 25 });

const play = async (simulation: Simulation, actions: readonly { readonly after: number; readonly action: Action }[]): Promise<void> => {
  for (const { after, action } of actions) {
    await simulation.steps(after);
    simulation.act(action);
  }
  await simulation.calmDown();
  await simulation.close();
  const story = simulation.violations.length === 0 ? '' : `\n${simulation.world.trace.slice(-150).join('\n')}`;
  expect(simulation.violations, story).toEqual([]);
};

describe('mirroring under faults', () => {
  it('gets over every transient fault, keeps every offset, and always catches up', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(options, script(TRANSIENT), (given, actions) => play(new Simulation(given), actions)),
      { numRuns: Number(process.env['SIMULATIONS'] ?? 150) },
    );
  });

  it('stops with the right reason when it cannot go on, and never writes a wrong offset', { timeout: 120_000 }, async () => {
    const permanent = Object.keys(PERMANENT) as PermanentFault[];
    await fc.assert(
      fc.asyncProperty(options, script([...TRANSIENT, ...permanent]), (given, actions) => play(new Simulation(given), actions)),
      { numRuns: Number(process.env['SIMULATIONS'] ?? 150) },
    );
  });
});
