/** Declares the tests of all scenarios for one environment: the same for embedded and real clusters. */
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import type { Environment } from './environment.ts';
import { FrameWatch } from './frame-watch.ts';
import { SCENARIOS } from './index.ts';
import { type Scenario, Stage } from './stage.ts';

/** What is played: all scenarios that fit, unless `only` says otherwise. `brokers` of each side. */
export interface Play {
  readonly brokers: number;
  readonly only?: (scenario: Scenario, subject: string) => boolean;
}

/** More than every wait inside a scenario, whose own message says what was waited for. */
const PATIENCE_MS = 120_000;

/** `more` declares further tests on the same clusters. */
export const playScenarios = <E extends Environment>(
  name: string,
  open: () => Promise<E>,
  { brokers, only = () => true }: Play,
  more: (environment: () => E) => void = () => {},
): void => {
  describe(name, () => {
    let environment: E | undefined;
    const watch = new FrameWatch();
    beforeAll(async () => {
      watch.start();
      environment = await open();
    }, PATIENCE_MS);
    afterAll(async () => {
      await environment?.[Symbol.asyncDispose]();
      watch.stop();
    });

    for (const [subject, scenarios] of Object.entries(SCENARIOS)) {
      const fitting = scenarios.filter((scenario) => (scenario.brokers ?? 1) <= brokers && only(scenario, subject));
      if (fitting.length === 0) continue;
      describe(subject, () => {
        for (const scenario of fitting) {
          it(scenario.name, { timeout: PATIENCE_MS }, async () => {
            await using stage = new Stage(environment!);
            onTestFailed(() => {
              if (stage.warnings.length > 0) console.error(`The links warned:\n${[...new Set(stage.warnings)].slice(-20).join('\n')}`);
            });
            await scenario.play(stage);
          });
        }
      });
    }

    more(() => environment!);

    it('every frame of these scenarios is written again as it was read', () => {
      expect(watch.complaints).toEqual([]);
      expect(watch.frames).toBeGreaterThan(100);
    });
  });
};
