import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { NodeSnapshot } from '../../../electron/contract/snapshot.ts';
import { startAgent, type AgentProcess } from '../../fixtures/agent-process.ts';
import { makeTempFolder, removeFolder } from '../../fixtures/temp-folder.ts';
import { FakeOpenAi } from '../../fakes/fake-openai-process.ts';
import { clientOf, snapshotWhere } from './real-agent.ts';

/** Words that stand for what must stay where it belongs. */
const prompt = 'CanaryPromptQuokka';
const answered = 'CanaryAnswerNumbat';
const providerKey = 'canaryproviderkeywombat0123456789';

let fake: FakeOpenAi;
let agent: AgentProcess;
let dataDir: string;
let callerKey: string;

beforeAll(async () => {
  fake = await FakeOpenAi.start();
  dataDir = makeTempFolder();
  const settings = {
    version: 1,
    log: { level: 'debug' },
    upstreams: [
      {
        id: 'beside',
        url: `http://127.0.0.1:${fake.port}`,
        keyEnv: 'BESIDE_KEY',
        slots: 4,
        models: [
          {
            id: 'fake-model',
            contextLength: 8192,
            capabilities: ['chat', 'completion', 'embedding', 'tools', 'json', 'vision'],
          },
        ],
      },
    ],
  };
  writeFileSync(join(dataDir, 'config.json'), JSON.stringify(settings));
  agent = await startAgent({
    dataDir,
    env: { BESIDE_KEY: providerKey, RANCH_HAND_ENGINES_EMBEDDED_ENABLED: 'false' },
  });
  const made = (await clientOf(agent).command('keys.add', { name: 'canary', policy: {} })) as { key: string };
  callerKey = made.key;
}, 60_000);

afterAll(async () => {
  await agent[Symbol.asyncDispose]();
  removeFolder(dataDir);
  await fake[Symbol.asyncDispose]();
});

const post = async (path: string, body: unknown): Promise<{ status: number; text: string; headers: string }> => {
  const answer = await fetch(agent.gatewayUrl + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': callerKey, 'x-session-id': 'a' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: answer.status, text: await answer.text(), headers: JSON.stringify([...answer.headers]) };
};

function filesIn(folder: string): { name: string; bytes: Buffer }[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((name) => ({ name, bytes: readFileSync(name) }));
}

it('texts stay with caller and upstream, the server key in its header, and the caller key nowhere at all', async () => {
  const model = 'fake-model';
  const messages = [{ role: 'user', content: `Say ${prompt}` }];
  const bodies: readonly (readonly [string, Record<string, unknown>])[] = [
    ['/v1/chat/completions', { model, messages, user: prompt, metadata: { note: prompt } }],
    ['/v1/completions', { model, prompt }],
    ['/v1/embeddings', { model, input: prompt }],
    ['/v1/responses', { model, input: prompt, instructions: prompt }],
    ['/v1/messages', { model, max_tokens: 9, messages, system: prompt, metadata: { user_id: prompt } }],
    ['/v1/messages/count_tokens', { model, messages }],
    ['/api/chat', { model, messages }],
    ['/api/generate', { model, prompt, system: prompt }],
    ['/api/embed', { model, input: prompt }],
  ];
  const answers: string[] = [];
  const refusal = JSON.stringify({ error: { message: `Cannot do ${prompt} with ${providerKey}.`, type: 'x' } });
  const behaviours = [
    { text: `${answered} ` },
    {
      fault: 'raw',
      raw: `HTTP/1.1 400 X\r\nContent-Type: application/json\r\nContent-Length: ${refusal.length}\r\n\r\n${refusal}`,
    },
    {
      fault: 'raw',
      raw: `HTTP/1.1 200 X\r\nContent-Type: text/html\r\nContent-Length: ${prompt.length}\r\n\r\n${prompt}`,
    },
    { text: `${answered} `, fault: 'cut', afterTokens: 2 },
  ] as const;
  await snapshotWhere(agent, ({ notices }) => notices.length >= 0);
  for (const behaviour of behaviours) {
    for (const [path, body] of bodies) {
      for (const stream of [false, true]) {
        await fake.behave(behaviour);
        const { status, text, headers } = await post(path, { ...body, stream });
        answers.push(headers, text);
        if (behaviour === behaviours[0]) expect(status, `${path}: ${text}`).toBe(200);
      }
    }
  }
  expect((await fake.state()).lastHead).toContain(providerKey);
  await fake.behave({});
  for (const [path] of bodies) {
    answers.push((await post(path, `{"model":"fake-model","messages":[{"role":"${prompt}"`)).text);
    answers.push(
      (
        await post(path, {
          model,
          messages: [{ role: prompt, content: prompt }],
          input: { prompt },
          prompt: { prompt },
        })
      ).text,
    );
  }

  const metrics = await fetch(`${agent.gatewayUrl}/metrics`, { headers: { 'x-api-key': callerKey } });
  const told = {
    metrics: await metrics.text(),
    traces: JSON.stringify(await clientOf(agent).query('traces', { limit: 100 })),
    sessions: JSON.stringify(await clientOf(agent).query('sessions', {})),
    keys: JSON.stringify(await clientOf(agent).query('keys', {})),
    snapshot: JSON.stringify(await snapshotWhere(agent, (snapshot: NodeSnapshot) => snapshot.activity.length > 0)),
    output: agent.output,
  };
  expect(told.traces).toContain('"beside"');
  expect(told.output).toContain('answers at');
  // Files as they are after the agent has written everything.
  expect((await agent.stop()).code).toBe(0);
  const kept = filesIn(dataDir).map(({ name, bytes }) => [name, bytes.toString('latin1')] as const);
  expect(kept.map(([name]) => name).join()).toContain('traces.db');
  // What is looked through is what would have them.
  expect(kept.find(([name]) => name.endsWith('traces.db'))?.[1]).toContain('beside');
  for (const [place, text] of [...Object.entries(told), ...kept]) {
    for (const secret of [prompt, answered, providerKey, callerKey]) {
      expect(text.includes(secret), `${secret} in ${place}`).toBe(false);
    }
  }
  for (const answer of answers) {
    expect(answer).not.toContain(providerKey);
    expect(answer).not.toContain(callerKey);
  }
}, 90_000);
