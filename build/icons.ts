/**
 * Draws every icon of the product from the SVG sources in `resources/icons/src`: `node build/icons.ts`.
 *
 * A tray source is drawn once, for a dark background, with `currentColor` for plain lines and one literal colour for
 * its state. The looks that platforms want are derived from it, so that a state can never differ between them.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Resvg } from '@resvg/resvg-js';
import { encodeIco } from './icons/ico.ts';

const iconsDir = join(import.meta.dirname, '..', 'resources', 'icons');
const trayStates = ['idle', 'serving', 'saturated', 'cloud', 'stopped', 'problem'] as const;
const accentsOnLight = { '#4ade80': '#15803d', '#fbbf24': '#b45309', '#60a5fa': '#1d4ed8', '#f87171': '#b91c1c' };
/** Of the 22 units a tray drawing is wide. */
const edgeWidth = 0.8;
const icoSizes = [16, 20, 24, 32, 48];
const appSizes = [16, 24, 32, 48, 64, 128, 256, 512, 1024];

function source(name: string): string {
  return readFileSync(join(iconsDir, 'src', `${name}.svg`), 'utf8');
}

function render(svg: string, size: number) {
  return new Resvg(svg, { fitTo: { mode: 'width', value: size }, font: { loadSystemFonts: false } }).render();
}

/** Dark lines and deeper accents, for a light taskbar. */
function onLight(svg: string): string {
  const dark = svg.replace('color="#f5f5f4"', 'color="#1c1917"');
  return Object.entries(accentsOnLight).reduce((drawn, [from, to]) => drawn.replaceAll(from, to), dark);
}

/** Black and alpha only: macOS colours a template image itself. */
function asTemplate(svg: string): string {
  const accents = Object.keys(accentsOnLight);
  return accents
    .reduce((drawn, accent) => drawn.replaceAll(accent, '#000'), svg)
    .replace('color="#f5f5f4"', 'color="#000"');
}

/** A dark edge around the light drawing: a Linux panel may have any colour and does not tell which. */
function onAny(svg: string): string {
  const open = svg.indexOf('>', svg.indexOf('<svg')) + 1;
  const body = svg.slice(open, svg.lastIndexOf('</svg>'));
  const dark = Object.keys(accentsOnLight)
    .reduce((drawn, accent) => drawn.replaceAll(accent, 'currentColor'), body)
    .replaceAll('hollow', 'hollow-edge');
  // The edge is the drawing itself, shifted all around: a dilating filter rounds to whole pixels, which shows at 22.
  const edge = Array.from({ length: 16 }, (_, step) => {
    const angle = (step / 16) * 2 * Math.PI;
    return `<g transform="translate(${edgeWidth * Math.cos(angle)} ${edgeWidth * Math.sin(angle)})">${dark}</g>`;
  });
  // Drawn a little smaller, so that the edge is not cut off at the rim.
  const shrink = `translate(${edgeWidth} ${edgeWidth}) scale(${(22 - 2 * edgeWidth) / 22})`;
  return `${svg.slice(0, open)}<g transform="${shrink}"><g color="#0c0a09" opacity="0.75">${edge.join('')}</g>${body}</g></svg>`;
}

function writePng(path: string, svg: string, size: number): void {
  writeFileSync(join(iconsDir, path), render(svg, size).asPng());
}

function ico(svg: string, sizes: readonly number[]): Buffer {
  return encodeIco(
    sizes.map((size) => {
      const image = render(svg, size);
      return { size, rgba: image.pixels, png: image.asPng() };
    }),
  );
}

function drawTray(): void {
  for (const folder of ['linux', 'macos', 'windows']) {
    rmSync(join(iconsDir, 'tray', folder), { recursive: true, force: true });
    mkdirSync(join(iconsDir, 'tray', folder), { recursive: true });
  }
  for (const state of trayStates) {
    const svg = source(`tray-${state}`);
    writePng(`tray/linux/${state}.png`, onAny(svg), 22);
    writePng(`tray/linux/${state}@2x.png`, onAny(svg), 44);
    writePng(`tray/macos/${state}Template.png`, asTemplate(svg), 18);
    writePng(`tray/macos/${state}Template@2x.png`, asTemplate(svg), 36);
    writeFileSync(join(iconsDir, `tray/windows/${state}-on-dark.ico`), ico(svg, icoSizes));
    writeFileSync(join(iconsDir, `tray/windows/${state}-on-light.ico`), ico(onLight(svg), icoSizes));
  }
}

function drawApp(): void {
  const svg = source('app');
  rmSync(join(iconsDir, 'app'), { recursive: true, force: true });
  mkdirSync(join(iconsDir, 'app'), { recursive: true });
  for (const size of appSizes) writePng(`app/${size}x${size}.png`, svg, size);
  writeFileSync(join(iconsDir, 'app.ico'), ico(svg, [16, 24, 32, 48, 64, 256]));
}

drawTray();
drawApp();
