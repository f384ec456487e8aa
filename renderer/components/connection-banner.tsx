import { KeyRound, Unplug } from 'lucide-react';
import { type ReactElement } from 'react';
import { version } from '../../electron/contract/version.ts';
import { assertNever } from '../assert-never.ts';
import { type Connection } from '../client/event-feed.ts';
import { formatClock, formatSpan, formatUntil } from '../format/time.ts';
import { useConnection, usePanel } from '../panel-context.ts';
import { Copyable } from './copyable.tsx';
import { useClock } from './use-clock.ts';

/** Says when the figures on the page are old, since when, and what to do. Nothing while all is well. */
export function ConnectionBanner(): ReactElement | null {
  const connection = useConnection((state) => state.connection);
  const agentVersion = useConnection((state) => state.snapshot?.node.version ?? version);
  switch (connection.phase) {
    case 'lost':
      return <Lost connection={connection} />;
    case 'signed-out':
      return <SignedOut />;
    case 'connecting':
      return null;
    case 'live':
      return agentVersion === version ? null : <Outdated />;
    default:
      return assertNever(connection);
  }
}

function Lost({ connection }: { connection: Extract<Connection, { phase: 'lost' }> }): ReactElement {
  const { reconnect } = usePanel();
  const now = useClock();
  return (
    <div role="region" aria-label="Connection" className="tint-hay border-b-2 border-hay">
      <div className="mx-auto flex max-w-[84rem] flex-wrap items-center gap-x-4 gap-y-2 px-4 py-2.5 sm:px-6">
        <Unplug aria-hidden size={18} className="shrink-0 text-hay" />
        <p className="min-w-0 flex-1 basis-64">
          <strong className="font-semibold">No connection to the agent since {formatClock(connection.since)}</strong> (
          {formatSpan(now - connection.since)}). {connection.reason} What you see is from before. Next try{' '}
          {formatUntil(connection.nextTryAt, now)}.
        </p>
        <button type="button" className="button" onClick={reconnect}>
          Try now
        </button>
      </div>
    </div>
  );
}

function SignedOut(): ReactElement {
  const { reconnect } = usePanel();
  return (
    <div role="region" aria-label="Connection" className="tint-creek border-b-2 border-creek">
      <div className="mx-auto flex max-w-[84rem] flex-wrap items-center gap-x-4 gap-y-2 px-4 py-2.5 sm:px-6">
        <KeyRound aria-hidden size={18} className="shrink-0 text-creek" />
        <p className="min-w-0 flex-1 basis-64">
          <strong className="font-semibold">This page is not signed in.</strong> Run this in a terminal on this machine;
          it opens the panel signed in: <Copyable text="ranch-hand panel" label="Copy the command" />
        </p>
        <button type="button" className="button" onClick={reconnect}>
          Try again
        </button>
      </div>
    </div>
  );
}

function Outdated(): ReactElement {
  return (
    <div role="region" aria-label="Version" className="tint-creek border-b-2 border-creek">
      <div className="mx-auto flex max-w-[84rem] flex-wrap items-center gap-x-4 gap-y-2 px-4 py-2.5 sm:px-6">
        <p className="min-w-0 flex-1 basis-64">
          The agent was updated. Reload the page to get the panel that belongs to it.
        </p>
        <button type="button" className="button" onClick={() => window.location.reload()}>
          Reload
        </button>
      </div>
    </div>
  );
}
