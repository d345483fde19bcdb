/** A link between two clusters in a world of faults: things happen one after the other, until nothing does any more, and an umpire watches. */
import { ACTIONS, makeHistory } from './actions.ts';
import type { Action } from './faults.ts';
import { type LogPair, Scene, type SimulationOptions } from './scene.ts';
import { Umpire } from './umpire.ts';

const CALM_STEPS = 20_000;
const CLOSING_STEPS = 500;

export class Simulation {
  readonly scene: Scene;
  readonly #umpire: Umpire;

  constructor(options: SimulationOptions) {
    this.scene = new Scene(options);
    this.#umpire = new Umpire(this.scene);
    const { world, pairs } = this.scene;
    for (const { from } of pairs) {
      if (options.logs === 'any') makeHistory(from, world);
      else for (let n = world.below(12); n > 0; n--) from.append(world.random);
    }
    for (let n = 0; n < options.processes; n++) this.scene.startProcess();
  }

  get violations(): readonly string[] {
    return this.#umpire.violations;
  }

  async steps(count: number): Promise<void> {
    const { world } = this.scene;
    // What was done to the world is noticed before time goes on.
    await world.settle();
    for (let n = 0; n < count; n++) {
      await world.step();
      this.#umpire.judgeRequests();
    }
  }

  act(action: Action): void {
    const { world, pairs } = this.scene;
    world.note(`! ${action}`);
    ACTIONS[action](this.scene, world.pick(pairs) as LogPair, this.#umpire);
  }

  /** No more faults: everything that can go on must go on until it is done. */
  async calmDown(): Promise<void> {
    const { world, pairs, source, destination, processes } = this.scene;
    this.act('restartBrokers');
    source.fetchFaults.length = 0;
    destination.writeFaults.length = 0;
    source.staleAnswers = 0;
    destination.staleAnswers = 0;
    for (const { from } of pairs) {
      from.lateAnswers = 0;
      // Some stay open for ever: their producers are dead.
      if (world.chance(0.5)) from.endAllTransactions(world.random);
    }
    for (let n = 1; n <= CALM_STEPS; n++) {
      if (n % 50 === 0) {
        for (const { to } of pairs) to.replicate();
        for (const process of processes) process.lookForForeignWrites(pairs.map(({ to }) => to));
        if (this.#isAtRest) break;
      }
      await this.steps(1);
    }
    this.#umpire.judgeOutcome();
  }

  async close(): Promise<void> {
    const { processes } = this.scene;
    const { violations } = this.#umpire;
    const closing = Promise.all(processes.map((process) => process.close()));
    let isClosed = false;
    void closing.then(() => {
      isClosed = true;
    });
    for (let n = 0; n < CLOSING_STEPS && !isClosed; n++) await this.steps(1);
    if (!isClosed) violations.push('close() does not end');
    for (const { mirrors, replicator } of processes) {
      for (const { label, inFlight, phase } of mirrors) {
        if (inFlight !== 0) violations.push(`${label}: ${inFlight} batches in flight after close`);
        if (phase !== 'closed' && phase !== 'failed') violations.push(`${label}: ${phase} after close`);
      }
      if (replicator.bufferedBytes !== 0) violations.push(`${replicator.bufferedBytes} bytes are never given back`);
    }
  }

  /** What happened last, and what it led to. */
  get story(): string {
    return [...this.scene.world.trace.slice(-150), this.scene.describe()].join('\n');
  }

  get #isAtRest(): boolean {
    const { processes } = this.scene;
    const isDone = processes.every(({ mirrors }) =>
      mirrors.every((mirror) => mirror.inFlight === 0 && (mirror.phase === 'failed' || this.scene.isCaughtUp(mirror))),
    );
    return isDone && this.scene.isQuiet;
  }
}
