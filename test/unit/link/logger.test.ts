/** A logger that throws is the program's trouble, and not the link's. */
import { expect, it } from 'vitest';
import { isolated, LOG_LEVELS, type Logger } from '../../../src/link/logger.ts';

const loggerOf = (log: (this: unknown, level: keyof Logger, args: readonly unknown[]) => void): Logger =>
  Object.fromEntries(
    LOG_LEVELS.map((level) => [
      level,
      function (this: unknown, ...args: unknown[]) {
        log.call(this, level, args);
      },
    ]),
  ) as unknown as Logger;

it('what it is told reaches the logger as it is, with the logger as `this`', () => {
  const told: unknown[] = [];
  const logger = loggerOf(function (level, args) {
    told.push([level, this === logger, ...args]);
  });
  const guarded = isolated(logger);
  for (const level of LOG_LEVELS) guarded[level]({ topic: 'orders' }, 'said');
  expect(told).toEqual(LOG_LEVELS.map((level) => [level, true, { topic: 'orders' }, 'said']));
});

it('what a logger throws is an uncaught exception, after the link has gone on', async () => {
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  try {
    const heard = new Promise((resolve) => process.once('uncaughtException', resolve));
    const logger = loggerOf(() => {
      throw new Error('disk full');
    });
    expect(() => isolated(logger).warn({}, 'said')).not.toThrow();
    expect(await heard).toMatchObject({ message: 'disk full' });
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const listener of others) process.on('uncaughtException', listener);
  }
});
