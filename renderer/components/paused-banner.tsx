import { CirclePause } from 'lucide-react';
import { type ReactElement } from 'react';
import { formatAgo, parseTime } from '../format/time.ts';
import { useNow, useSnapshot } from '../panel-context.ts';
import { AgentText } from './agent-text.tsx';
import { CommandButton } from './command-button.tsx';

/** Why nothing goes to the cloud although the switch would let it. Nothing where nothing speaks against it. */
export function PausedBanner(): ReactElement | null {
  const paused = useSnapshot((all) => all.cloud.paused);
  const now = useNow();
  if (paused === null) return null;
  return (
    <div role="group" aria-label="Offloading is paused" className="paused">
      <CirclePause aria-hidden size={19} className="mt-0.5 shrink-0 text-hay" />
      <p className="min-w-0 flex-1 basis-52">
        <span className="font-semibold">Offloading is paused. </span>
        <AgentText text={paused.sentence} />{' '}
        <span className="text-sm whitespace-nowrap text-muted">{formatAgo(parseTime(paused.since), now)}</span>
      </p>
      {paused.reason === 'velocity' && (
        <CommandButton sendKey="offload.resume" name="offload.resume" body={{}}>
          Resume offloading
        </CommandButton>
      )}
    </div>
  );
}
