/** A model this small is done with a token before a second thread has woken up. */
const tinyModelBytes = 64 * 1024 * 1024;

/**
 * Threads for decoding. Never more than the cores this process may use: one thread too many makes the others spin and
 * costs a factor of a hundred. From five cores on one is left for the agent and the callers.
 */
export function automaticThreads(machine: { cores: number; mathCores: number; modelBytes: number }): number {
  if (machine.modelBytes < tinyModelBytes) return 1;
  const usable = Math.max(1, Math.min(machine.cores, machine.mathCores > 0 ? machine.mathCores : machine.cores));
  return usable > 4 ? usable - 1 : usable;
}

/** Requests side by side: each takes its share of memory, and a small machine has no speed to share. */
export function automaticParallel(cores: number): number {
  return cores <= 2 ? 2 : 4;
}
