import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import type { UsageExport } from '../../contract/control.ts';
import { exitCodes, type CliContext, type ExitCode } from '../context.ts';
import { CliError, codeOf, wrongUsage } from '../failure.ts';
import { bytes } from '../output/figures.ts';
import { safeJson, safeLine } from '../output/text.ts';
import { openSession } from '../session.ts';
import { stopOnSignals, type Stop } from '../stop.ts';
import { timesOf, type UsageOptions } from './usage.ts';

export interface UsageExportOptions extends UsageOptions {
  readonly export: UsageExport['format'];
  readonly out?: string;
}

/**
 * `ranch-hand usage --export csv|json [--out FILE]`: every request of the time, one a line. A file is there once it is
 * whole and not before.
 */
export async function usageExport(context: CliContext, options: UsageExportOptions): Promise<ExitCode> {
  const { export: format, out } = options;
  const toFile = out !== undefined && out !== '-';
  if (options.by !== undefined) throw wrongUsage('An export has every request by itself. Leave --by out.');
  if (options.json === true && !toFile && format === 'csv') {
    throw wrongUsage('--json and a CSV export do not go together. Name a file with --out, or export json.');
  }
  const times = timesOf(options);
  const { client } = await openSession(context, options);
  const stop = stopOnSignals();
  try {
    const pieces = client.exportUsage({ ...times, format }, stop.signal);
    if (!toFile) {
      await toOutput(context.stdout, pieces);
      requireWhole(stop);
      return exitCodes.done;
    }
    const sizeBytes = await writeWhole(out, pieces, stop);
    const told = `The usage is in ${out} (${bytes(sizeBytes)}).`;
    context.stdout.write(`${options.json === true ? safeJson({ ok: true, file: out, sizeBytes }) : safeLine(told)}\n`);
    return exitCodes.done;
  } finally {
    stop.dispose();
  }
}

async function toOutput(stdout: NodeJS.WriteStream, pieces: AsyncIterable<string>): Promise<void> {
  try {
    for await (const piece of pieces) if (!stdout.write(piece)) await once(stdout, 'drain');
  } catch (error) {
    throw brokenOff(error, 'What was written is not the whole. Try again.');
  }
}

/** Writes beside the file and puts it in its place at the end; a device or a pipe is written to directly. */
async function writeWhole(path: string, pieces: AsyncIterable<string>, stop: Stop): Promise<number> {
  const present = await stat(path).catch(() => null);
  if (present?.isDirectory() === true) throw wrongUsage(`${path} is a folder. Name a file in it.`);
  const isDirect = present !== null && !present.isFile();
  const target = isDirect ? path : `${path}.${randomBytes(6).toString('hex')}.tmp`;
  const handle = await openFile(target, isDirect ? 'w' : 'wx', path);
  try {
    const sizeBytes = await writeAll(handle, pieces);
    requireWhole(stop);
    if (!isDirect) {
      await handle.sync();
      await rename(target, path);
    }
    return sizeBytes;
  } catch (error) {
    if (!isDirect) await rm(target, { force: true });
    throw brokenOff(error, `${path} is as it was before. Try again.`);
  } finally {
    await handle.close();
  }
}

async function openFile(target: string, flags: 'w' | 'wx', path: string): Promise<FileHandle> {
  try {
    return await open(target, flags);
  } catch (error) {
    const code = codeOf(error) ?? 'internal';
    if (code === 'ENOENT') throw new CliError(code, `The folder of ${path} does not exist. Make it, or name another.`);
    throw new CliError(code, `${path} cannot be written here. Name another file with --out.`);
  }
}

async function writeAll(handle: FileHandle, pieces: AsyncIterable<string>): Promise<number> {
  let sizeBytes = 0;
  for await (const piece of pieces) {
    const data = Buffer.from(piece);
    await handle.writeFile(data);
    sizeBytes += data.length;
  }
  return sizeBytes;
}

/** An export that was interrupted ends like one that is over, but is not whole. */
function requireWhole(stop: Stop): void {
  if (stop.signal.aborted) throw new CliError('interrupted', 'The export was stopped before its end.', stop.exitCode);
}

function brokenOff(error: unknown, what: string): unknown {
  const code = codeOf(error);
  if (code === 'ENOSPC') return new CliError(code, `The disk is full. ${what}`);
  if (code !== 'connection_lost' && code !== 'agent_silent') return error;
  return new CliError(code, `The export broke off before its end. ${what}`);
}
