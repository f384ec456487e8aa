import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { projectRoot } from '../../../build/bundling/product.ts';
import { cleanEnvironment } from '../../fixtures/agent-process.ts';
import { makeTempFolder, removeFolder } from '../../fixtures/temp-folder.ts';
import { startFakeAgent, type FakeAgent } from './fake-agent.ts';

/** util-linux's script(1) lends a program a terminal; its options differ elsewhere. */
const canLendTerminal = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0;

const screenOn = '\u001b[?1049h';
const screenOff = '\u001b[?1049l';

/** A command line on a terminal of its own. */
class OnTerminal implements AsyncDisposable {
  readonly #child;
  readonly ended: Promise<{ readonly exitCode: number | null; readonly shown: string }>;
  #shown = '';
  #over = false;
  #wake: () => void = () => undefined;

  constructor(words: string, dataDir: string, env: Readonly<Record<string, string>> = {}) {
    const command = `stty cols 80 rows 24; '${process.execPath}' '${join(projectRoot, 'dist/cli.js')}' ${words}`;
    const environment = cleanEnvironment({ ...env, RANCH_HAND_DATA_DIR: dataDir, TERM: 'xterm-256color' });
    if (env['NO_COLOR'] === undefined) delete environment['NO_COLOR'];
    this.#child = spawn('script', ['-qefc', command, '/dev/null'], { env: environment, stdio: 'pipe' });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#shown += text;
      this.#wake();
    });
    this.ended = new Promise((resolve) => {
      this.#child.on('close', (exitCode) => {
        this.#over = true;
        this.#wake();
        resolve({ exitCode, shown: this.#shown });
      });
    });
  }

  type(keys: string): void {
    this.#child.stdin.write(keys);
  }

  async until(text: string): Promise<void> {
    while (!this.#shown.includes(text)) {
      if (this.#over) throw new Error(`It ended first:\n${this.#shown}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#over) this.#child.kill('SIGKILL');
    await this.ended;
  }
}

describe.runIf(canLendTerminal)('on a terminal', () => {
  let dataDir: string;
  let agent: FakeAgent;

  beforeEach(async () => {
    dataDir = makeTempFolder();
    agent = await startFakeAgent(dataDir);
  });
  afterEach(async () => {
    await agent[Symbol.asyncDispose]();
    removeFolder(dataDir);
  });

  it.each([
    ['q', 'q'],
    ['Ctrl-C', '\u0003'],
  ])('status --watch redraws in place, in colour, and %s gives the terminal back', async (_name, key) => {
    await using watch = new OnTerminal('status --watch', dataDir);
    await watch.until('35.6 tok/s');
    agent.order({ do: 'speed', tokensPerSecond: 99.5 });
    await watch.until('99.5 tok/s');
    watch.type(key);
    const { exitCode, shown } = await watch.ended;
    expect(exitCode).toBe(0);
    expect(shown.startsWith(screenOn)).toBe(true);
    expect(shown.trimEnd().endsWith(screenOff)).toBe(true);
    expect(shown.split('\u001b[H')).toHaveLength(3);
    expect(shown).toContain('\u001b[32m● serving');
  });

  it('NO_COLOR takes the colours and leaves the words', async () => {
    await using plain = new OnTerminal('status', dataDir, { NO_COLOR: '1' });
    const { shown } = await plain.ended;
    expect(shown).toContain('● serving');
    expect(shown).not.toContain('\u001b');
  });

  it('F5 shows no stale figures while the agent is away', async () => {
    await using watch = new OnTerminal('status --watch', dataDir);
    await watch.until('35.6 tok/s');
    await agent.kill();
    await watch.until('⊘ away');
    watch.type('q');
    const { shown } = await watch.ended;
    expect(shown.slice(shown.indexOf('⊘ away'))).not.toContain('tok/s');
  });

  it('asks for a key without showing it, gives the terminal back, and sends it', async () => {
    const secrets = [{ provider: 'anthropic', state: 'missing', store: null, sentence: null }];
    agent.order({ do: 'answer', query: 'secrets', answer: { secrets } });
    await using question = new OnTerminal('secrets set anthropic; stty -a', dataDir);
    await question.until('Key of anthropic (it is not shown): ');
    question.type('sk-wrong\u0015sk-canary-1\r');
    const { shown } = await question.ended;
    const sent = agent.requests().find(({ path }) => path.endsWith('/commands/secrets.set'));
    expect(sent?.body).toEqual({ provider: 'anthropic', value: 'sk-canary-1' });
    expect(shown).toContain('The key of anthropic is kept.');
    expect(shown).not.toContain('sk-');
    expect(shown).toMatch(/\sicanon .*\secho /s);
  });

  it('sends no key when the question is given up', async () => {
    const secrets = [{ provider: 'anthropic', state: 'set', store: 'file', sentence: null }];
    agent.order({ do: 'answer', query: 'secrets', answer: { secrets } });
    await using question = new OnTerminal('secrets set anthropic', dataDir);
    await question.until('(it is not shown)');
    question.type('sk-canary\u0003');
    const { exitCode, shown } = await question.ended;
    expect(exitCode).toBe(130);
    expect(shown).toContain('Nothing was changed. [interrupted]');
    expect(shown).not.toContain('sk-');
    expect(agent.requests().some(({ path }) => path.includes('/commands/'))).toBe(false);
  });

  it('B71 a node with a hostile name cannot touch the screen', async () => {
    agent.order({ do: 'name', name: 'evil\u001b]0;owned\u0007\u001b[2J\u202e' });
    await using shownOnce = new OnTerminal('status', dataDir, { NO_COLOR: '1' });
    const { shown } = await shownOnce.ended;
    expect(shown).toContain('evil');
    expect(shown).not.toMatch(/[\u001b\u0007\u202e]/);
  });

  it("B71 a model's words cannot touch the screen", async () => {
    agent.order({ do: 'chat', manner: 'answer', pieces: ['one\n\u001b', '[2Jtwo', '\u009b31m'] });
    await using answer = new OnTerminal('run falcon hello', dataDir, { NO_COLOR: '1' });
    const { exitCode, shown } = await answer.ended;
    expect(exitCode).toBe(0);
    expect(shown).toContain('one\r\n\\x1b[2Jtwo\\x9b31m');
    expect(shown).not.toMatch(/[\u001b\u009b]/);
  });
});
