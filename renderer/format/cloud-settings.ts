import { cloudSettingsSchema, type CloudSettings } from '../../electron/contract/cloud.ts';
import { type SettingRow } from '../../electron/contract/control.ts';

/** The settings of the cloud as `config.json` has them now; null where they cannot be read. */
export function cloudSettingsOf(rows: readonly Pick<SettingRow, 'key' | 'valueAfterRestart'>[]): CloudSettings | null {
  const parts = rows.flatMap(({ key, valueAfterRestart }) => {
    const [section, name, ...rest] = key.split('.');
    return section === 'cloud' && name !== undefined && rest.length === 0 ? [[name, valueAfterRestart] as const] : [];
  });
  const read = cloudSettingsSchema.safeParse(Object.fromEntries(parts));
  return read.success && parts.length > 0 ? read.data : null;
}
