import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { engineStateSchema, type NodeSnapshot } from '../../../electron/contract/snapshot.ts';
import { trayMenu, type TrayDescription } from '../../../electron/shell/tray-menu.ts';
import type { MenuItem } from '../../../electron/shell/tray-items.ts';
import { exampleEngine, exampleModel, exampleSnapshot } from '../../fixtures/example-snapshot.ts';
import { aFit, aPull, aSwitch } from '../cli/node-snapshot.ts';

const settings = { startAtLogin: false, nowMs: Date.parse('2026-11-22T12:05:00.000Z') };

function menuOf(changes: Partial<NodeSnapshot> = {}): TrayDescription {
  return trayMenu({ kind: 'connected', snapshot: exampleSnapshot(changes), seq: 1 }, settings);
}

function labels(items: readonly MenuItem[]): string[] {
  return items.map((item) => (item.kind === 'separator' ? '—' : item.label));
}

function submenu(description: TrayDescription, label: string): readonly MenuItem[] {
  const found = description.items.find((item) => item.kind === 'submenu' && item.label === label);
  if (found?.kind !== 'submenu') throw new Error(`There is no submenu ${label}.`);
  return found.items;
}

function everyItem(items: readonly MenuItem[]): MenuItem[] {
  return items.flatMap((item) => (item.kind === 'submenu' ? [item, ...everyItem(item.items)] : [item]));
}

describe('trayMenu while the node answers', () => {
  it('says how full the node is and what fills it most, unless it is calm, and moves no choice by it', () => {
    const { gateway } = exampleSnapshot();
    const cause = '3 requests wait for 2 slots; the next would wait 14 s';
    const full = menuOf({ gateway: { ...gateway, level: 'saturated', saturationCause: cause } });
    expect(full.items).toContainEqual({
      kind: 'action',
      label: `Saturated: ${cause}`,
      action: { kind: 'openPanel', screen: 'gateway' },
    });
    expect(full.tooltip).toMatch(/ · saturated$/u);
    const busy = menuOf({ gateway: { ...gateway, level: 'busy', saturationCause: cause } });
    expect(labels(busy.items)).toContain(`Busy: ${cause}`);
    const calm = menuOf({ gateway: { ...gateway, level: 'calm', saturationCause: '' } });
    const choices = labels(calm.items).indexOf('Engine') + 1;
    expect(labels(full.items).slice(0, choices)).toEqual(labels(calm.items).slice(0, choices));
    expect(full.items).toHaveLength(calm.items.length + 1);
    expect(calm.tooltip).not.toContain('saturated');
  });

  it('shows state, model and load, and every choice that there is', () => {
    expect(labels(menuOf().items)).toEqual([
      'logos-prime — Serving two requests',
      'Falcon3-10B-Instruct · i2_s · 17.8 tok/s',
      'RAM 41 of 96 GB   CPU 62 %   2 running, 1 waiting',
      '—',
      'Model',
      'Offload to cloud',
      'Offload options',
      'Engine',
      '—',
      'Open panel…',
      'Copy API address',
      '—',
      'Start at login',
      '—',
      'Quit (the node keeps running)',
      'Quit and stop the node',
    ]);
  });

  it('has the figures in one line of tooltip', () => {
    expect(menuOf().tooltip).toBe(
      'logos-prime · Falcon3-10B-Instruct i2_s · 17.8 tok/s · RAM 41/96 GB · CPU 62 % · 1 waiting',
    );
  });

  it('says nothing of a queue that is empty', () => {
    const { gateway } = exampleSnapshot();
    const idle = menuOf({ gateway: { ...gateway, inFlight: 0, queued: 0, tokensPerSecond: 0 } });
    expect(idle.tooltip).toBe('logos-prime · Falcon3-10B-Instruct i2_s · 0 tok/s · RAM 41/96 GB · CPU 62 %');
    expect(labels(idle.items)[2]).toBe('RAM 41 of 96 GB   CPU 62 %');
  });

  it('copies the address that a program puts in as its base', () => {
    expect(menuOf().items).toContainEqual({
      kind: 'action',
      label: 'Copy API address',
      action: { kind: 'copyText', text: 'http://127.0.0.1:8080/v1' },
    });
  });

  it('turns start at login into its opposite, and leaves it out where there is no such thing', () => {
    const find = (startAtLogin: boolean | null) =>
      trayMenu({ kind: 'connected', snapshot: exampleSnapshot(), seq: 1 }, { ...settings, startAtLogin }).items.find(
        (item) => item.kind === 'checkbox' && item.label === 'Start at login',
      );
    expect(find(true)).toMatchObject({ checked: true, action: { kind: 'setStartAtLogin', on: false } });
    expect(find(false)).toMatchObject({ checked: false, action: { kind: 'setStartAtLogin', on: true } });
    expect(find(null)).toBeUndefined();
  });

  it('B71 shows hostile names as plain text of a bounded length', () => {
    const name = `\u001b[31m\u202Eevil\n${'x'.repeat(300)}`;
    const { node } = exampleSnapshot();
    const menu = menuOf({ node: { ...node, name }, models: [exampleModel({ name })] });
    const texts = [menu.tooltip, ...labels(everyItem(menu.items))];
    for (const text of texts) {
      expect(text).not.toMatch(/[\u0000-\u001f\u202a-\u202e\u2066-\u2069]/u);
      expect(text.length).toBeLessThan(200);
    }
  });

  it('never makes a tooltip longer than Windows keeps, and cuts names rather than figures', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), fc.string({ maxLength: 200 }), (node, model) => {
        const menu = menuOf({
          node: { ...exampleSnapshot().node, name: node },
          models: [exampleModel({ name: model })],
        });
        expect(Array.from(menu.tooltip).length).toBeLessThanOrEqual(127);
        expect(menu.tooltip.endsWith('17.8 tok/s · RAM 41/96 GB · CPU 62 % · 1 waiting')).toBe(true);
      }),
    );
  });
});

