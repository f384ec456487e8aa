/** pino-roll ships no types; these cover what the agent uses of it. */
declare module 'pino-roll' {
  interface RollingStream {
    write(line: string): void;
    end(): void;
    once(event: 'close' | 'ready', listener: () => void): void;
    once(event: 'error', listener: (error: Error) => void): void;
    on(event: 'error', listener: (error: Error) => void): void;
  }
  interface RollingOptions {
    readonly file: string;
    readonly size: string;
    readonly limit: { readonly count: number; readonly removeOtherLogFiles: boolean };
    readonly mkdir: boolean;
    readonly mode: number;
  }
  function build(options: RollingOptions): Promise<RollingStream>;
  export { build as default };
}
