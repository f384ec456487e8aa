/** How the shell was started. */
export interface LaunchOptions {
  /** Only the tray icon, no window: how it is started at login. */
  readonly hidden: boolean;
}

/** The one argument there is. */
export const hiddenFlag = '--hidden';

/** Reads a command line. Everything that is not understood, addresses and paths above all, is left alone. */
export function launchOptions(argv: readonly string[]): LaunchOptions {
  return { hidden: argv.includes(hiddenFlag) };
}
