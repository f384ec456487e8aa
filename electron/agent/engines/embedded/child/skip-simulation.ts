import { GgufInsights } from 'node-llama-cpp';

const simulatorSource = '_resolveSimulatorSource';

/**
 * Lets the library estimate a model's memory by arithmetic. By default it loads the model a second and a third time,
 * without its weights, to ask llama.cpp: with a vocabulary of 262,144 that takes longer than the loading itself (1.6 s
 * of 4.0 s on two cores), and callers wait for it after every crash. The library falls back to arithmetic when it
 * finds nothing to simulate. There is no option for that, so this answers for one internal method; where a later
 * version has no such method nothing is changed and loading only takes longer.
 */
export function skipMemorySimulation(): void {
  if (!Reflect.has(GgufInsights.prototype, simulatorSource)) return;
  Reflect.set(GgufInsights.prototype, simulatorSource, () => Promise.resolve(null));
}
