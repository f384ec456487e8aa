/**
 * What rooms may log with: a constant message and its data as fields. The agent hands out pino children that satisfy
 * this; tests hand out {@link silentLogger}. Never pass a prompt, an answer or a key.
 */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const nothing = (): void => undefined;

export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
