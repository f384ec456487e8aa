import type { MenuItemConstructorOptions } from 'electron';
import type { MenuItem, TrayAction } from './tray-items.ts';

/** The menu's description as Electron takes it. */
export function menuTemplate(
  items: readonly MenuItem[],
  act: (action: TrayAction) => void,
): MenuItemConstructorOptions[] {
  return items.map((item) => templateOf(item, act));
}

function templateOf(item: MenuItem, act: (action: TrayAction) => void): MenuItemConstructorOptions {
  switch (item.kind) {
    case 'separator':
      return { type: 'separator' };
    case 'label':
      if (!item.mark) return { label: literal(item.label), enabled: false };
      return { label: literal(item.label), enabled: false, type: item.mark.of, checked: item.mark.checked };
    case 'action':
      if (!item.mark) return { label: literal(item.label), click: () => act(item.action) };
      return {
        label: literal(item.label),
        type: item.mark.of,
        checked: item.mark.checked,
        click: () => act(item.action),
      };
    case 'checkbox':
      return { label: literal(item.label), type: 'checkbox', checked: item.checked, click: () => act(item.action) };
    case 'submenu':
      return { label: literal(item.label), submenu: menuTemplate(item.items, act) };
  }
}

/** A single `&` in a label would underline the next letter instead of being shown. */
function literal(label: string): string {
  return label.replaceAll('&', '&&');
}
