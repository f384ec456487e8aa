import { afterEach, describe, expect, it, vi } from 'vitest';
import type { EngineRecord } from '../../../electron/agent/engines/supervisor/transition.ts';
import { isAlive } from './engines-rig.ts';
import { read, request, supervise, type Supervised } from './supervised-rig.ts';

const running: Supervised[] = [];
afterEach(async () => {
  for (const supervised of running.splice(0)) await supervised.stop();
});

function supervised(...options: Parameters<typeof supervise>): Supervised {
  const started = supervise(...options);
  running.push(started);
  return started;
}

const never = new AbortController().signal;
const pidOf = ({ state }: EngineRecord): number => ('pid' in state ? state.pid : 0);
const minuteMs = 60_000;

/** Moves time on in steps, as it passes, so that whatever looks every few seconds does. */
function pass({ clock }: Supervised, ms: number): void {
  for (let passed = 0; passed < ms; passed += 1_000) clock.advance(1_000);
}

describe('a supervised process', () => {
  it('F1 killed mid-stream ten times, half a minute after it was ready: each time told, each time back', async () => {
    const engine = supervised({ words: [] });
    await engine.supervisor.start();
    const pids = new Set<number>();
    for (let kill = 0; kill < 10; kill += 1) {
      const pid = pidOf(await engine.until('ready'));
      pids.add(pid);
      engine.clock.advance(30_000);
      const answer = await engine.upstream.generate(request(true), never);
      let killed = false;
      const { text, error } = await read(answer, (soFar) => {
        // Several pieces may come at once.
        if (!killed) process.kill(pid, 'SIGKILL');
        killed = soFar.length > 0;
      });
      expect(error).toMatchObject({ code: 'upstream_failed' });
      expect(text).not.toContain('[DONE]');
      const { state, lastExit } = await engine.until('backoff');
      expect(lastExit).toMatchObject({ signal: 'SIGKILL' });
      engine.clock.advance(state.kind === 'backoff' ? state.delayMs : 0);
      await engine.until('ready');
      const next = await engine.upstream.generate(request(true), never);
      expect((await read(next)).text).toContain('[DONE]');
    }
    expect(pids.size).toBe(10);
    expect([...pids].filter(isAlive)).toEqual([]);
  });

  it('F2 exits at once: five tries, then failed with its last 50 lines', async () => {
    const engine = supervised({ words: ['exit-at-once'] });
    await engine.supervisor.start();
    for (;;) {
      const { state } = await engine.until('backoff', 'failed');
      if (state.kind !== 'backoff') break;
      const restarted = engine.until('starting');
      engine.clock.advance(state.delayMs);
      await restarted;
    }
    expect(engine.launcher.pids).toHaveLength(5);
    const { lastExit } = engine.supervisor.record;
    expect(lastExit).toMatchObject({ code: 3, signal: null, reason: 'ended by itself with code 3' });
    expect(lastExit?.lastLines).toEqual(Array.from({ length: 50 }, (_, index) => `line ${index + 11}`));
    engine.clock.advance(60 * minuteMs);
    expect(engine.supervisor.record.state.kind).toBe('failed');
  });

  it('F3 wedged while its health is ok: SIGTERM, ignored, then SIGKILL after 5 s; the slot is back', async () => {
    const engine = supervised({ words: ['wedge', 'ignore-sigterm'] });
    await engine.supervisor.start();
    const pid = pidOf(await engine.until('ready'));
    pass(engine, minuteMs);
    const answer = await engine.upstream.generate(request(true), never);
    const second = Promise.withResolvers<null>();
    const broken = read(answer, (text) => {
      if (text.length >= 2 * 'data: hello\n\n'.length) second.resolve(null);
    });
    await second.promise;
    const health = await fetch(`http://127.0.0.1:${engine.launcher.port}/health`);
    expect(await health.json()).toEqual({ status: 'ok' });

    pass(engine, 115_000);
    expect(engine.supervisor.record.state.kind).toBe('ready');
    pass(engine, 10_000);
    const asked = await engine.until('stopping');
    expect(asked.state).toMatchObject({ then: 'backoff' });
    await engine.launcher.said('not yet');
    expect(isAlive(pid)).toBe(true);
    engine.clock.advance(5_000);
    const { lastExit } = await engine.until('backoff');
    expect(lastExit).toMatchObject({
      signal: 'SIGKILL',
      reason: expect.stringMatching(/^made no progress for 12\d s$/) as string,
    });
    expect((await broken).error).toMatchObject({ code: 'upstream_failed' });
    expect(isAlive(pid)).toBe(false);

    engine.clock.advance(1_000);
    expect(pidOf(await engine.until('ready'))).not.toBe(pid);
    const next = await engine.upstream.generate(request(false), never);
    expect((await read(next)).text).toBe('{"text":"hello"}');
  });

  it('F4 health is silent during a long prompt: not killed inside its deadline', async () => {
    const engine = supervised({ words: ['silent-health', 'answer-until-told'] });
    await engine.supervisor.start();
    const pid = pidOf(await engine.until('ready'));
    const answer = engine.upstream.generate(request(true), never);
    await engine.launcher.said('asked');
    pass(engine, 150_000);
    expect(pidOf(engine.supervisor.record)).toBe(pid);
    expect(engine.supervisor.record.state.kind).toBe('ready');
    await engine.launcher.order('answer');
    expect((await read(await answer)).text).toContain('[DONE]');
  });

  it('F11 something keeps killing our engine: the third time it is a conflict, and nothing is started', async () => {
    const engine = supervised({ words: [] });
    await engine.supervisor.start();
    for (let kill = 1; kill <= 3; kill += 1) {
      process.kill(pidOf(await engine.until('ready')), 'SIGKILL');
      const { state } = await engine.until('backoff', 'conflict');
      expect(state.kind).toBe(kill < 3 ? 'backoff' : 'conflict');
      if (state.kind === 'backoff') engine.clock.advance(state.delayMs);
    }
    pass(engine, 20 * minuteMs);
    expect(engine.launcher.pids).toHaveLength(3);
    expect(engine.supervisor.record.state.kind).toBe('conflict');
    await engine.supervisor.start();
    await engine.until('ready');
  });

  it('F12 runs out of memory while loading: named so, failed at once, not loaded again', async () => {
    const engine = supervised({
      command: [
        process.execPath,
        '--max-old-space-size=24',
        new URL('../../fakes/fake-served-process.ts', import.meta.url).pathname,
        'exhaust-memory',
      ],
    });
    await engine.supervisor.start();
    const { state, lastExit } = await engine.until('failed', 'backoff');
    expect(state).toMatchObject({ kind: 'failed', cause: 'memory' });
    expect(lastExit?.reason).toContain('ran out of memory');
    expect(lastExit?.lastLines.join('\n')).toContain('heap out of memory');
    pass(engine, 20 * minuteMs);
    expect(engine.launcher.pids).toHaveLength(1);
  });

  it('F13 a load of 8 min is not killed, one beyond its deadline is', async () => {
    const engine = supervised({ words: ['load-until-told'] }, { loadDeadlineMs: () => 15 * minuteMs });
    await engine.supervisor.start();
    await engine.until('loading');
    await vi.waitUntil(() => engine.launcher.port > 0, { timeout: 30_000 });
    pass(engine, 8 * minuteMs);
    const pid = pidOf(engine.supervisor.record);
    expect(isAlive(pid)).toBe(true);
    await engine.launcher.order('ready');
    await engine.until('ready');

    await engine.supervisor.restart();
    const slow = pidOf(await engine.until('loading'));
    expect(slow).not.toBe(pid);
    pass(engine, 15 * minuteMs);
    const { lastExit } = await engine.until('backoff');
    expect(lastExit).toMatchObject({ signal: 'SIGTERM', reason: 'did not become ready within 15 min' });
    expect(isAlive(slow)).toBe(false);
  });

  it('F14 an answer of 12 min that is not streamed is delivered', async () => {
    const engine = supervised({ words: ['answer-until-told'] });
    await engine.supervisor.start();
    await engine.until('ready');
    const answer = engine.upstream.generate(request(false), never);
    await engine.launcher.said('asked');
    pass(engine, 12 * minuteMs);
    await engine.launcher.order('answer');
    expect(await read(await answer)).toEqual({ text: '{"text":"hello"}', error: null });
    expect(engine.launcher.pids).toHaveLength(1);
  });

  it('a program that writes without end and without a line break is not held up by it', async () => {
    const engine = supervised({ words: ['flood'] });
    await engine.supervisor.start();
    await engine.until('ready');
    expect(Math.max(...engine.launcher.lines.map((line) => line.length))).toBe(4_096);
  });
});
