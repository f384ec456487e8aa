import { z } from 'zod';
import { evaluateAt } from './page.ts';
import { eventually } from './running.ts';
import type { ShellProcess } from './shell-program.ts';

const menuSchema = z.object({
  /** By the machine's clock. */
  atMs: z.number(),
  /** The switch; null where the menu has none. */
  offloads: z.boolean().nullable(),
  /** The option that is marked. */
  option: z.string().nullable(),
});
/** What a menu that the shell gave to the desktop says of offloading. */
export type ShownMenu = z.infer<typeof menuSchema>;

/** Writes down each menu as it is handed to the desktop, which is what opens when somebody clicks the icon. */
const writeDownMenus = `(() => {
  const { Tray } = require('electron');
  const seen = (globalThis.menusOfTheTray = []);
  const hand = Tray.prototype.setContextMenu;
  Tray.prototype.setContextMenu = function (menu) {
    hand.call(this, menu);
    const items = menu === null ? [] : menu.items;
    const line = items.find(({ type, label }) => type === 'checkbox' && label.startsWith('Offload to cloud'));
    const options = items.find(({ label }) => label === 'Offload options');
    const marked = options && options.submenu.items.find(({ type, checked }) => type === 'radio' && checked);
    seen.push({ atMs: Date.now(), offloads: line ? line.checked : null, option: marked ? marked.label : null });
  };
})()`;

/** Menus that follow in figures only are this far apart, so that for a while after one nothing closes an open menu. */
const calm = { fromMs: 1_500, toMs: 5_000 } as const;

/** All menus that a shell's tray has from now on. */
export class TrayWatch {
  readonly #address: string;

  private constructor(address: string) {
    this.#address = address;
  }

  /** Of a shell that was started with `inspect`. */
  static async start(shell: ShellProcess): Promise<TrayWatch> {
    const watch = new TrayWatch(await shell.mainProcess());
    await watch.#evaluate(writeDownMenus);
    return watch;
  }

  async menus(): Promise<ShownMenu[]> {
    return z.array(menuSchema).parse(await this.#evaluate('globalThis.menusOfTheTray'));
  }

  /** The first menu since then that is as wanted. */
  shows(what: string, sinceMs: number, isWanted: (menu: ShownMenu) => boolean): Promise<ShownMenu> {
    return eventually(`the tray shows ${what}`, async () => {
      const menus = await this.menus();
      return menus.find((menu) => menu.atMs >= sinceMs && isWanted(menu)) ?? null;
    });
  }

  /** Waits until the menu has just been set and is let be for a few seconds, so that it can be opened and used. */
  async untilCalm(): Promise<void> {
    await eventually('the menu is let be', async () => {
      const last = (await this.menus()).at(-1);
      const ageMs = last === undefined ? 0 : Date.now() - last.atMs;
      return ageMs > calm.fromMs && ageMs < calm.toMs;
    });
  }

  #evaluate(expression: string): Promise<unknown> {
    return evaluateAt(this.#address, { expression, includeCommandLineAPI: true });
  }
}
