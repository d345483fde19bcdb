/** A vitest reporter whose last line is `N passed, N failed`, with `, N skipped` if any, for tools that read only that. */
import type { Reporter, TestModule } from 'vitest/node';

type Outcome = 'passed' | 'failed' | 'skipped';

const count = (module: TestModule, outcome: Outcome): number => [...module.children.allTests(outcome)].length;

export class PlainSummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const sum = (outcome: Outcome): number => modules.reduce((total, module) => total + count(module, outcome), 0);
    // A file that does not load, a failed hook and an error outside every test have no failed test of their own.
    const broken = modules.filter((module) => module.state() === 'failed' && count(module, 'failed') === 0).length;
    const failed = sum('failed') + broken + unhandledErrors.length;
    const skipped = sum('skipped');
    const line = `${sum('passed')} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`;
    process.once('exit', () => process.stdout.write(line));
  }
}
