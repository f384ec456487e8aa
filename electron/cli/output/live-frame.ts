/** Lines for a screen of this size. */
export type Render = (columns: number, rows: number) => readonly string[];

/** What of a terminal is used here. */
export interface Screen {
  readonly columns: number;
  readonly rows: number;
  write(text: string): boolean;
  on(event: 'resize' | 'drain', listener: () => void): unknown;
  off(event: 'resize' | 'drain', listener: () => void): unknown;
}

const csi = '\u001b[';
const enter = `${csi}?1049h${csi}?25l${csi}?7l`;
const leave = `${csi}?7h${csi}?25h${csi}?1049l`;

/**
 * A picture that is redrawn in place on the terminal's other screen, so that what was there before comes back at the
 * end. A terminal that reads slowly gets the newest picture, not a queue of old ones.
 */
export class LiveFrame {
  readonly #screen: Screen;
  #latest: Render | null = null;
  #blocked = false;
  #stale = false;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  open(): void {
    this.#screen.on('resize', this.#paint);
    this.#screen.on('drain', this.#drained);
    this.#blocked = !this.#screen.write(enter);
  }

  draw(render: Render): void {
    this.#latest = render;
    this.#paint();
  }

  close(): void {
    this.#screen.off('resize', this.#paint);
    this.#screen.off('drain', this.#drained);
    this.#screen.write(leave);
  }

  readonly #paint = (): void => {
    if (this.#latest === null) return;
    this.#stale = this.#blocked;
    if (this.#blocked) return;
    const { columns, rows } = this.#screen;
    const lines = this.#latest(columns, rows).slice(0, rows);
    // Home, then each line cleared before it is written: clearing after a full one would take its last cell. What is
    // left of a longer picture is cleared from a line of its own for the same reason.
    const below = lines.length < rows ? `\r\n${csi}J` : '';
    const picture = `${csi}H${lines.map((text) => `${csi}K${text}`).join('\r\n')}${below}`;
    this.#blocked = !this.#screen.write(picture);
  };

  readonly #drained = (): void => {
    this.#blocked = false;
    if (this.#stale) this.#paint();
  };
}
