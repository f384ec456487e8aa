import { useId, useState, type ReactElement } from 'react';
import { useStore } from 'zustand';
import { offloadModes, type OffloadMode } from '../../electron/contract/cloud.ts';
import { offloadSentence, offloadSpans, offloadUntil, offloadWord } from '../format/offload.ts';
import { useConnection, useNow, usePanel, useSnapshot } from '../panel-context.ts';
import { CommandButton, Refusal } from './command-button.tsx';
import { Segments } from './segments.tsx';

const options = offloadModes.map((id) => ({ id, word: offloadWord(id).word }));
const twoHoursMs = 2 * 3_600_000;

/**
 * The switch. It stands where the agent says that it stands, never where it was only asked to go. `full` lets the
 * reader say how long the next change holds.
 */
export function OffloadSwitch({ full }: { full?: boolean }): ReactElement {
  const cloud = useSnapshot((all) => all.cloud);
  const { commands } = usePanel();
  const live = useConnection((state) => state.connection.phase === 'live');
  const now = useNow();
  const id = useId();
  const sendKey = `offload.set ${id}`;
  const sending = useStore(commands, (state) => state.sent[sendKey]?.state === 'sending');
  const [span, setSpan] = useState<(typeof offloadSpans)[number]['id']>('stay');
  const set = (mode: OffloadMode): void => {
    const forMs = offloadSpans.find((one) => one.id === span)?.forMs ?? null;
    void commands.getState().send(sendKey, 'offload.set', forMs === null ? { mode } : { mode, forMs });
  };
  const until = offloadUntil(cloud.until, now);
  return (
    <div className="grid gap-3">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <Segments
          label="Offload to cloud"
          value={cloud.offload}
          options={options}
          onValue={set}
          disabled={!live}
          busy={sending}
          describedBy={id}
        />
        <Refusal sendKey={sendKey} />
      </div>
      <p id={id} data-testid="offload-sentence">
        {offloadSentence(cloud)}
        {until !== null && ` ${until}`}
      </p>
      <div className="flex flex-wrap items-end gap-x-3 gap-y-2">
        {cloud.until === null ? (
          <CommandButton
            sendKey={`offload.set 2h ${id}`}
            name="offload.set"
            body={{ mode: 'on', forMs: twoHoursMs }}
            disabled={cloud.offload === 'on'}
          >
            Cloud first for 2 hours
          </CommandButton>
        ) : (
          <CommandButton sendKey={`offload.set keep ${id}`} name="offload.set" body={{ mode: cloud.offload }}>
            Keep it so
          </CommandButton>
        )}
        {full === true && (
          <label className="min-w-0">
            <span className="block text-sm text-muted">The next change holds</span>
            <select
              className="field"
              value={span}
              onChange={(event) => setSpan(offloadSpans.find((one) => one.id === event.target.value)?.id ?? 'stay')}
            >
              {offloadSpans.map((one) => (
                <option key={one.id} value={one.id}>
                  {one.word}
                </option>
              ))}
            </select>
          </label>
        )}
      </div>
    </div>
  );
}
