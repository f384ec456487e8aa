import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { LiveFrame } from '../../../../electron/cli/output/live-frame.ts';

/** A terminal that notes what it is told, and can be made to read slowly. */
class FakeScreen extends EventEmitter {
  columns = 20;
  rows = 3;
  slow = false;
  readonly written: string[] = [];

  write(text: string): boolean {
    this.written.push(text);
    return !this.slow;
  }
}

describe('LiveFrame', () => {
  it('draws in place, no more lines than there are, and gives the terminal back', () => {
    const screen = new FakeScreen();
    const frame = new LiveFrame(screen);
    frame.open();
    frame.draw(() => ['a', 'b', 'c', 'd']);
    frame.close();
    expect(screen.written).toEqual([
      '\u001b[?1049h\u001b[?25l\u001b[?7l',
      '\u001b[H\u001b[Ka\r\n\u001b[Kb\r\n\u001b[Kc',
      '\u001b[?7h\u001b[?25h\u001b[?1049l',
    ]);
    expect(screen.listenerCount('resize') + screen.listenerCount('drain')).toBe(0);
  });

  it('clears what a longer picture left below', () => {
    const screen = new FakeScreen();
    const frame = new LiveFrame(screen);
    frame.open();
    frame.draw(() => ['a']);
    expect(screen.written.at(-1)).toBe('\u001b[H\u001b[Ka\r\n\u001b[J');
  });

  it('gives a slow terminal the newest picture, not a queue', () => {
    const screen = new FakeScreen();
    const frame = new LiveFrame(screen);
    frame.open();
    screen.slow = true;
    frame.draw(() => ['1']);
    for (const text of ['2', '3', '4']) frame.draw(() => [text]);
    screen.slow = false;
    screen.emit('drain');
    expect(screen.written.slice(1).map((text) => text.charAt(6))).toEqual(['1', '4']);
    screen.emit('drain');
    expect(screen.written).toHaveLength(3);
  });

  it('draws again for a terminal that changed its size', () => {
    const screen = new FakeScreen();
    const frame = new LiveFrame(screen);
    frame.open();
    frame.draw((columns, rows) => [`${columns}x${rows}`]);
    screen.columns = 40;
    screen.emit('resize');
    expect(screen.written.at(-1)).toContain('40x3');
  });
});
