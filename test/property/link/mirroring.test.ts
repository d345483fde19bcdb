/** The engine in a world of faults: whatever happens in whatever order, the mirror shows what the source shows, or the mirror says why it does not. */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { type Action, EVENTS, PERMANENT, type PermanentFault, TRANSIENT } from './simulation/faults.ts';
import type { SimulationOptions } from './simulation/scene.ts';
import { Simulation } from './simulation/simulation.ts';

vi.mock('../../../src/codec/compression.ts', () => import('./simulation/instant-compression.ts'));

const common = {
  seed: fc.nat(),
  partitions: fc.integer({ min: 1, max: 3 }),
  acks: fc.constantFrom(-1 as const, 1 as const),
  maxInFlightRequests: fc.constantFrom(1, 2, 8),
  bufferBytes: fc.constantFrom(200, 1_000, 100_000),
  partitionMaxBytes: fc.constantFrom(100, 400, 5_000),
  sessionCapacity: fc.constantFrom(0, 1, 1_000),
  fetchVersion: fc.constantFrom(11, 12, 17),
};

/** Batches without holes: markers are never needed, and whatever the policy, nothing changes. */
const dense = fc.record({
  ...common,
  processes: fc.integer({ min: 1, max: 2 }),
  logs: fc.constant('dense' as const),
  sourceStart: fc.constant(0),
  fillPolicy: fc.constantFrom('markers' as const, 'refuse' as const),
  sourceTrimmed: fc.constantFrom('fill' as const, 'stop' as const),
  mayWriteMarkers: fc.boolean(),
});

const nasty = fc.record({
  ...common,
  processes: fc.constantFrom(1, 1, 1, 2),
  logs: fc.constant('any' as const),
  sourceStart: fc.constantFrom(0, 0, 3, 40),
  fillPolicy: fc.constantFrom('markers' as const, 'markers' as const, 'markers' as const, 'ghosts' as const, 'records' as const),
  sourceTrimmed: fc.constantFrom('fill' as const, 'stop' as const),
  mayWriteMarkers: fc.constant(true),
});

const helpless = fc.record({
  ...common,
  processes: fc.constant(1),
  logs: fc.constant('any' as const),
  sourceStart: fc.constantFrom(0, 3),
  fillPolicy: fc.constantFrom('markers' as const, 'refuse' as const),
  sourceTrimmed: fc.constantFrom('fill' as const, 'stop' as const),
  mayWriteMarkers: fc.constant(false),
});

type Script = readonly { readonly after: number; readonly action: Action }[];

const script = (actions: readonly Action[]): fc.Arbitrary<Script> =>
  fc.array(fc.record({ after: fc.nat(25), action: fc.constantFrom(...actions) }), { maxLength: 25 });

/** Somebody else writes while batches are on their way, and nobody is left to read where they have landed. */
const foreignWriteAndKill: fc.Arbitrary<Script> = fc.tuple(fc.nat(20), fc.nat(40), fc.nat(8)).map(([toAppend, toWrite, toKill]) => [
  { after: toAppend, action: 'append' },
  { after: toWrite, action: 'foreignWrite' },
  { after: toKill, action: 'killProcess' },
]);

const play = async (simulation: Simulation, actions: Script): Promise<void> => {
  for (const { after, action } of actions) {
    await simulation.steps(after);
    simulation.act(action);
  }
  await simulation.calmDown();
  await simulation.close();
  expect(simulation.violations, `\n${simulation.story}`).toEqual([]);
};

const holds = (options: fc.Arbitrary<SimulationOptions>, scripts: fc.Arbitrary<Script>): Promise<void> =>
  fc.assert(
    fc.asyncProperty(options, scripts, (given, played) => play(new Simulation(given), played)),
    { numRuns: Number(process.env['SIMULATIONS'] ?? 150) },
  );

describe('mirroring under faults', { timeout: 600_000 }, () => {
  const permanent = Object.keys(PERMANENT) as PermanentFault[];

  it('gets over every transient fault, keeps every offset, and always catches up', () => holds(dense, script(TRANSIENT)));

  it('shows what the source shows, at the same offsets, of logs with holes, transactions and starts above zero', () =>
    holds(nasty, script([...TRANSIENT, ...EVENTS, ...EVENTS])));

  it('stops with the right reason when it cannot go on, and never writes a wrong offset', () =>
    holds(dense, script([...TRANSIENT, ...permanent])));

  it('does so, too, in logs with holes, transactions and starts above zero', () =>
    holds(nasty, script([...TRANSIENT, ...EVENTS, ...permanent])));

  it('tells of what somebody else wrote also when the process is killed before it reads where its own batches have landed', () =>
    holds(nasty, foreignWriteAndKill));

  it('writes no marker before what may still be on its way, also when the source loses records meanwhile', () =>
    holds(
      nasty,
      script(['append', 'cutDestination', 'cutDestination', 'cutDestination', 'clean', 'trimAhead', 'transactional', 'commit']),
    ));

  it('sends a batch again under the sequence that it had, also when markers came before it and its broker remembers nothing of the link', () => {
    const given: SimulationOptions = {
      seed: 1_045_210_185,
      partitions: 2,
      acks: -1,
      maxInFlightRequests: 1,
      bufferBytes: 100_000,
      partitionMaxBytes: 400,
      sessionCapacity: 0,
      fetchVersion: 11,
      processes: 1,
      logs: 'any',
      sourceStart: 0,
      fillPolicy: 'markers',
      sourceTrimmed: 'fill',
      mayWriteMarkers: true,
    };
    return play(
      new Simulation(given),
      [21, 13, 18].map((after) => ({ after, action: 'cutDestination' })),
    );
  });

  it('stops before a hole that it may not fill', () => holds(helpless, script([...TRANSIENT, ...EVENTS])));
});
