/** Nothing of the client keeps a process alive once it is closed: no timer, no socket, no listener. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { Heartbeat } from '../../../src/protocol/messages/heartbeat.ts';
import { ScriptedBroker } from '../../support/scripted-broker.ts';
import { ScriptedCluster } from './scripted-cluster.ts';

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

/** Runs the program to its end; nobody but itself ends it, unless the test is over. */
const run = async (what: string, port: number): Promise<{ readonly code: number | null; readonly output: string }> => {
  const program = fileURLToPath(new URL('./open-and-close.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', program, what, String(port)], { stdio: ['ignore', 'pipe', 'pipe'] });
  endings.push(() => child.kill('SIGKILL'));
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
};

const scripted = async (): Promise<ScriptedCluster> => {
  const script = await ScriptedCluster.start([1]);
  endings.push(() => script.stop());
  return script;
};

describe('a process that has closed its cluster', { timeout: 30_000 }, () => {
  it('ends after its answers came', async () => {
    const script = await scripted();
    expect(await run('answered', script.broker(1).port)).toEqual({ code: 0, output: '["object","object"]\nclosed\n' });
  });

  it('ends with requests that were never answered', async () => {
    const script = await scripted();
    script.intercept = (_, request) => request.apiKey === Heartbeat.key;
    expect(await run('unanswered', script.broker(1).port)).toEqual({ code: 0, output: 'KLINK_CLOSED KLINK_CLOSED\n' });
  });

  it('ends after an attempt to connect was aborted, whether somebody listens or not', async () => {
    const mute = await ScriptedBroker.listen();
    endings.push(() => mute.close());
    expect(await run('abort', mute.port)).toEqual({ code: 0, output: 'KLINK_ABORTED\n' });
    await mute.close();
    expect(await run('abort', mute.port)).toEqual({ code: 0, output: 'KLINK_ABORTED\n' });
  });
});
