/**
 * Asks the system's keyring for one thing and ends: `node keyring-child.ts`, with a line of JSON on standard input. A
 * process of its own, because the keyring may ask a person for a password first, its client library is native code, and
 * the agent has to outlive both. It ends at once when whoever started it does.
 */
import { createInterface } from 'node:readline';
import type { AsyncEntry } from '@napi-rs/keyring';
import { keyringService, type KeyringReply, type KeyringRequest } from './keyring-protocol.ts';

type OpenEntry = (account: string) => AsyncEntry;

async function loadLibrary(): Promise<OpenEntry | null> {
  try {
    const { AsyncEntry } = await import('@napi-rs/keyring');
    // Of the two stores of Linux the kernel's forgets everything at the next start of the machine.
    return (account) => new AsyncEntry(keyringService, account, { linux: { store: 'secret-service' } });
  } catch {
    return null;
  }
}

async function answer(request: KeyringRequest): Promise<KeyringReply> {
  const open = await loadLibrary();
  if (open === null) return { kind: 'no-library' };
  try {
    const entry = open(request.account);
    switch (request.op) {
      case 'get': {
        const value = await entry.getPassword();
        return value === null ? { kind: 'none' } : { kind: 'value', value };
      }
      case 'set': {
        await entry.setPassword(request.value);
        // Some keyrings take everything and keep nothing.
        const kept = await entry.getPassword();
        return kept === request.value ? { kind: 'done' } : { kind: 'failed', message: 'the entry was not kept' };
      }
      case 'delete':
        await entry.deleteCredential();
        return { kind: 'done' };
    }
  } catch (error) {
    return { kind: 'failed', message: error instanceof Error ? error.message : 'unknown' };
  }
}

const lines = createInterface({ input: process.stdin });
process.stdin.once('end', () => process.exit(0));
lines.once('line', (line) => {
  void answer(JSON.parse(line) as KeyringRequest).then((reply) => {
    process.stdout.write(`${JSON.stringify(reply)}\n`, () => process.exit(0));
  });
});
