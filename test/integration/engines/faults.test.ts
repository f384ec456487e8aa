import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import type { InferenceRequest } from '../../../electron/agent/inference/request.ts';
import type { WireResponse } from '../../../electron/agent/inference/wire-response.ts';
import { identifyProcess } from '../../../electron/agent/engines/supervisor/process-identity.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import {
  fakeChild,
  fakeEngine,
  fakeOwner,
  gone,
  isAlive,
  realChild,
  startEngines,
  until,
  writeSelfTestModel,
} from './engines-rig.ts';

const stops: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function running(childScript: string) {
  const folder = tempFolder();
  const started = await startEngines(folder, childScript);
  stops.push(
    () => started.catalog.stop(),
    () => started.engines.stop(),
  );
  return { folder, ...started };
}

function chat(body: object): InferenceRequest {
  const stream = 'stream' in body && body.stream === true;
  return {
    trace: 't',
    operation: 'chat',
    model: 'self-test',
    stream,
    dialect: 'openai',
    body: Buffer.from(JSON.stringify(body)),
  };
}

const messages = [{ role: 'user', content: 'hi' }];

/** The body's text, or the text so far with the error that broke it off. */
function read(
  response: WireResponse,
  onPayload: (text: string) => void = () => undefined,
): Promise<{ text: string; error: Error | null }> {
  let text = '';
  return new Promise((resolve) => {
    response.body.pipe({
      raw: () => true,
      payload: (bytes) => {
        text += bytes.toString();
        onPayload(text);
      },
      end: () => resolve({ text, error: null }),
      fail: (error) => resolve({ text, error }),
    });
  });
}

