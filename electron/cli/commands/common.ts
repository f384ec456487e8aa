import { InvalidArgumentError, type Command } from 'commander';
import type { ExitCode } from '../context.ts';

/** Called once a verb has run. */
export type End = (exitCode: ExitCode) => void;

/** Adds what every verb takes. */
export function common(command: Command): Command {
  return command
    .option('--json', 'one JSON document on standard output and nothing else')
    .option('--data-dir <folder>', "the node's data folder", folderName);
}

/** For an option that may be repeated. */
export function collect(value: string, earlier: readonly string[] | undefined): string[] {
  return [...(earlier ?? []), value];
}

/** Reads a number that is above zero, whole where `whole` says so. */
export function positive(options: { readonly whole: boolean; readonly most: number }): (text: string) => number {
  return (text) => {
    const value = Number(text);
    const fits =
      text.trim() !== '' && value > 0 && value <= options.most && (!options.whole || Number.isInteger(value));
    if (fits) return value;
    throw new InvalidArgumentError(`It is a ${options.whole ? 'whole ' : ''}number above 0, at most ${options.most}.`);
  };
}

/** Lines of a log to show. */
export function lineCount(text: string): number {
  const lines = Number(text);
  if (!Number.isInteger(lines) || lines < 1 || lines > 5000) {
    throw new InvalidArgumentError('It is a whole number from 1 to 5000.');
  }
  return lines;
}

/** An empty name would mean the working folder, which nobody asks for that way: a variable was empty. */
function folderName(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('It is empty; name a folder.');
  return text;
}
