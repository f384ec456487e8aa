import type { Notice } from '../../../contract/snapshot.ts';
import type { KeyProblem } from './key-trouble.ts';

export interface AccessFacts {
  /** Why the keys cannot be read; null while they can. */
  readonly problem: KeyProblem | null;
  /** As the settings want it, and as it is. */
  readonly wanted: 'loopback' | 'lan';
  readonly scope: 'loopback' | 'lan';
  readonly keysTotal: number;
  readonly startedAt: string;
}

const makeKey: Notice['fix'] = {
  kind: 'terminal',
  label: 'Make a key',
  line: 'ranch-hand keys add NAME',
};

/** What the operator has to do about keys and the network. Pure. */
export function accessNotices({ problem, wanted, scope, keysTotal, startedAt }: AccessFacts): Notice[] {
  if (problem !== null) {
    const { sentence, since } = problem;
    return [{ id: 'keys-unreadable', severity: 'problem', sentence, since, fix: makeKey }];
  }
  if (wanted !== 'lan' || scope === 'lan') return [];
  const sentence =
    keysTotal === 0
      ? 'The gateway is to listen on the network, but there is no key yet, so only programs of this machine reach it. Make a key, and it listens there at once.'
      : 'The gateway is to listen on the network, but it could not, so only programs of this machine reach it. The log says why.';
  return [
    { id: 'lan-not-listening', severity: 'warning', sentence, since: startedAt, fix: keysTotal === 0 ? makeKey : null },
  ];
}