describe('faults of the engine process', () => {
  it('F1 SIGKILL mid-stream: the answer breaks off, the engine comes back and the next request works', async () => {
    const { engines } = await running(realChild);
    const before = await until(engines, ({ state }) => state === 'ready');
    const [upstream] = engines.upstreams();
    if (!upstream || before.pid === null) throw new Error('there is no engine');
    const pid = before.pid;

    // An answer that goes on for long enough: a fixed sentence whose end token is forbidden, so that it starts again.
    const endless = { messages, stream: true, max_tokens: 1_500, logit_bias: { 2: -100 }, temperature: 0 };
    const response = await upstream.generate(chat(endless), new AbortController().signal);
    let killedAtMs = 0;
    // Watched from before the kill: on a busy machine the pause before the restart is over when the answer has ended.
    const goesDown = until(engines, ({ state }) => state === 'backoff');
    const { text, error } = await read(response, () => {
      if (killedAtMs !== 0) return;
      killedAtMs = performance.now();
      process.kill(pid, 'SIGKILL');
    });
    expect(error).not.toBeNull();
    expect(text).not.toContain('[DONE]');
    const down = await goesDown;
    expect(down.sentence).toContain('ended by signal SIGKILL');
    // Who asks meanwhile waits for it.
    const meanwhile = upstream.generate(chat({ messages }), new AbortController().signal);
    const after = await until(engines, ({ state }) => state === 'ready');
    console.log(`ready again ${Math.round(performance.now() - killedAtMs)} ms after SIGKILL`);
    expect(after.pid).not.toBe(pid);
    expect(after).toMatchObject({ restarts: 1, lastExit: { signal: 'SIGKILL' } });
    for (const answer of [await meanwhile, await upstream.generate(chat({ messages }), new AbortController().signal)])
      expect((await read(answer)).text).toContain('This node can load a model and generate text.');
  });

  it('F2 engine exits at once: backoff with the cause, its last line kept', async () => {
    const { engine, load } = fakeEngine(tempFolder(), 'exit-at-once');
    stops.push(() => engine.stop());
    const loading = load();
    const given = expect(loading).rejects.toMatchObject({ code: 'engine_not_ready' });
    const snapshot = await until(engine, ({ state }) => state === 'backoff');
    expect(snapshot.lastExit).toMatchObject({ code: 3, signal: null, lastLines: ['fake engine: no such device'] });
    expect(snapshot.nextTryAt).not.toBeNull();
    expect(engine.log.tail(5).map(({ text }) => text)).toEqual(['fake engine: no such device']);
    await engine.stop();
    await given;
  });

  it('F5 the agent is killed: its engine goes too', async () => {
    const folder = tempFolder();
    const owner = spawn(process.execPath, [fakeOwner, folder, realChild, writeSelfTestModel(folder)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    stops.push(() => void owner.kill('SIGKILL'));
    const [line] = (await once(createInterface({ input: owner.stdout }), 'line')) as [string];
    const pid = Number(line.split(' ')[1]);
    expect(isAlive(pid)).toBe(true);
    owner.kill('SIGKILL');
    console.log(`engine gone ${Math.round(await gone(pid))} ms after its agent was killed`);
  });

  it('F5 what a killed agent left behind is ended at the next start', async () => {
    const folder = tempFolder();
    // A program like ours that does not watch its pipe: it survives its parent.
    const nonce = 'aaaabbbbccccddddeeeeffff00001111';
    const survivor = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)', '--', '--nonce', nonce], {
      detached: true,
      stdio: 'ignore',
    });
    stops.push(() => void survivor.kill('SIGKILL'));
    await once(survivor, 'spawn');
    const pid = survivor.pid ?? 0;
    const identity = await identifyProcess(pid);
    if (!identity) throw new Error('the process has no identity');
    const { startedAt, executable } = identity;
    writeFileSync(
      join(folder, 'engine-processes.json'),
      JSON.stringify([{ engineId: 'embedded', pid, startedAt, executable, nonce, nonceIn: 'arguments' }]),
    );
    const ended = once(survivor, 'exit');
    const { engines, catalog } = await startEngines(folder, fakeChild);
    stops.push(
      () => catalog.stop(),
      () => engines.stop(),
    );
    expect(await ended).toEqual([null, 'SIGKILL']);
  });

  it('F6 a grandchild keeps stdout open: stop returns within ten seconds and the grandchild is gone', async () => {
    const { engine, load } = fakeEngine(tempFolder(), 'hold-stdout');
    stops.push(() => engine.stop());
    await load();
    await until(engine, ({ state }) => state === 'ready');
    const grandchild = Number(engine.log.tail(1)[0]?.text.split(' ')[1]);
    expect(isAlive(grandchild)).toBe(true);
    const startMs = performance.now();
    await engine.stop();
    expect(performance.now() - startMs).toBeLessThan(10_000);
    await gone(grandchild);
  });

  it('an engine that ignores SIGTERM is killed after its patience', async () => {
    const { engine, load } = fakeEngine(tempFolder(), 'ignore-sigterm');
    await load();
    const { pid } = await until(engine, ({ state }) => state === 'ready');
    await engine.stop();
    expect(engine.snapshot()).toMatchObject({ state: 'stopped', pid: null });
    expect(isAlive(pid ?? 0)).toBe(false);
  });

  it('killNow kills an engine deaf to SIGTERM and its grandchild, and no other comes after it', async () => {
    for (const behaviour of ['ignore-sigterm', 'hold-stdout']) {
      const { engine, load } = fakeEngine(tempFolder(), behaviour);
      await load();
      const { pid } = await until(engine, ({ state }) => state === 'ready');
      const grandchild = Number(engine.log.tail(1)[0]?.text.split(' ')[1] ?? 0);
      engine.killNow();
      // Less than the patience that a gentle end has; a machine under load takes its time to reap an orphan.
      expect(await gone(pid ?? 0)).toBeLessThan(4_000);
      if (grandchild > 0) expect(await gone(grandchild)).toBeLessThan(4_000);
      await until(engine, ({ state }) => state === 'stopped');
    }
  });

  it.runIf(process.platform === 'linux')(
    'F8 no port can be stolen: the engine binds a free one itself, and another after each start',
    async () => {
      const { engines } = await running(realChild);
      const first = await until(engines, ({ state }) => state === 'ready');
      const ports = listeningPorts(first.pid ?? 0);
      expect(ports).toHaveLength(1);
      await engines.stopEngine('embedded');
      // Somebody takes the very port the engine had.
      const thief = createServer().listen(ports[0], '127.0.0.1');
      stops.push(() => void thief.close());
      await once(thief, 'listening');
      await engines.startEngine('embedded');
      const second = await until(engines, ({ state }) => state === 'ready');
      const [upstream] = engines.upstreams();
      const answer = await upstream?.generate(chat({ messages }), new AbortController().signal);
      expect(answer?.status).toBe(200);
      expect(listeningPorts(second.pid ?? 0)).not.toEqual(ports);
    },
  );

  it('F9 the list names a foreign process: it is left alone', async () => {
    const folder = tempFolder();
    const foreign = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], { stdio: 'ignore' });
    stops.push(() => void foreign.kill('SIGKILL'));
    await once(foreign, 'spawn');
    const pid = foreign.pid ?? 0;
    const identity = await identifyProcess(pid);
    const remembered = {
      engineId: 'embedded',
      pid,
      startedAt: identity?.startedAt,
      executable: identity?.executable,
      nonce: 'f'.repeat(32),
      nonceIn: 'arguments',
    };
    writeFileSync(join(folder, 'engine-processes.json'), JSON.stringify([remembered]));
    const { engines, catalog } = await startEngines(folder, fakeChild);
    stops.push(
      () => catalog.stop(),
      () => engines.stop(),
    );
    await until(engines, ({ state }) => state === 'ready');
    expect(isAlive(pid)).toBe(true);
  });

  it('the engine gets no variable of the agent and no key in its arguments', async () => {
    process.env['ANTHROPIC_API_KEY'] = 'secret-of-the-operator';
    stops.push(() => {
      delete process.env['ANTHROPIC_API_KEY'];
    });
    const { engine, load } = fakeEngine(tempFolder(), 'ready');
    stops.push(() => engine.stop());
    await load();
    await until(engine, ({ state }) => state === 'ready');
    const answer = await engine.upstream.generate(chat({ messages }), new AbortController().signal);
    const { environment, args } = JSON.parse((await read(answer)).text) as { environment: string[]; args: string[] };
    expect(
      environment.filter(
        (name) => !['LANG', 'LD_LIBRARY_PATH', 'SystemRoot', 'windir', 'TEMP', 'TMP', 'TMPDIR'].includes(name),
      ),
    ).toEqual([]);
    expect(args).toEqual(['--nonce', expect.stringMatching(/^[0-9a-f]{32}$/)]);
  });
});

/** The TCP ports on which a process listens, as the system tells. */
function listeningPorts(pid: number): number[] {
  const own = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
      } catch {
        return [];
      }
    }),
  );
  return readFileSync(`/proc/${pid}/net/tcp`, 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === '0A' && own.has(`socket:[${fields[9] ?? ''}]`))
    .map((fields) => Number.parseInt(fields[1]?.split(':')[1] ?? '', 16));
}
