/** At most so many at once, in the order in which they came, whatever happens inside. */
import { expect, it } from 'vitest';
import { Gate } from '../../../src/link/gate.ts';

it('lets the bound in at once and the others in turn, also after failures', async () => {
  const gate = new Gate(2);
  const inside: number[] = [];
  const entered: number[] = [];
  const release: (() => void)[] = [];
  const results = Array.from({ length: 5 }, (_, index) =>
    gate.run(async () => {
      entered.push(index);
      inside.push(index);
      expect(inside.length).toBeLessThanOrEqual(2);
      await new Promise<void>((resolve) => release.push(resolve));
      inside.splice(inside.indexOf(index), 1);
      if (index % 2 === 0) throw new Error(`task ${index}`);
      return index;
    }),
  );
  const settled = Promise.allSettled(results);
  for (let turn = 0; turn < 5; turn++) {
    await Promise.resolve();
    while (release[turn] === undefined) await new Promise<void>((resolve) => setImmediate(resolve));
    release[turn]?.();
  }
  expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled', 'rejected']);
  expect(entered).toEqual([0, 1, 2, 3, 4]);
  expect(await gate.run(async () => 'free again')).toBe('free again');
});

it('frees its place when the task throws at once', async () => {
  const gate = new Gate(1);
  const broken = (): Promise<never> => {
    throw new Error('at once');
  };
  await expect(gate.run(broken)).rejects.toThrow('at once');
  expect(await gate.run(async () => 1)).toBe(1);
});
