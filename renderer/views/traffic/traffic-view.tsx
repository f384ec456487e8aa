import { RotateCw } from 'lucide-react';
import { useEffect, useState, type ReactElement } from 'react';
import { useStore } from 'zustand';
import { AgentText } from '../../components/agent-text.tsx';
import { HeadRow } from '../../components/head-row.tsx';
import { formatCount } from '../../format/numbers.ts';
import { plainLine } from '../../format/plain-text.ts';
import { filterOf, type TrafficFilter } from '../../format/traffic.ts';
import { usePanel, useSnapshot } from '../../panel-context.ts';
import { type Place } from '../../route.ts';
import { createTraffic, type Traffic } from '../../stores/traffic.ts';
import { Filters } from './filters.tsx';
import { RequestRow, requestHeads } from './request-row.tsx';
import { TraceView } from './trace-view.tsx';

/** The latest requests as they come, or one of them with its whole decision. */
export function TrafficView({ place }: { place: Place }): ReactElement {
  if (place.id !== null) return <TraceView key={place.id} id={place.id} />;
  return <RequestList key={place.search} filter={filterOf(place.search)} />;
}

/** The list under one filter; another filter is another list. */
function RequestList({ filter }: { filter: TrafficFilter }): ReactElement {
  const traffic = useTraffic(filter);
  const { rows, total, more, asking, failure } = useStore(traffic.store);
  const narrowed = Object.keys(filter).length > 0;
  return (
    <>
      <div className="mb-5 flex flex-wrap items-center justify-between gap-3">
        <h1 className="text-2xl sm:text-3xl">Traffic</h1>
        <button type="button" className="button" disabled={asking} aria-busy={asking} onClick={traffic.ask}>
          <RotateCw aria-hidden size={15} />
          Look again
        </button>
      </div>
      <section aria-label="Requests" className="card min-w-0">
        <Filters filter={filter} />
        {failure !== null && (
          <p role="alert" className="mb-3 text-barn">
            <AgentText text={failure} />
          </p>
        )}
        {rows.length === 0 ? (
          <Nothing narrowed={narrowed} known={total !== null} />
        ) : (
          <table role="table" aria-label="Requests, the latest first" className="ledger">
            <HeadRow heads={requestHeads} />
            <tbody role="rowgroup">
              {rows.map((row) => (
                <RequestRow key={row.trace} row={row} />
              ))}
            </tbody>
          </table>
        )}
        <div className="mt-4 flex flex-wrap items-center gap-x-4 gap-y-2">
          {more && (
            <button type="button" className="button" disabled={asking} onClick={traffic.older}>
              Older requests
            </button>
          )}
          {rows.length > 0 && total !== null && (
            <p className="text-sm text-muted" data-testid="traffic-count">
              {formatCount(rows.length)} shown; {formatCount(total)} were kept when the list was opened. What was said
              in them is not kept.
              {filter.session !== undefined && ' New ones of a chat are shown when you look again.'}
            </p>
          )}
        </div>
      </section>
    </>
  );
}

function Nothing({ narrowed, known }: { narrowed: boolean; known: boolean }): ReactElement {
  const gateway = useSnapshot((all) => all.gateway);
  if (!known) return <p className="text-muted">Looking for the latest requests.</p>;
  if (narrowed) {
    return (
      <p className="text-muted">
        No request fits.{' '}
        <a href="#/traffic" className="underline">
          Show all requests
        </a>
      </p>
    );
  }
  return (
    <p className="text-muted">
      No request yet. Point a program at <span className="code">{plainLine(gateway.url)}</span>, and each of its
      requests appears here with where it went and why.
    </p>
  );
}

/** Asks when it is opened and after a loss of the agent; in between the event stream brings what is new. */
function useTraffic(filter: TrafficFilter): Traffic {
  const { connection, http } = usePanel();
  const [traffic] = useState(() => createTraffic(filter, { http }));
  const live = useStore(connection, (state) => (state.connection.phase === 'live' ? state.connection.since : null));
  useEffect(() => {
    if (live !== null) traffic.ask();
  }, [traffic, live]);
  useEffect(() => {
    const hear = (): void => traffic.heard(connection.getState().snapshot?.activity ?? []);
    hear();
    return connection.subscribe((state, before) => {
      if (state.snapshot?.activity !== before.snapshot?.activity) hear();
    });
  }, [traffic, connection]);
  useEffect(() => () => traffic.stop(), [traffic]);
  return traffic;
}
