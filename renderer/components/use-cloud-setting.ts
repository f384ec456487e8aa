import { useEffect, useRef, useState } from 'react';
import { useStore } from 'zustand';
import { type CloudSettings } from '../../electron/contract/cloud.ts';
import { ControlError } from '../client/control-http.ts';
import { cloudSettingsOf } from '../format/cloud-settings.ts';
import { usePanel } from '../panel-context.ts';

/** Changes one setting of the cloud; see {@link useCloudSetting}. */
export type ChangeSetting = <Key extends keyof CloudSettings>(
  key: Key,
  next: (now: CloudSettings[Key]) => CloudSettings[Key],
) => Promise<boolean>;

/**
 * Writes parts of the cloud's settings. Each change is made to what the agent has at that moment, so that what was
 * changed elsewhere meanwhile stays. Refusals of the agent are kept under `sendKey`, as those of every command.
 */
export function useCloudSetting(sendKey: string): {
  readonly change: ChangeSetting;
  readonly sending: boolean;
  /** Why the settings could not be read before the change. */
  readonly failure: string | null;
} {
  const { commands, http } = usePanel();
  const [failure, setFailure] = useState<string | null>(null);
  const [reading, setReading] = useState(false);
  const sent = useStore(commands, (state) => state.sent[sendKey]?.state === 'sending');
  const controller = useRef<AbortController | null>(null);
  useEffect(() => () => controller.current?.abort(), []);
  const change: ChangeSetting = async (key, next) => {
    const own = new AbortController();
    controller.current?.abort();
    controller.current = own;
    setFailure(null);
    setReading(true);
    try {
      const { rows } = await http.query('settings', {}, own.signal);
      const settings = cloudSettingsOf(rows);
      if (settings === null) {
        setFailure('The settings of the cloud cannot be read. Look into config.json, then try again.');
        return false;
      }
      const order = { key: `cloud.${key}`, value: next(settings[key]) };
      return (await commands.getState().send(sendKey, 'settings.update', order)) !== null;
    } catch (error) {
      if (!own.signal.aborted)
        setFailure(error instanceof ControlError ? error.message : 'The connection broke. Try again.');
      return false;
    } finally {
      if (controller.current === own) setReading(false);
    }
  };
  return { change, sending: sent || reading, failure };
}
