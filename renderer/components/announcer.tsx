import { useEffect, useRef, useState, type ReactElement } from 'react';
import { announcements, type Announced } from '../format/announcements.ts';
import { usePanel } from '../panel-context.ts';
import { type ConnectionState } from '../stores/connection.ts';

/** News that come this soon after others are said with them: text that is replaced at once is never read. */
const togetherMs = 1500;
const longestSaid = 1000;

/** Tells a screen reader what changed that matters, and stays silent about figures that move every second. */
export function Announcer(): ReactElement {
  const { connection, timers } = usePanel();
  const [said, setSaid] = useState('');
  const saidAt = useRef(0);
  useEffect(
    () =>
      connection.subscribe((state, previous) => {
        const news = announcements(announced(previous), announced(state));
        if (news.length === 0) return;
        const now = timers.now();
        const more = now - saidAt.current < togetherMs;
        saidAt.current = now;
        setSaid((before) => [...(more ? [before] : []), ...news].join(' ').slice(-longestSaid));
      }),
    [connection, timers],
  );
  return (
    <p role="status" className="sr-only">
      {said}
    </p>
  );
}

function announced(state: ConnectionState): Announced {
  return { phase: state.connection.phase, snapshot: state.snapshot };
}
