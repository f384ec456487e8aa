import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

type Palette = ReadonlyMap<string, string>;

const styles = readFileSync(new URL('../../../renderer/styles.css', import.meta.url), 'utf8');

/** The custom properties of every rule whose selector and media query are the given ones, later ones winning. */
function palette(marks: readonly string[]): Palette {
  const found = new Map<string, string>();
  for (const mark of marks) {
    const start = styles.indexOf(mark);
    if (start === -1) throw new Error(`the stylesheet has no ${mark}`);
    const open = styles.indexOf('--ground', start);
    const block = styles.slice(open, styles.indexOf('}', open));
    for (const [, name, value] of block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/gu)) {
      if (name !== undefined && value !== undefined) found.set(name, value);
    }
  }
  return found;
}

function channels(hex: string): [number, number, number] {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as [number, number, number];
}

function luminance(rgb: readonly number[]): number {
  const [red = 0, green = 0, blue = 0] = rgb.map((value) => {
    const share = value / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Contrast of WCAG 2 between a colour and a background, of which `tint` percent may be the colour itself. */
function contrast(text: string, background: string, tint = 0): number {
  const front = channels(text);
  const back = channels(background).map((value, index) => value + (((front[index] ?? 0) - value) * tint) / 100);
  const [dark = 0, light = 0] = [luminance(front), luminance(back)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

const light = ':root {\n  color-scheme: light';
const darkBySystem = "@media (prefers-color-scheme: dark) {\n  :root:not([data-theme='light'])";
const darkByChoice = ":root[data-theme='dark'] {\n  color-scheme: dark";
const strongLight = '@media (prefers-contrast: more) {\n  :root {';
const strongDark = "  :root[data-theme='dark'] {\n    --ground";
const strongDarkBySystem = '@media (prefers-contrast: more) and (prefers-color-scheme: dark)';

describe.each([
  ['light', palette([light]), 10, 4.5],
  ['dark', palette([darkBySystem]), 14, 4.5],
  ['light, high contrast', palette([light, strongLight]), 10, 7],
  ['dark, high contrast', palette([darkByChoice, strongDark]), 14, 7],
])('%s', (_name, colors, tint, least) => {
  const color = (name: string): string => {
    const value = colors.get(name);
    if (value === undefined) throw new Error(`no colour ${name}`);
    return value;
  };

  it.each(['ink', 'muted', 'leather', 'sage', 'hay', 'barn', 'creek'])('%s can be read on every background', (name) => {
    for (const background of ['ground', 'surface', 'raised']) {
      expect(contrast(color(name), color(background)), `${name} on ${background}`).toBeGreaterThanOrEqual(least);
    }
  });

  it.each(['muted', 'sage', 'hay', 'barn', 'creek'])('%s can be read on its own tint', (name) => {
    for (const background of ['ground', 'surface']) {
      expect(contrast(color(name), color(background), tint), `${name} on ${background}`).toBeGreaterThanOrEqual(4.5);
    }
  });

  it('the main button can be read', () => {
    expect(contrast(color('on-leather'), color('leather'))).toBeGreaterThanOrEqual(least);
  });
});

it('dark by the system and dark by choice are the same', () => {
  expect(palette([darkBySystem])).toEqual(palette([darkByChoice]));
  expect(palette([strongDarkBySystem])).toEqual(palette([strongDark]));
});
