/** How a process ended, as the system tells it. */
export interface ProcessEnd {
  /** Unsigned 32 bits on Windows, where it may be an NTSTATUS. */
  readonly code: number | null;
  readonly signal: string | null;
}

/** Signals that come from outside; all others say that the program itself broke. */
const outsideSignals = new Set(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT']);

const signalWords: Readonly<Record<string, string>> = {
  SIGABRT: 'it gave up by itself',
  SIGBUS: 'it reached for memory or a file that is not there',
  SIGFPE: 'it calculated something impossible',
  SIGHUP: 'told to end from outside',
  SIGILL: 'this processor lacks an instruction that it uses',
  SIGINT: 'told to end from outside',
  SIGKILL: 'killed from outside',
  SIGQUIT: 'told to end from outside',
  SIGSEGV: 'it reached for memory that is not its own',
  SIGSYS: 'it asked the system for something that is not allowed',
  SIGTERM: 'told to end from outside',
};

/** The NTSTATUS values that engines end with, from Microsoft's ntstatus.h; read as unsigned 32 bits. */
const codeWords: ReadonlyMap<number, string> = new Map([
  [0xc0000005, 'it reached for memory that is not its own'],
  [0xc0000017, 'no memory was left'],
  [0xc000001d, 'this processor lacks an instruction that it uses'],
  [0xc000009a, 'the system had no more resources'],
  [0xc000012d, 'no memory was left'],
  [0xc0000135, 'a library that it needs is missing'],
  [0xc0000139, 'a library that it needs has the wrong version'],
  [0xc0000409, 'it gave up by itself'],
]);

/** STATUS_NO_MEMORY, STATUS_INSUFFICIENT_RESOURCES and STATUS_COMMITMENT_LIMIT. */
const memoryCodes = new Set([0xc0000017, 0xc000009a, 0xc000012d]);

/**
 * What llama.cpp, ggml, the C++ runtime, Node and Ollama write when memory cannot be had. A line counts only of a
 * process that then died, so that a warning about a smaller try is not taken for the end.
 */
const memoryLine =
  /std::bad_alloc|out of memory|cannot allocate memory|not enough memory|insufficient memory|(?:failed|unable) to (?:allocate|mmap)|requires more system memory|OutOfDeviceMemory|CUDA error: out of memory/i;
/** How many of the last lines are looked at: the cause stands near the end. */
const memoryLines = 20;

/** Whether someone else ended the process, rather than it itself. */
export function endedFromOutside(end: ProcessEnd): boolean {
  return end.signal !== null && outsideSignals.has(end.signal);
}

/** How a process ended, in words that follow "The engine …". */
export function reasonOf({ code, signal }: ProcessEnd): string {
  if (signal !== null) {
    const words = signalWords[signal];
    return words === undefined ? `ended by signal ${signal}` : `ended by signal ${signal} (${words})`;
  }
  if (code === null) return 'ended for an unknown reason';
  const words = codeWords.get(code >>> 0);
  // Such codes are known by their hexadecimal form.
  if (code >>> 0 >= 0xc0000000) {
    const hexadecimal = `0x${(code >>> 0).toString(16).toUpperCase()}`;
    return words === undefined
      ? `ended by itself with code ${hexadecimal}`
      : `ended by itself with code ${hexadecimal} (${words})`;
  }
  return `ended by itself with code ${code}`;
}

/**
 * What shows that a process ended for want of memory, in words that follow "The engine …"; null when nothing does.
 *
 * @param killedForMemory whether the system killed a program for memory while this one ran; believed only of a
 *   SIGKILL, which is how the kernel does it
 */
export function memoryDeath(end: ProcessEnd, lastLines: readonly string[], killedForMemory: boolean): string | null {
  if (end.signal === 'SIGKILL' && killedForMemory) return 'was killed by the system because memory ran out';
  if (end.code === 0 || endedFromOutside(end)) return null;
  if (end.code !== null && memoryCodes.has(end.code >>> 0)) return `ran out of memory (${reasonOf(end)})`;
  const line = lastLines.slice(-memoryLines).find((text) => memoryLine.test(text));
  return line === undefined ? null : `ran out of memory (${reasonOf(end)})`;
}
