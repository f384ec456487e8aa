import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hello } from '../../callers/script.ts';
import { ScriptedNode } from '../../callers/scripted-node.ts';
import { cli } from '../cli/cli-process.ts';

const hasCurl = spawnSync('curl', ['--version']).status === 0;

describe('the line to try that connect shows for libraries', () => {
  let node: ScriptedNode;
  beforeAll(async () => {
    node = await ScriptedNode.start();
  });
  afterAll(() => node[Symbol.asyncDispose]());

  it.skipIf(!hasCurl).each([
    ['openai', 'openai'],
    ['openai', 'responses'],
    ['anthropic', 'anthropic'],
    ['ollama', 'ollama'],
  ])('%s in %s goes to the running agent and is answered', async (name, api) => {
    const { dataDir } = node.agent;
    const { stdout } = await cli(['connect', name, '--api', api, '--model', 'scripted', '--json'], { dataDir });
    const { tryOut, url } = JSON.parse(stdout) as { tryOut: string; url: string };
    expect(url).toBe(node.agent.gatewayUrl);
    const { stdout: answer } = spawnSync('sh', ['-c', `${tryOut} --noproxy '*'`], { encoding: 'utf8' });
    expect(answer).toContain(hello);
  });
});
