import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { MenuHold } from '../../../electron/shell/menu-hold.ts';
import type { MenuItem } from '../../../electron/shell/tray-items.ts';

const menu = (label: string): readonly MenuItem[] => [{ kind: 'label', label }];

let clock: ManualClock;
let shown: string[];
let hold: MenuHold;

beforeEach(() => {
  clock = new ManualClock();
  shown = [];
  hold = new MenuHold(
    { longestOpenMs: 20_000, figuresEveryMs: 10_000 },
    { show: (items) => shown.push(...items.map((item) => ('label' in item ? item.label : ''))), timer: clock },
  );
});

describe('MenuHold', () => {
  it('shows what is offered, and the same only once', () => {
    hold.offer(menu('a'));
    hold.offer(menu('a'));
    hold.offer(menu('b'));
    expect(shown).toEqual(['a', 'b']);
  });

  it('keeps an open menu, and shows the newest when it closes', () => {
    hold.offer(menu('a'));
    hold.opened();
    hold.offer(menu('b'));
    hold.offer(menu('c'));
    expect(shown).toEqual(['a']);
    hold.closed();
    expect(shown).toEqual(['a', 'c']);
  });

  it('shows nothing at closing when what waited is what is shown', () => {
    hold.offer(menu('a'));
    hold.opened();
    hold.offer(menu('b'));
    hold.offer(menu('a'));
    hold.closed();
    expect(shown).toEqual(['a']);
  });

  it('takes a menu for closed after a while where nobody tells, however often it is opened', () => {
    hold.offer(menu('a'));
    hold.opened();
    clock.advance(15_000);
    hold.opened();
    clock.advance(5_000);
    hold.offer(menu('b'));
    expect(shown).toEqual(['a', 'b']);
  });

  it('keeps menus apart that differ in figures only, but not others', () => {
    hold.offer(menu('17.8 tok/s'));
    clock.advance(9_000);
    hold.offer(menu('18 tok/s'));
    expect(shown).toEqual(['17.8 tok/s']);
    hold.offer(menu('stopped'));
    hold.offer(menu('running'));
    expect(shown).toEqual(['17.8 tok/s', 'stopped', 'running']);
    hold.offer(menu('1 a'));
    clock.advance(10_000);
    hold.offer(menu('2 a'));
    expect(shown.slice(-2)).toEqual(['1 a', '2 a']);
  });

  it('shows the same again after a click has changed it', () => {
    hold.offer(menu('a'));
    hold.forget();
    hold.offer(menu('a'));
    expect(shown).toEqual(['a', 'a']);
  });
});
