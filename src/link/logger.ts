/** Where a link writes what it has to say: a logger of the program's own, whose defects stay its own. */

/** Fields first, then the message: what pino, bunyan and their kin take. Nothing is printed without one. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const satisfies readonly (keyof Logger)[];

export const silentLogger: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** What `logger` throws becomes an uncaught exception of the program, as with a listener of events; the engine, whose turn it is, goes on. */
export const isolated = (logger: Logger): Logger => {
  const guard =
    (level: keyof Logger) =>
    (fields: object, message: string): void => {
      try {
        logger[level](fields, message);
      } catch (error) {
        process.nextTick(() => {
          throw error;
        });
      }
    };
  return { debug: guard('debug'), info: guard('info'), warn: guard('warn'), error: guard('error') };
};
