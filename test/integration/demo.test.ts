/** `npm start`, as it runs where nobody looks: plain lines, an end by itself, an exit code that means something. */
import { describe, expect, it } from 'vitest';
import { Program } from '../support/program.ts';

describe('the demo', { timeout: 120_000 }, () => {
  it('ends by itself with both logs identical, and says in plain lines what happened', async () => {
    await using demo = Program.run('scripts/demo.ts', { NO_COLOR: '1' });
    expect(await demo.ended, demo.output).toBe(0);
    const { output } = demo;
    expect(output.match(/= identical/g)).toHaveLength(5);
    expect(output).toMatch(/identical: [\d,]+ records in [\d,]+ batches, same bytes, same offsets/);
    expect(output).toMatch(
      /5 ACTIVE .*\n(.*\n)*.*a broker of the destination is killed.*\n(.*\n)*.*the source dies.*\n(.*\n)*.*5 SOURCE_UNAVAILABLE/,
    );
    expect(output).not.toContain('\u001b');
    expect(output).not.toContain('Warning');
  });

  it('is interrupted by Ctrl-C at once, and leaves with 130', async () => {
    await using demo = Program.run('scripts/demo.ts', { NO_COLOR: '1' });
    await demo.said(/\d ACTIVE/);
    expect(await demo.stop('SIGINT'), demo.output).toBe(130);
    expect(demo.output).not.toContain('identical');
  });
});
