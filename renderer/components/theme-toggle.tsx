import { Monitor, Moon, Sun, type LucideIcon } from 'lucide-react';
import { ToggleGroup } from 'radix-ui';
import { type ReactElement } from 'react';
import { useStore } from 'zustand';
import { usePanel } from '../panel-context.ts';
import { themes, type Theme } from '../stores/preferences.ts';

const faces: Readonly<Record<Theme, { name: string; icon: LucideIcon }>> = {
  system: { name: 'Colours of the system', icon: Monitor },
  light: { name: 'Light colours', icon: Sun },
  dark: { name: 'Dark colours', icon: Moon },
};

/** Light, dark, or as the system has it. */
export function ThemeToggle(): ReactElement {
  const { preferences } = usePanel();
  const theme = useStore(preferences, (state) => state.theme);
  const choose = (value: string): void => {
    const chosen = themes.find((one) => one === value);
    if (chosen !== undefined) preferences.getState().setTheme(chosen);
  };
  return (
    <ToggleGroup.Root
      type="single"
      value={theme}
      onValueChange={choose}
      aria-label="Colours"
      className="inline-flex rounded-md border border-line"
    >
      {themes.map((one) => {
        const { name, icon: Icon } = faces[one];
        return (
          <ToggleGroup.Item
            key={one}
            value={one}
            aria-label={name}
            title={name}
            className="grid size-9 place-items-center rounded-[5px] text-muted data-[state=on]:bg-raised data-[state=on]:text-ink"
          >
            <Icon aria-hidden size={16} />
          </ToggleGroup.Item>
        );
      })}
    </ToggleGroup.Root>
  );
}
