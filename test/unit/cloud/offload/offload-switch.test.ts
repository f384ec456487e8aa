import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../../electron/agent/base/logger.ts';
import { OffloadSwitch } from '../../../../electron/agent/cloud/offload/offload-switch.ts';
import { tempFolder } from '../../../fixtures/temp-folder.ts';

const hourMs = 3_600_000;

function at(file = join(tempFolder(), 'offload.json'), clock = new ManualClock()) {
  const offload = new OffloadSwitch({ file }, { clock, logger: silentLogger });
  const heard: string[] = [];
  offload.changed.subscribe(() => heard.push(offload.mode));
  offload.start();
  return { offload, clock, file, heard };
}

describe('OffloadSwitch', () => {
  it('is off until somebody opens it, and writes nothing before', () => {
    const { offload, file } = at();
    expect([offload.mode, offload.until, offload.notices()]).toEqual(['off', null, []]);
    expect(existsSync(file)).toBe(false);
  });

  it('survives a restart, in a file of this user only', () => {
    const { offload, file } = at();
    offload.set({ mode: 'auto' });
    expect(at(file).offload.mode).toBe('auto');
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('goes back to what it was before when its time is over, and says so', () => {
    const { offload, clock, heard } = at();
    offload.set({ mode: 'auto' });
    offload.set({ mode: 'on', forMs: 2 * hourMs });
    expect(offload.until).toBe(new Date(clock.now() + 2 * hourMs).toISOString());
    offload.set({ mode: 'off', forMs: hourMs });
    clock.advance(hourMs - 1);
    expect(offload.mode).toBe('off');
    clock.advance(1);
    expect([offload.mode, offload.until]).toEqual(['auto', null]);
    expect(heard).toEqual(['auto', 'on', 'off', 'auto']);
  });

  it('ends on time also over months, and while the agent was not running', () => {
    const { offload, clock, file } = at();
    offload.set({ mode: 'on', forMs: 30 * 24 * hourMs });
    clock.advance(29 * 24 * hourMs);
    expect(offload.mode).toBe('on');
    const later = at(file, new ManualClock(clock.now()));
    later.clock.advance(24 * hourMs);
    expect(later.heard).toEqual(['off']);
    expect(at(file, new ManualClock(clock.now() + 25 * hourMs)).offload.mode).toBe('off');
  });

  it('F22 lasts no longer than it was to, however the clock is set', () => {
    const { offload, clock, file, heard } = at();
    offload.set({ mode: 'on', forMs: 2 * hourMs });
    clock.setWallTime(clock.now() - 24 * hourMs);
    const restarted = at(file, new ManualClock(clock.now()));
    clock.advance(2 * hourMs);
    restarted.clock.advance(2 * hourMs);
    expect([offload.mode, restarted.offload.mode]).toEqual(['off', 'off']);
    expect(heard).toEqual(['on', 'off']);
  });

  it.each([
    ['half a file', '{"kind":"lasting"'],
    ['nothing', ''],
    ['another mode', '{"kind":"lasting","mode":"always"}'],
    ['times that are none', '{"kind":"passing","mode":"on","untilMs":"soon","forMs":1,"then":"on"}'],
  ])('is off with a notice where its file holds %s, until it is set again', (_, text) => {
    const file = join(tempFolder(), 'offload.json');
    writeFileSync(file, text);
    const { offload } = at(file);
    expect(offload.mode).toBe('off');
    expect(offload.notices()).toMatchObject([{ id: 'offload-file', severity: 'warning', fix: { path: file } }]);
    offload.set({ mode: 'auto' });
    expect(offload.notices()).toEqual([]);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ kind: 'lasting', mode: 'auto' });
  });

  it('F16 holds also where it cannot be written, and says so', () => {
    const folder = join(tempFolder(), 'data');
    mkdirSync(folder);
    const { offload } = at(join(folder, 'offload.json'));
    offload.set({ mode: 'on' });
    rmSync(folder, { recursive: true });
    offload.set({ mode: 'off' });
    expect(offload.mode).toBe('off');
    expect(offload.notices()[0]?.sentence).toContain('forgotten at the next start');
  });
});
