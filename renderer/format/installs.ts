import { type EngineKind, type EngineSnapshot, type InstallSnapshot } from '../../electron/contract/snapshot.ts';
import { type Tone } from './words.ts';

const states: Readonly<Record<InstallSnapshot['state'], { word: string; tone: Tone }>> = {
  running: { word: 'Being installed', tone: 'busy' },
  done: { word: 'Installed', tone: 'well' },
  failed: { word: 'Not installed', tone: 'wrong' },
  cancelled: { word: 'Cancelled', tone: 'quiet' },
};

/** An install's state as a word and a colour. */
export function installStateWord(state: InstallSnapshot['state']): { word: string; tone: Tone } {
  return states[state];
}

/** Share of the whole install that is done, 0–1, taking its steps as equally long; null while nothing is known. */
export function installShare(install: Pick<InstallSnapshot, 'step' | 'steps' | 'progress'>): number | null {
  if (install.steps <= 0) return null;
  const share = (Math.max(0, install.step - 1) + (install.progress ?? 0)) / install.steps;
  return Math.min(1, Math.max(0, share));
}

/** Engines that can be installed into the data folder. The embedded one comes with the program. */
const installable: readonly EngineKind[] = ['ollama', 'llama-server', 'bitnet'];

/** Whether the panel offers to install an engine of this kind. */
export function canInstall(kind: EngineKind): boolean {
  return installable.includes(kind);
}

/** Kinds that could be here and of which the node lists no engine at all. */
export function unlistedKinds(engines: readonly Pick<EngineSnapshot, 'kind'>[]): readonly EngineKind[] {
  return installable.filter((kind) => engines.every((engine) => engine.kind !== kind));
}