describe('the model submenu', () => {
  const other = exampleModel({
    id: 'q',
    name: 'qwen3',
    group: 'qwen3',
    quantization: 'Q4_K_M',
    loaded: false,
    state: 'idle',
    isDefault: false,
    tokensPerSecond: null,
  });

  it('marks the current one, and a click on another switches', () => {
    const items = submenu(menuOf({ models: [exampleModel(), other] }), 'Model');
    expect(items.slice(0, 2)).toEqual([
      {
        kind: 'action',
        label: 'Falcon3-10B-Instruct · i2_s   3.9 GB · 18.0 tok/s',
        action: { kind: 'useModel', model: 'falcon3-10b-instruct' },
        mark: { checked: true, of: 'radio' },
      },
      {
        kind: 'action',
        label: 'qwen3 · Q4_K_M   3.9 GB',
        action: { kind: 'useModel', model: 'q' },
        mark: { checked: false, of: 'radio' },
      },
    ]);
    expect(items.at(-1)).toMatchObject({ action: { kind: 'openPanel', screen: 'models' } });
  });

  it('sets no mark at all while nothing is loaded: a radio group would set its first by itself', () => {
    const menu = menuOf({ models: [exampleModel({ loaded: false }), { ...other, isDefault: false }] });
    for (const item of submenu(menu, 'Model')) expect(item).not.toHaveProperty('mark');
    expect(labels(menu.items)[1]).toBe('No model is loaded');
    expect(menu.tooltip).toBe('logos-prime · 17.8 tok/s · RAM 41/96 GB · CPU 62 % · 1 waiting');
  });

  it('puts variants of one model under its name, the current one marked there and in the name', () => {
    const small = exampleModel({ id: 'l-q4', group: 'llama3.1:8b', quantization: 'Q4_K_M', tokensPerSecond: 12 });
    const large = {
      ...small,
      id: 'l-q8',
      quantization: 'Q8_0',
      loaded: false,
      isDefault: false,
      tokensPerSecond: null,
    };
    const items = submenu(menuOf({ models: [small, large] }), 'Model');
    expect(items[0]).toMatchObject({ kind: 'submenu', label: '● llama3.1:8b · Q4_K_M' });
    const [first] = items;
    expect(first?.kind === 'submenu' ? first.items : []).toMatchObject([
      { label: 'Q4_K_M   3.9 GB · 12.0 tok/s', mark: { checked: true } },
      { label: 'Q8_0   3.9 GB', action: { kind: 'useModel', model: 'l-q8' }, mark: { checked: false } },
      { kind: 'separator' },
      { action: { kind: 'openPanel', screen: 'models' } },
    ]);
  });

  it('shows what would not fit, or cannot be used, with the reason and without a click', () => {
    const fit = aFit({ verdict: 'too-big', sentence: 'Needs 58 GB, 41 are free.' });
    const problem = 'It needs the BitNet engine.';
    const items = submenu(
      menuOf({ models: [exampleModel(), { ...other, fit }, { ...other, group: 'z', problem }] }),
      'Model',
    );
    expect(items[1]).toMatchObject({
      kind: 'label',
      label: expect.stringMatching(/— Needs 58 GB, 41 are free\.$/) as string,
    });
    expect(items[2]).toMatchObject({ kind: 'label', label: expect.stringContaining(`— ${problem}`) as string });
  });

  it('says about how fast one would be that was never measured, and that the self-test model is one', () => {
    const items = submenu(
      menuOf({ models: [exampleModel(), { ...other, fit: aFit({ tokensPerSecond: 9 }) }] }),
      'Model',
    );
    expect(labels(items)[1]).toContain('about 9.00 tok/s');
    expect(labels(submenu(menuOf({ models: [{ ...other, selfTest: true }] }), 'Model'))[0]).toContain('self-test');
  });

  it('tells a switch and pulls under way, and not those that are over', () => {
    const pulls = [aPull(), aPull({ state: 'done' }), aPull({ state: 'paused', name: 'b' })];
    const items = labels(submenu(menuOf({ pulls, switching: aSwitch() }), 'Model'));
    expect(items.slice(0, 4)).toEqual([
      'Loading llama. 40 %',
      'Getting gemma   50 % · 12 s left',
      'Paused: b   50 %',
      '—',
    ]);
    expect(labels(submenu(menuOf({ switching: aSwitch({ phase: 'done' }) }), 'Model'))[0]).toContain('Falcon3');
  });

  it('is bounded, and says how many more there are', () => {
    const models = Array.from({ length: 50 }, (_, index) => exampleModel({ id: `m${index}`, group: `m${index}` }));
    expect(labels(submenu(menuOf({ models }), 'Model')).slice(-3)).toEqual(['and 30 more', '—', 'Get another model…']);
  });

  it('says when there is none', () => {
    expect(labels(submenu(menuOf({ models: [] }), 'Model'))[0]).toBe('No model on this machine');
  });
});

