import { describe, expect, it } from 'vitest';
import { chooseTarget } from '../../../../electron/cli/connect/choose-target.ts';
import { apis, type Api, type Places, type Target } from '../../../../electron/cli/connect/connection.ts';
import { connectionLines } from '../../../../electron/cli/connect/connection-text.ts';
import { programs } from '../../../../electron/cli/connect/programs.ts';
import { exampleSnapshot } from '../../../fixtures/example-snapshot.ts';

const places: Places = { home: '/home/ann', env: {}, platform: 'linux' };
const target = (api: Api): Target => ({
  api,
  url: 'http://127.0.0.1:8080',
  model: 'a model:q4',
  contextLength: 65_536,
  maxOutput: 8_192,
  vision: false,
  key: "it's a key",
});

/** Every text of a connection in which an address may stand. */
const textOf = (name: string, api: Api): string =>
  connectionLines(name, programs[name]?.connect(target(api), places) ?? never(), 'linux').join('\n');
const never = (): never => {
  throw new Error('no such program');
};

describe('what a program is told', () => {
  const pairs = Object.entries(programs).flatMap(([name, program]) => program.apis.map((api) => [name, api] as const));

  it.each(pairs)('%s in %s is told the address, the model, the key and what to run', (name, api) => {
    const made = programs[name]?.connect(target(api), places);
    const text = textOf(name, api);
    expect(text).toContain('http://127.0.0.1:8080');
    expect(text).toContain('a model:q4');
    expect(made?.tryOut).not.toBe('');
  });

  it.each([
    ['claude-code', 'anthropic', false],
    ['openclaw', 'anthropic', false],
    ['openclaw', 'ollama', false],
    ['openclaw', 'openai', true],
    ['openclaw', 'responses', true],
    ['opencode', 'openai', true],
    ['opencode', 'anthropic', true],
    ['llm', 'openai', true],
    ['llm', 'ollama', false],
    ['aider', 'openai', true],
    ['aider', 'anthropic', false],
    ['aider', 'ollama', false],
  ] as const)('%s in %s gets its base address with /v1: %s', (name, api, withV1) => {
    expect(textOf(name, api).includes('127.0.0.1:8080/v1')).toBe(withV1);
  });

  it('a key with a quote in it is one word of the shell', () => {
    expect(textOf('openai', 'openai')).toContain(String.raw`export OPENAI_API_KEY='it'\''s a key'`);
  });

  it('every dialect of the command line is spoken by some program', () => {
    const spoken = new Set(Object.values(programs).flatMap((program) => program.apis));
    expect([...spoken].sort()).toEqual([...apis].sort());
  });

  it("a program's own variables say where its file is", () => {
    const env = { CLAUDE_CONFIG_DIR: '/etc/claude', OPENCODE_CONFIG: '/etc/oc.json', LLM_USER_PATH: '/etc/llm' };
    const pathOf = (name: string, api: Api): string | undefined =>
      programs[name]?.connect(target(api), { ...places, env }).file?.path;
    expect(pathOf('claude-code', 'anthropic')).toBe('/etc/claude/settings.json');
    expect(pathOf('opencode', 'openai')).toBe('/etc/oc.json');
    expect(pathOf('llm', 'openai')).toBe('/etc/llm/extra-openai-models.yaml');
  });
});

describe('what it is pointed at', () => {
  const wanted = { api: 'openai', model: undefined, key: undefined, url: undefined } as const;
  const node = exampleSnapshot();

  it('without an agent the usual address, and it says so', () => {
    const { target: chosen, notes } = chooseTarget(wanted, null);
    expect(chosen).toMatchObject({ url: 'http://127.0.0.1:8080', model: 'ranch/auto', key: 'ranch-hand' });
    expect(notes.join()).toContain('No agent is running');
  });

  it("the running agent's address and default model, and half of its length for an answer at most", () => {
    const models = node.models.map((each, index) => ({
      ...each,
      isDefault: index === 0,
      selfTest: false,
      contextLength: 4_096,
      capabilities: ['chat' as const],
    }));
    const { target: chosen } = chooseTarget(wanted, {
      gateway: { ...node.gateway, url: 'http://127.0.0.1:9' },
      models,
    });
    expect(chosen).toMatchObject({ url: 'http://127.0.0.1:9', model: models[0]?.id, maxOutput: 2_048 });
  });

  it('an address is taken with /v1 or a slash at its end, too', () => {
    for (const url of ['http://a:1', 'http://a:1/', 'http://a:1/v1', 'http://a:1/v1/']) {
      expect(chooseTarget({ ...wanted, url }, null).target.url).toBe('http://a:1');
    }
  });

  it('where keys are asked for, one that is missing is told', () => {
    const { target: chosen, notes } = chooseTarget(wanted, { ...node, gateway: { ...node.gateway, keysTotal: 1 } });
    expect(chosen.key).toBe('YOUR_KEY');
    expect(notes.join()).toContain('ranch-hand keys add');
  });
});
