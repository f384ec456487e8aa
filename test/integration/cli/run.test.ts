import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeTempFolder, removeFolder } from '../../fixtures/temp-folder.ts';
import { cli, CliProcess, jsonLines } from './cli-process.ts';
import { startFakeAgent, type FakeAgent } from './fake-agent.ts';

describe('ranch-hand run', () => {
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

  it('prints the answer alone on stdout, and the figures on stderr', async () => {
    const outcome = await cli(['run', 'falcon', 'Say hello.'], { dataDir });
    expect(outcome).toMatchObject({ exitCode: 0, stdout: 'Hello.\n' });
    expect(outcome.stderr).toMatch(/^3 tokens · .*first token after .* in all\n$/);
    expect((await agent.heard('request', '/control/v1/chat')).body).toMatchObject({
      model: 'falcon',
      messages: [{ role: 'user', content: 'Say hello.' }],
      stream: true,
    });
  });

  it('reads the prompt from a pipe', async () => {
    await cli(['run', 'falcon'], { dataDir, input: 'From\na pipe' });
    expect((await agent.heard('request', '/control/v1/chat')).body).toMatchObject({
      messages: [{ role: 'user', content: 'From\na pipe' }],
    });
  });

  it('--json streams one event a line and ends with the figures', async () => {
    const outcome = await cli(['run', 'falcon', 'Hi', '--json'], { dataDir });
    expect(outcome).toMatchObject({ exitCode: 0, stderr: '' });
    expect(jsonLines(outcome.stdout)).toMatchObject([
      { type: 'text', text: 'Hel' },
      { type: 'text', text: 'lo' },
      { type: 'text', text: '.' },
      { type: 'done', finishReason: 'stop', promptTokens: 5, completionTokens: 3 },
    ]);
  });

  it('shows each piece as it comes, and Ctrl-C stops the agent from working on', async () => {
    agent.order({ do: 'chat', manner: 'endless' });
    await using answer = new CliProcess(['run', 'falcon', 'Go on.'], { dataDir });
    await answer.until((stdout) => stdout === 'Hello.');
    answer.child.kill('SIGINT');
    expect(await answer.ended).toEqual({
      exitCode: 130,
      stdout: 'Hello.\n',
      stderr: 'ranch-hand: The answer was stopped. [interrupted]\n',
    });
    await agent.heard('gone', '/control/v1/chat');
  });

  it('SIGTERM ends it with the code that shells give', async () => {
    agent.order({ do: 'chat', manner: 'endless' });
    await using answer = new CliProcess(['run', 'falcon', 'Go on.'], { dataDir });
    await answer.until((stdout) => stdout === 'Hello.');
    answer.child.kill('SIGTERM');
    expect((await answer.ended).exitCode).toBe(143);
  });

  it('B41 an unknown model ends with 1 and the code', async () => {
    agent.order({ do: 'chat', manner: 'unknown-model' });
    expect(await cli(['run', 'nobody', 'Hi'], { dataDir })).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'ranch-hand: There is no model with that name here. [model_not_found]\n',
    });
  });

  it('F1 an engine that dies in the middle ends with 1: what came is kept, the reason is told', async () => {
    agent.order({ do: 'chat', manner: 'error-event' });
    expect(await cli(['run', 'falcon', 'Hi'], { dataDir })).toEqual({
      exitCode: 1,
      stdout: 'Hello.\n',
      stderr: 'ranch-hand: The engine ended in the middle of the answer. [engine_failed]\n',
    });
  });

  it('an answer that breaks off is never taken for a whole one', async () => {
    agent.order({ do: 'chat', manner: 'break-off' });
    const outcome = await cli(['run', 'falcon', 'Hi', '--json'], { dataDir });
    expect(outcome.exitCode).toBe(1);
    expect(outcome.stdout).not.toContain('done');
    expect(outcome.stderr).toContain('[connection_lost]');
  });

  it('B71 hostile words stay inside their JSON line', async () => {
    const pieces = ['\u001b[2J', 'a\nb', '\u009b31m\u202e'];
    agent.order({ do: 'chat', manner: 'answer', pieces });
    const { stdout } = await cli(['run', 'falcon', 'Hi', '--json'], { dataDir });
    expect(stdout).not.toMatch(/(?!\n)[\p{Cc}\p{Bidi_Control}]/u);
    expect(jsonLines(stdout).slice(0, 3)).toEqual(pieces.map((text) => ({ type: 'text', text })));
  });
});