describe('the engine submenu', () => {
  const commands = (items: readonly MenuItem[]) =>
    everyItem(items).flatMap((item) => (item.kind === 'action' && item.action.kind === 'engine' ? [item.action] : []));

  it('offers what makes sense in each state', () => {
    const offered = engineStateSchema.options.map((state) => {
      const items = submenu(menuOf({ engines: [exampleEngine({ state })] }), 'Engine');
      return [state, commands(items).map(({ command }) => command)];
    });
    expect(Object.fromEntries(offered)).toEqual({
      absent: [],
      starting: ['restart', 'stop'],
      loading: ['restart', 'stop'],
      ready: ['restart', 'stop'],
      draining: ['restart', 'stop'],
      stopping: [],
      stopped: ['start'],
      backoff: ['restart', 'stop'],
      failed: ['start'],
      adopted: [],
      conflict: ['start'],
    });
  });

  it('leaves an adopted engine alone', () => {
    const items = submenu(menuOf({ engines: [exampleEngine({ ownership: 'adopted' })] }), 'Engine');
    expect(commands(items)).toEqual([]);
    expect(labels(items)).toContain('Logs…');
  });

  it('gives each of several engines a submenu of its own', () => {
    const items = submenu(
      menuOf({ engines: [exampleEngine(), exampleEngine({ id: 'ollama', state: 'stopped' })] }),
      'Engine',
    );
    expect(labels(items)).toEqual(['embedded — ready', 'ollama — stopped']);
    expect(commands(items)).toContainEqual({ kind: 'engine', command: 'start', id: 'ollama' });
  });

  it('leaves out those that are not on this machine, unless there is no other', () => {
    const absent = exampleEngine({ id: 'bitnet', state: 'absent', sentence: 'It was not found.' });
    expect(labels(submenu(menuOf({ engines: [exampleEngine(), absent] }), 'Engine'))[0]).toMatch(/^Ready/);
    expect(labels(submenu(menuOf({ engines: [absent] }), 'Engine'))[0]).toBe('It was not found.');
  });

  it('says when there is none', () => {
    expect(labels(submenu(menuOf({ engines: [] }), 'Engine'))[0]).toBe('No engine on this machine');
  });
});

describe('trayMenu while no agent answers', () => {
  it('says that it looks or starts, and offers no node to act on', () => {
    expect(labels(trayMenu({ kind: 'looking' }, settings).items)[0]).toBe('Looking for the node');
    expect(labels(trayMenu({ kind: 'starting' }, settings).items)[0]).toBe('The node is starting');
    const kinds = everyItem(trayMenu({ kind: 'starting' }, settings).items).flatMap((item) =>
      'action' in item ? [item.action.kind] : [],
    );
    expect(kinds).toEqual(['setStartAtLogin', 'quit']);
  });

  it('says why it stopped and offers to start it', () => {
    const menu = trayMenu({ kind: 'stopped', sentence: 'Port 8080 is taken by nginx (pid 12).' }, settings);
    expect(menu.tooltip).toBe('Ranch Hand · Port 8080 is taken by nginx (pid 12).');
    expect(menu.items).toContainEqual({ kind: 'action', label: 'Start the node', action: { kind: 'startNode' } });
  });
});
