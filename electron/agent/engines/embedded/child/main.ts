import { createInterface } from 'node:readline';
import { longestLineBytes, parseSettings, type ChildReport, type ChildSettings } from '../protocol.ts';
import { EmbeddedModel } from './engine.ts';
import { EngineServer } from './http-server.ts';
import { openRuntime } from './runtime.ts';

/**
 * The process of the embedded engine. It loads inference code so that the agent never has to: whatever happens here,
 * the agent stays alive and starts this process again.
 */
const statsIntervalMs = 1_000;

function report(message: ChildReport): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function log(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Dies at once and surely: an orderly exit could wait for native threads that are in the middle of a token. */
function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

/** Tells slots and memory when they changed, at most once a second for memory alone. */
function reportStats(model: EmbeddedModel): () => void {
  let lastLine = '';
  const tell = (): void => {
    const memoryMiB = Math.round(process.memoryUsage.rss() / 2 ** 20);
    const stats = {
      event: 'stats',
      busy: model.busy,
      waiting: model.waiting,
      memoryBytes: memoryMiB * 2 ** 20,
    } as const;
    const line = JSON.stringify(stats);
    if (line === lastLine) return;
    lastLine = line;
    report(stats);
  };
  setInterval(tell, statsIntervalMs).unref();
  return tell;
}

async function serve(settings: ChildSettings): Promise<void> {
  let model: EmbeddedModel | null = null;
  let tell: () => void = () => undefined;
  const server = new EngineServer(
    { key: settings.key },
    { model: () => model, log, memoryBytes: () => process.memoryUsage.rss() },
  );
  const port = await server.listen();
  report({ event: 'listening', port });
  const startedMs = performance.now();
  const runtime = await openRuntime(settings, log);
  model = new EmbeddedModel({ settings }, { runtime, log, onSlotsChange: () => tell() });
  tell = reportStats(model);
  const { id, contextLength, slots, threads, engineVersion } = model.loaded;
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  log(`loaded ${id} in ${seconds} s: ${slots} slots of ${contextLength} tokens, ${threads} threads, ${engineVersion}`);
  report({ event: 'ready', port, model: model.loaded });
  tell();
}

function fail(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  report({ event: 'failed', message: message.slice(0, 2_000) });
  process.exitCode = 1;
  // Give the report time to leave through the pipe; the end of stdin no longer matters.
  setTimeout(() => process.exit(1), 100);
}

function main(): void {
  const lines = createInterface({ input: process.stdin, crlfDelay: Infinity });
  let began = false;
  lines.on('line', (line) => {
    if (began) return;
    began = true;
    const settings = line.length <= longestLineBytes ? parseSettings(line) : null;
    if (settings) serve(settings).catch(fail);
    else fail(new Error('The first line of stdin must be the settings of the engine.'));
  });
  // The agent holds the other end for as long as it lives, whatever ends it.
  lines.on('close', die);
  process.stdin.on('error', die);
  process.stdout.on('error', die);
  process.on('SIGTERM', die);
}

main();
