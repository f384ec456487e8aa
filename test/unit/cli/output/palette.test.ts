import { describe, expect, it } from 'vitest';
import { makePalette, wantsColour } from '../../../../electron/cli/output/palette.ts';

describe('wantsColour', () => {
  it('is true on a terminal, and false into a pipe, also where the environment looks like a build server', () => {
    expect(wantsColour(true, { TERM: 'xterm' })).toBe(true);
    expect(wantsColour(false, { TERM: 'xterm' })).toBe(false);
    expect(wantsColour(undefined, { TERM: 'xterm', CI: 'true' })).toBe(false);
  });

  it('gives way to NO_COLOR and to a dumb terminal', () => {
    expect(wantsColour(true, { NO_COLOR: '1' })).toBe(false);
    expect(wantsColour(true, { TERM: 'dumb' })).toBe(false);
  });
});

describe('makePalette', () => {
  it('leaves text alone without colours', () => {
    expect(makePalette(false).bad('x')).toBe('x');
    expect(makePalette(true).bad('x')).toContain('\u001b[31m');
  });
});
