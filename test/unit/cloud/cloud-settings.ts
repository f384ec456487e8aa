import type * as z from 'zod';
import { cloudSettingsSchema, type CloudSettings } from '../../../electron/contract/cloud.ts';

/** Settings of the cloud with their defaults, in UTC unless said otherwise. */
export function cloudSettings(change: z.input<typeof cloudSettingsSchema> = {}): CloudSettings {
  return cloudSettingsSchema.parse({ timeZone: 'UTC', ...change });
}
