import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { isProcessAlive } from '../../../electron/host/process-identity.ts';
import { startAgent, type AgentProcess } from '../../fixtures/agent-process.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { testEngine } from '../../fixtures/test-engine.ts';
import { chat, clientOf, complete, enginePids, readyClient, snapshotWhere, until } from './real-agent.ts';

const longStory = {
  prompt: 'Once upon a time',
  stream: true,
  max_tokens: 1_500,
  temperature: 0.8,
  // The tokens that end an answer of the 270M model: without them it goes on to the limit.
  logit_bias: { 1: -100, 106: -100 },
};

/** A reader of a streamed answer that has seen its first token. */
async function underWay(
  agent: AgentProcess,
  body: Readonly<Record<string, unknown>> = longStory,
): Promise<{ rest: () => Promise<string> }> {
  const response = await complete(agent, body);
  expect(response.status).toBe(200);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) throw new Error('the answer has no body');
  let seen = '';
  while (!seen.includes('data: ')) {
    const part = await reader.read();
    if (part.done) throw new Error(`the answer ended before it began: ${seen}`);
    // A caller that has to wait is told so in comments.
    seen += part.value;
  }
  return {
    async rest() {
      let text = seen;
      try {
        for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
      } catch {
        // The connection may be cut after the error event: what came before it counts.
      }
      return text;
    },
  };
}

/** Kills the engine under a streamed answer: what the caller got, and how long it took to be ready again, ms. */
async function killEngineMidStream(
  agent: AgentProcess,
  body: Readonly<Record<string, unknown>>,
): Promise<{ text: string; readyAgain: Promise<number> }> {
  const [pid = 0] = enginePids(await (await readyClient(agent)).snapshot());
  const answer = await underWay(agent, body);
  process.kill(pid, 'SIGKILL');
  const killedAt = performance.now();
  const readyAgain = snapshotWhere(
    agent,
    ({ engines }) => engines[0]?.state === 'ready' && engines[0].pid !== pid,
  ).then(() => performance.now() - killedAt);
  return { text: await answer.rest(), readyAgain };
}

