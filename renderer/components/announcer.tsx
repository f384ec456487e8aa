import { useEffect, useState, type ReactElement } from 'react';
import { announcements, type Announced } from '../format/announcements.ts';
import { usePanel } from '../panel-context.ts';
import { type ConnectionState } from '../stores/connection.ts';

/** Tells a screen reader what changed that matters, and stays silent about figures that move every second. */
export function Announcer(): ReactElement {
  const { connection } = usePanel();
  const [said, setSaid] = useState('');
  useEffect(
    () =>
      connection.subscribe((state, previous) => {
        const news = announcements(announced(previous), announced(state));
        if (news.length > 0) setSaid(news.join(' '));
      }),
    [connection],
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
