import { existsSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { OffloadMode } from '../../../../electron/contract/cloud.ts';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../../electron/agent/base/logger.ts';
import { OffloadSwitch, type SwitchDisk } from '../../../../electron/agent/cloud/offload/offload-switch.ts';
import { tempFolder } from '../../../fixtures/temp-folder.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** A disk that takes no more, from which files may be removed all the same, or only emptied, or neither. */
class FullDisk implements SwitchDisk {
  isFull = false;
  written = 0;
  canRemove = true;
  canEmpty = true;

  readonly replace = (file: string, text: string): void => {
    if (this.isFull) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    writeFileSync(file, text);
    this.written += 1;
  };

  readonly remove = (file: string): void => {
    if (!this.canRemove) throw Object.assign(new Error('operation not permitted'), { code: 'EPERM' });
    rmSync(file);
  };

  readonly empty = (file: string): void => {
    if (!this.canEmpty) throw Object.assign(new Error('read-only file system'), { code: 'EROFS' });
    truncateSync(file);
  };
}

/** A switch whose disk was full while `change` was made. */
function withFullDisk(before: OffloadMode, change: (site: ReturnType<typeof at>) => void, disk = new FullDisk()) {
  const site = at(join(tempFolder(), 'offload.json'), new ManualClock(), disk);
  site.offload.set({ mode: before });
  disk.isFull = true;
  change(site);
  const { offload, clock, file } = site;
  const sentence = offload.notices()[0]?.sentence ?? '';
  return { now: offload.mode, sentence, next: at(file, new ManualClock(clock.now())).offload.mode, file };
}

function at(file = join(tempFolder(), 'offload.json'), clock = new ManualClock(), disk?: SwitchDisk) {
  const offload = new OffloadSwitch({ file }, { clock, logger: silentLogger, ...(disk && { disk }) });
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
    const disk = new FullDisk();
    const { offload, clock, file } = at(join(tempFolder(), 'offload.json'), new ManualClock(), disk);
    offload.set({ mode: 'on', forMs: 30 * 24 * hourMs });
    clock.advance(29 * 24 * hourMs);
    expect(offload.mode).toBe('on');
    const later = at(file, new ManualClock(clock.now()), disk);
    later.clock.advance(24 * hourMs);
    expect(later.heard).toEqual(['off']);
    // Kept once a minute at its end, and seldom while there are weeks left.
    expect(disk.written).toBeGreaterThan(600);
    expect(disk.written).toBeLessThan(1_300);
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
    ['a few seconds', 20_000],
    ['minutes', 7 * minuteMs],
    ['an hour', hourMs],
  ])('F22 nor over restarts after the clock was set back, each after %s', (_, lifeMs) => {
    const disk = new FullDisk();
    const first = at(join(tempFolder(), 'offload.json'), new ManualClock(), disk);
    first.offload.set({ mode: 'on', forMs: 2 * hourMs });
    first.clock.advance(hourMs);
    let wallMs = first.clock.now() - 24 * hourMs;
    let passedMs = hourMs;
    for (;;) {
      // Killed each time: nothing is written at the end.
      const { offload, clock } = at(first.file, new ManualClock(wallMs), disk);
      if (offload.mode === 'off') break;
      expect(passedMs).toBeLessThan(2 * hourMs + 2 * minuteMs);
      clock.advance(lifeMs);
      passedMs += lifeMs;
      wallMs = clock.now();
    }
    expect(passedMs).toBeGreaterThanOrEqual(2 * hourMs);
  });

  it('F22 an orderly end keeps to the millisecond what is left, whatever the clock shows at the next start', () => {
    const { offload, clock, file } = at();
    offload.set({ mode: 'off', forMs: 2 * hourMs });
    clock.advance(90 * minuteMs + 17);
    offload.stop();
    const next = at(file, new ManualClock(clock.now() - 24 * hourMs)).offload;
    expect(next.until).toBe(new Date(clock.now() - 24 * hourMs + 30 * minuteMs - 17).toISOString());
  });

  it('F22 restarts with a right clock neither shorten nor lengthen it', () => {
    const { offload, clock, file } = at();
    offload.set({ mode: 'on', forMs: 2 * hourMs });
    const { until } = offload;
    let wallMs = clock.now();
    for (const lifeMs of [20_000, 5 * minuteMs, 40 * minuteMs, 1]) {
      const run = at(file, new ManualClock(wallMs));
      run.clock.advance(lifeMs);
      expect([run.offload.mode, run.offload.until]).toEqual(['on', until]);
      // Down for a while.
      wallMs = run.clock.now() + 10 * minuteMs;
    }
    expect(at(file, new ManualClock(wallMs)).offload.until).toBe(until);
  });

  it('reads the file of an earlier version, which did not say when it was reckoned', () => {
    const file = join(tempFolder(), 'offload.json');
    const clock = new ManualClock();
    const untilMs = clock.now() + hourMs;
    writeFileSync(file, JSON.stringify({ kind: 'passing', mode: 'on', untilMs, forMs: 2 * hourMs, then: 'auto' }));
    const { offload } = at(file, clock);
    expect([offload.mode, offload.until]).toEqual(['on', new Date(untilMs).toISOString()]);
    clock.advance(hourMs);
    expect(offload.mode).toBe('auto');
  });

  it('F16 what is left needs no room on the disk to hold, and what was not written is, once there is room', () => {
    const disk = new FullDisk();
    const { offload, clock, file, heard } = at(join(tempFolder(), 'offload.json'), new ManualClock(), disk);
    offload.set({ mode: 'on', forMs: 2 * hourMs });
    disk.isFull = true;
    clock.advance(hourMs);
    // The file of before tells the same switch and its end.
    expect(offload.notices()).toEqual([]);
    expect(at(file, new ManualClock(clock.now())).offload.until).toBe(offload.until);
    offload.set({ mode: 'off', forMs: 2 * hourMs });
    expect(offload.notices()).toHaveLength(1);
    disk.isFull = false;
    clock.advance(2 * minuteMs);
    expect(offload.notices()).toEqual([]);
    expect(heard).toEqual(['on', 'off', 'off']);
    expect(at(file, new ManualClock(clock.now())).offload.mode).toBe('off');
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
    expect(offload.notices()[0]?.sentence).toContain('forgotten at the next start: offloading is off then.');
  });

  it('F16 what was switched off does not come back on at the next start, though "off" could not be written', () => {
    const found = withFullDisk('on', ({ offload }) => offload.set({ mode: 'off' }));
    expect(found).toMatchObject({ now: 'off', next: 'off' });
    expect(found.sentence).toContain('offloading is off then.');
  });

  it.each([
    ['for a while only', 'auto', { mode: 'off', forMs: hourMs }],
    ['in part', 'on', { mode: 'auto' }],
    ['afterwards', 'on', { mode: 'on', forMs: hourMs, then: 'off' }],
  ] as const)('F16 nor does what was switched off %s', (_, before, choice) => {
    const { now, next } = withFullDisk(before, ({ offload }) => {
      if ('then' in choice) offload.set({ mode: choice.then });
      offload.set(choice);
    });
    expect({ now, next }).toEqual({ now: choice.mode, next: 'off' });
  });

  it('F16 the old place stays where it is no more open than the new one', () => {
    const found = withFullDisk('auto', ({ offload }) => offload.set({ mode: 'on' }));
    expect(found).toMatchObject({ now: 'on', next: 'auto' });
    expect(found.sentence).toContain('as it was before');
  });

  it('F16 the end of a while needs no writing: its file tells it', () => {
    const disk = new FullDisk();
    const { offload, clock, file } = at(join(tempFolder(), 'offload.json'), new ManualClock(), disk);
    offload.set({ mode: 'auto' });
    offload.set({ mode: 'on', forMs: hourMs });
    disk.isFull = true;
    clock.advance(hourMs);
    expect([offload.mode, at(file, new ManualClock(clock.now())).offload.mode]).toEqual(['auto', 'auto']);
  });

  it('F16 a file that cannot be removed is emptied, and where neither is possible the notice warns', () => {
    const disk = new FullDisk();
    disk.canRemove = false;
    const emptied = withFullDisk('on', ({ offload }) => offload.set({ mode: 'off' }), disk);
    expect(emptied).toMatchObject({ now: 'off', next: 'off' });
    expect(readFileSync(emptied.file, 'utf8')).toBe('');

    const fixed = new FullDisk();
    fixed.canRemove = false;
    fixed.canEmpty = false;
    const stuck = withFullDisk('on', ({ offload }) => offload.set({ mode: 'off' }), fixed);
    expect(stuck.now).toBe('off');
    expect(stuck.sentence).toContain('may spend money');
  });
});