describe('the engine falls', () => {
  it('F1 kill -9 mid-stream: an error event, shown in the snapshot, and the next request works', async (context) => {
    const model = testEngine(context, 'gemma');
    await using agent = await startAgent({ args: ['--set', `models.default=${model}`] });
    const answer = await killEngineMidStream(agent, longStory);
    const lastEvent = answer.text.trim().split('\n\n').at(-1) ?? '';
    expect(JSON.parse(lastEvent.slice('data: '.length))).toMatchObject({
      error: { code: expect.any(String) as string },
    });
    expect(answer.text).not.toContain('[DONE]');
    // The end of the process may be told a moment after the end of the answer.
    const failed = await snapshotWhere(
      agent,
      ({ activity, engines }) => activity.some(({ state }) => state === 'failed') && engines[0]?.lastExit != null,
    );
    expect(failed.engines[0]?.lastExit).toMatchObject({ signal: 'SIGKILL' });
    await answer.readyAgain;
    const next = await chat(agent, { messages: [{ role: 'user', content: 'The sky is' }], max_tokens: 5 });
    expect(next.status).toBe(200);
  });

  it('F1 after a kill -9 the engine is soon ready again, by itself', async () => {
    await using agent = await startAgent();
    // Without its end token the self-test model goes on for as long as it may.
    const answer = await killEngineMidStream(agent, { ...longStory, max_tokens: 7_000, logit_bias: { 2: -100 } });
    expect(answer.text).not.toContain('[DONE]');
    console.log(`ready again ${Math.round(await answer.readyAgain)} ms after the kill`);
    const next = await chat(agent, { messages: [{ role: 'user', content: 'hello' }] });
    expect(next.status).toBe(200);
  });

  it('F5 kill -9 of the agent: its engine goes too, and the next agent starts clean', async () => {
    const dataDir = tempFolder();
    const first = await startAgent({ dataDir });
    const pids = enginePids(await (await readyClient(first)).snapshot());
    await first.kill();
    await until(() => pids.every((pid) => !isProcessAlive(pid)));
    await using second = await startAgent({ dataDir });
    await readyClient(second);
    const response = await chat(second, { messages: [{ role: 'user', content: 'hello' }] });
    expect(response.status).toBe(200);
  });

  it('finishes a running answer when it is told to stop, within gateway.drainMs', async (context) => {
    const model = testEngine(context, 'gemma');
    await using agent = await startAgent({
      args: ['--set', `models.default=${model}`, '--set', 'gateway.drainMs=8000'],
    });
    await readyClient(agent);
    const response = await complete(agent, { ...longStory, max_tokens: 12 });
    const [text, exit] = await Promise.all([response.text(), agent.stop()]);
    expect(text).toContain('[DONE]');
    expect(exit).toEqual({ code: 0, signal: null });
  });

  it('ends a long answer with an error event when gateway.drainMs is over', async (context) => {
    const model = testEngine(context, 'gemma');
    await using agent = await startAgent({
      args: ['--set', `models.default=${model}`, '--set', 'gateway.drainMs=300'],
    });
    await readyClient(agent);
    const answer = await underWay(agent);
    const stopping = agent.stop();
    const text = await answer.rest();
    expect(text).toContain('shutting_down');
    expect(text).not.toContain('[DONE]');
    expect(await stopping).toEqual({ code: 0, signal: null });
  });

  it.skipIf(process.platform === 'win32')(
    'an engine that hangs does not hold up the stop: both are gone, exit 0',
    async () => {
      await using agent = await startAgent();
      const [engine = 0] = enginePids(await (await readyClient(agent)).snapshot());
      await underWay(agent, { ...longStory, max_tokens: 7_000, logit_bias: { 2: -100 } });
      process.kill(engine, 'SIGSTOP');
      // It is killed, and ends otherwise, when it takes longer than an agent may.
      expect(await agent.stop()).toEqual({ code: 0, signal: null });
      expect(isProcessAlive(engine)).toBe(false);
    },
  );

  it.skipIf(process.platform === 'win32')('a second signal ends a hanging engine too, at once', async () => {
    await using agent = await startAgent();
    const client = await readyClient(agent);
    const [engine = 0] = enginePids(await client.snapshot());
    await underWay(agent, { ...longStory, max_tokens: 7_000, logit_bias: { 2: -100 } });
    process.kill(engine, 'SIGSTOP');
    agent.child.kill('SIGTERM');
    // The gateway refuses new connections from the moment that the agent has taken note.
    const { port } = new URL(agent.gatewayUrl);
    await until(async () => {
      const socket = connect(Number(port), '127.0.0.1');
      const refused = await once(socket, 'connect').then(
        () => false,
        () => true,
      );
      socket.destroy();
      return refused;
    });
    agent.child.kill('SIGTERM');
    expect(await agent.exited).toEqual({ code: 1, signal: null });
    await until(() => !isProcessAlive(engine));
  });

  it('hangs up on the engine when the caller hangs up: the slot is free soon', async (context) => {
    const model = testEngine(context, 'gemma');
    await using agent = await startAgent({ args: ['--set', `models.default=${model}`] });
    await readyClient(agent);
    const caller = new AbortController();
    // To its end it would take most of a minute.
    const response = await complete(agent, { ...longStory, max_tokens: 7_000 }, caller.signal);
    await response.body?.getReader().read();
    await snapshotWhere(agent, (snapshot) => snapshot.gateway.inFlight === 1);
    caller.abort();
    await snapshotWhere(
      agent,
      ({ gateway, engines }) => gateway.inFlight === 0 && engines[0]?.slots.busy === 0,
      15_000,
    );
    const { activity } = await clientOf(agent).snapshot();
    expect(activity[0]?.state).toBe('aborted');
  });
});
