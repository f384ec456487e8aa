import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { Availability } from '../../../electron/agent/telemetry/availability.ts';
import { outageSchema } from '../../../electron/contract/control.ts';
import type { EngineSnapshot } from '../../../electron/contract/snapshot.ts';
import { engine as plain } from './node-parts.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

let folder: string;
let clock: ManualClock;
let availability: Availability;

async function open(writeEveryMs = 12 * hourMs): Promise<Availability> {
  const file = path.join(folder, 'availability.json');
  availability = new Availability({ file, writeEveryMs }, { clock, logger: silentLogger });
  await availability.start();
  return availability;
}

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'ranch-hand-test-'));
  clock = new ManualClock();
  await open();
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

type Engine = Partial<EngineSnapshot>;

/** Lets time go by in steps of ten seconds, observing one engine at the beginning and end of each. */
function live(durationMs: number, state: Engine | Engine['state'] = 'ready', nodeReady?: boolean): void {
  const change = typeof state === 'string' ? { state, sentence: `It is ${state}.` } : state;
  const engine = { ...plain, since: new Date(clock.now()).toISOString(), ...change };
  const ready = nodeReady ?? ['ready', 'adopted'].includes(engine.state);
  availability.observe({ engines: [engine], nodeReady: ready });
  for (let passedMs = 0; passedMs < durationMs; passedMs += 10_000) {
    clock.advance(10_000);
    availability.observe({ engines: [engine], nodeReady: ready });
  }
}

const at = (ms: number): string => new Date(Date.UTC(2026, 0, 1) + ms).toISOString();

describe('availability', () => {
  it('is not known before some of a period was measured', () => {
    live(50 * minuteMs);
    expect(availability.figures()).toEqual({ day: null, week: null, month: null });
    live(20 * minuteMs);
    expect(availability.figures()).toEqual({ day: 1, week: null, month: null });
    live(dayMs);
    expect(availability.figures()).toEqual({ day: 1, week: 1, month: null });
  });

  it('is the share of the measured time that was ready, of the node and of each engine', () => {
    live(9 * hourMs);
    live(hourMs, 'failed');
    expect(availability.figures().day).toBeCloseTo(0.9, 3);
    expect(availability.figuresOf('embedded').day).toBeCloseTo(0.9, 3);
    expect(availability.figuresOf('nobody')).toEqual({ day: null, week: null, month: null });
    // Another engine answers meanwhile.
    live(10 * hourMs, 'failed', true);
    expect(availability.figures().day).toBeCloseTo(0.95, 3);
    expect(availability.figuresOf('embedded').day).toBeCloseTo(0.45, 3);
  });

  it('keeps what it measured whatever an engine says of its outage, be that ever so long', async () => {
    live(2 * hourMs);
    live(hourMs, { state: 'failed', sentence: `It wrote: ${'x'.repeat(5_000)}` });
    await availability.stop();
    await open();
    expect(readdirSync(folder)).toEqual(['availability.json']);
    expect(availability.figures().day).toBeCloseTo(2 / 3, 2);
    expect(availability.outages()[0]?.cause).toMatch(/^It wrote: x+$/);
  });

  it('never says 100 % where there was an outage', () => {
    live(23 * hourMs);
    live(10_000, 'failed');
    live(minuteMs);
    expect(availability.figures().day).toBeLessThan(1);
  });

  it('lists outages with their causes, newest first, and the one that lasts without an end', () => {
    live(hourMs);
    const lastExit = { at: at(hourMs), code: null, signal: 'SIGKILL', reason: 'was killed', lastLines: [] };
    live(minuteMs, { state: 'backoff', lastExit });
    live(minuteMs, { state: 'loading', lastExit });
    live(hourMs);
    live(minuteMs, 'conflict');
    const outages = availability.outages();
    expect(outages.map((outage) => outageSchema.parse(outage))).toEqual(outages);
    expect(outages.filter(({ engineId }) => engineId === null)).toEqual([
      { engineId: null, from: at(2 * hourMs + 2 * minuteMs), to: null, cause: 'It is conflict.' },
      { engineId: null, from: at(hourMs), to: at(hourMs + 2 * minuteMs), cause: 'The engine was killed.' },
    ]);
    expect(outages).toHaveLength(4);
    live(0);
    expect(availability.outages().every(({ to }) => to !== null)).toBe(true);
  });

  it('leaves out what the operator stopped and what was never there, not what went away', () => {
    live(2 * hourMs, 'absent');
    live(2 * hourMs);
    live(2 * hourMs, 'stopped');
    expect(availability.figuresOf('embedded').day).toBe(1);
    expect(availability.figures().day).toBe(1);
    live(2 * hourMs, { state: 'stopped', ownership: 'adopted', sentence: 'Ollama went away.' });
    expect(availability.figuresOf('embedded').day).toBe(0.5);
    expect(availability.outages()[0]).toMatchObject({ cause: 'Ollama went away.', to: null });
  });

  it('is kept over a stop, whose time is left out', async () => {
    live(2 * hourMs);
    await availability.stop();
    clock.advance(5 * hourMs);
    await open();
    live(minuteMs);
    expect(availability.figures().day).toBe(1);
    expect(availability.outages()).toEqual([]);
  });

  it('counts the time after the agent was killed as an outage, with its cause', async () => {
    await open(minuteMs);
    live(2 * hourMs);
    // Not stopped: the file is that of the last minute. Time goes on without it.
    clock = new ManualClock(clock.now() + hourMs);
    await open();
    live(hourMs);
    const { day } = availability.figuresOf('embedded');
    expect(day).toBeCloseTo(0.75, 2);
    expect(availability.figures().day).toBe(day);
    expect(availability.outages()[0]).toMatchObject({
      to: at(3 * hourMs),
      cause: 'The agent did not run: it ended without being told to.',
    });
  });

  it('begins anew when the file is damaged, and puts that aside', async () => {
    live(2 * hourMs);
    await availability.stop();
    writeFileSync(path.join(folder, 'availability.json'), '{"version":1,');
    await open();
    expect(availability.figures().day).toBeNull();
    expect(readdirSync(folder).some((name) => name.startsWith('availability.json.corrupt-'))).toBe(true);
  });

  it('F22 a clock that is set forth and back makes neither an outage nor readiness', () => {
    live(2 * hourMs);
    clock.setWallTime(clock.now() + dayMs);
    live(hourMs);
    clock.setWallTime(clock.now() - dayMs);
    live(hourMs, 'failed');
    expect(availability.figures().day).toBeCloseTo(2 / 3, 2);
  });

  it('F21 a machine that slept is no outage', () => {
    live(hourMs + minuteMs);
    clock.advance(8 * hourMs);
    live(minuteMs);
    expect(availability.figures().day).toBe(1);
    expect(availability.outages()).toEqual([]);
  });

  it('stays small however often an engine falls', async () => {
    for (let count = 0; count < 800; count += 1) {
      live(10_000);
      live(10_000, 'failed');
    }
    await availability.stop();
    expect(readFileSync(path.join(folder, 'availability.json')).length).toBeLessThan(200_000);
    expect(availability.outages()).toHaveLength(200);
    expect(availability.figures().day).toBeCloseTo(0.5, 2);
  });
});
