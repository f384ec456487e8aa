import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { announce, curlCommand } from '../../../build/starting/announcement.ts';

const facts = {
  platform: 'linux' as const,
  gatewayUrl: 'http://127.0.0.1:8080',
  panelUrl: 'http://127.0.0.1:4000/sign-in?ticket=abc',
  model: 'self-test',
  foundRunning: false,
  notYet: undefined,
  noTray: undefined,
};

describe('curlCommand', () => {
  it.skipIf(process.platform === 'win32')('survives a POSIX shell with any model name', () => {
    const command = curlCommand('linux', 'http://127.0.0.1:1', `it's "$HOME" \`x\` \\n`);
    const printed = execFileSync('sh', ['-c', `curl() { for a in "$@"; do printf '%s\\n' "$a"; done; }; ${command}`]);
    const body = printed.toString().trimEnd().split('\n').at(-1) ?? '';
    expect(JSON.parse(body)).toMatchObject({ model: `it's "$HOME" \`x\` \\n`, stream: true });
  });

  it('quotes for the Windows shell with double quotes only', () => {
    const command = curlCommand('win32', 'http://127.0.0.1:8080', 'm');
    expect(command).not.toContain("'");
    expect(command).toContain('\\"model\\":\\"m\\"');
  });

  it('names no model where there is none', () => {
    expect(curlCommand('linux', 'http://127.0.0.1:8080', undefined)).not.toContain('model');
  });
});

describe('announce', () => {
  it('prints the panel, the API and a line to paste', () => {
    const text = announce(facts).join('\n');
    expect(text).toContain(facts.panelUrl);
    expect(text).toContain('http://127.0.0.1:8080/v1\n');
    expect(text).toContain('curl -N');
    expect(text).toContain('Ctrl-C');
  });

  it('says that a node which ran already is left running', () => {
    const text = announce({ ...facts, foundRunning: true }).join('\n');
    expect(text).toContain('left running');
    expect(text).not.toContain('Ctrl-C');
  });

  it('says why it cannot answer yet', () => {
    const text = announce({ ...facts, notYet: 'The engine is loading its model.' }).join('\n');
    expect(text).toContain('does not answer yet: The engine is loading its model.');
  });

  it('says in one line why there is no tray', () => {
    const lines = announce({ ...facts, noTray: 'No tray: reason' });
    expect(lines.filter((line) => line.includes('No tray'))).toEqual(['  No tray: reason']);
  });
});
