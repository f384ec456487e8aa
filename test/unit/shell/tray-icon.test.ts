import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeStateSchema } from '../../../electron/contract/snapshot.ts';
import { trayIcon, trayState, type TrayLook } from '../../../electron/shell/tray-icon.ts';
import { exampleSnapshot } from '../../fixtures/example-snapshot.ts';

const iconsDir = join(import.meta.dirname, '..', '..', '..', 'resources', 'icons');
const states = nodeStateSchema.options;
const looks: readonly TrayLook[] = [
  { platform: 'linux', darkTaskbar: false },
  { platform: 'darwin', darkTaskbar: false },
  { platform: 'win32', darkTaskbar: true },
  { platform: 'win32', darkTaskbar: false },
];

/** Width and height in a PNG's header. */
function pngSize(file: string): { width: number; height: number } {
  const bytes = readFileSync(join(iconsDir, file));
  expect(bytes.subarray(1, 4).toString('latin1')).toBe('PNG');
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

/** Sizes in an ICO's directory. */
function icoSizes(file: string): number[] {
  const bytes = readFileSync(join(iconsDir, file));
  return Array.from({ length: bytes.readUInt16LE(4) }, (_, index) => bytes.readUInt8(6 + index * 16) || 256);
}

describe('trayIcon', () => {
  it('has a drawing of its own for every state and platform', () => {
    for (const look of looks) {
      const drawings = states.map((state) =>
        readFileSync(join(iconsDir, trayIcon(state, look).file)).toString('base64'),
      );
      expect(new Set(drawings).size).toBe(states.length);
    }
  });

  it('is 22 pixels on Linux and 18 points on macOS, with a double size beside', () => {
    for (const state of states) {
      const linux = trayIcon(state, { platform: 'linux', darkTaskbar: false }).file;
      expect(pngSize(linux)).toEqual({ width: 22, height: 22 });
      expect(pngSize(linux.replace('.png', '@2x.png'))).toEqual({ width: 44, height: 44 });
      const macos = trayIcon(state, { platform: 'darwin', darkTaskbar: false }).file;
      expect(pngSize(macos)).toEqual({ width: 18, height: 18 });
      expect(pngSize(macos.replace('.png', '@2x.png'))).toEqual({ width: 36, height: 36 });
    }
  });

  it('holds every size that Windows scales its taskbar to', () => {
    for (const state of states) {
      for (const darkTaskbar of [true, false]) {
        expect(icoSizes(trayIcon(state, { platform: 'win32', darkTaskbar }).file)).toEqual([16, 20, 24, 32, 48]);
      }
    }
    expect(icoSizes('app.ico')).toContain(256);
  });

  it('is a template on macOS only, where its name must say so too', () => {
    for (const look of looks) {
      const { file, template } = trayIcon('idle', look);
      expect(template).toBe(look.platform === 'darwin');
      expect(file.includes('Template')).toBe(template);
    }
  });

  it('differs between a dark and a light taskbar on Windows', () => {
    const file = (darkTaskbar: boolean) => trayIcon('serving', { platform: 'win32', darkTaskbar }).file;
    expect(file(true)).toContain('on-dark');
    expect(file(false)).toContain('on-light');
  });
});

describe('trayState', () => {
  it("is the node's own state while it answers, else stopped", () => {
    const { node } = exampleSnapshot();
    for (const state of states) {
      const snapshot = exampleSnapshot({ node: { ...node, state } });
      expect(trayState({ kind: 'connected', snapshot, seq: 1 })).toBe(state);
    }
    expect(trayState({ kind: 'looking' })).toBe('stopped');
    expect(trayState({ kind: 'starting' })).toBe('stopped');
    expect(trayState({ kind: 'stopped', sentence: 'Gone' })).toBe('stopped');
  });
});
