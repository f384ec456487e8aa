import type { PolicyName } from './resolved-name.ts';
import type { NameSettings } from './resolve-name.ts';
import { policyNamed } from './policy-named.ts';

const sentences: Readonly<Record<PolicyName, string>> = {
  'ranch/auto': 'Answered here if it can begin in time, else by a peer, else by the cloud if that is allowed.',
  'ranch/local': 'Answered on this machine only.',
  'ranch/routine': 'Answered here or by a peer; waits rather than spends money.',
  'ranch/quality': 'Answered by the cloud if that is allowed, else by the largest model here.',
  'ranch/long-context':
    'For prompts of many pages: answered by the cloud model that is set for it, else by the largest model here.',
  'ranch/live': 'For what happens now: answered by the cloud model that is set for it, else by the largest model here.',
  'ranch/code': 'For programs: answered by the cloud model that is set for it, else by the largest model here.',
  'ranch/reasoning':
    'For hard questions: answered by the cloud model that is set for it, else by the largest model here.',
};

/** What a name beside the models' own is, in one sentence; null for a model's own. */
export function sentenceOf(name: string, names: NameSettings): string | null {
  const meaning = Object.hasOwn(names, name) ? names[name] : undefined;
  if (typeof meaning === 'string') return `Another name for ${meaning}.`;
  if (meaning !== undefined) return `A persona of ${meaning.model}.`;
  const policy = policyNamed(name);
  return policy === null ? null : sentences[policy];
}
