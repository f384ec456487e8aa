import { useEffect, useState } from 'react';
import { useStore } from 'zustand';
import { usePanel } from '../../panel-context.ts';
import { type ConnectionState } from '../../stores/connection.ts';
import { createUsage, type Usage, type UsageState } from '../../stores/usage.ts';

/** The ledger's sums: asked for when the screen opens, when the wish changes, and when today's money does. */
export function useUsage(): UsageState & { readonly usage: Usage } {
  const { connection, http, timers } = usePanel();
  const [usage] = useState(() => createUsage({ range: '24h', by: 'provider' }, { http, timers }));
  const live = useStore(connection, (state) => (state.connection.phase === 'live' ? state.connection.since : null));
  useEffect(() => {
    if (live !== null) usage.ask();
  }, [usage, live]);
  useEffect(
    () =>
      connection.subscribe((state, before) => {
        if (todayOf(state) !== todayOf(before)) usage.heard();
      }),
    [usage, connection],
  );
  useEffect(() => () => usage.stop(), [usage]);
  return { ...useStore(usage.store), usage };
}

function todayOf({ snapshot }: ConnectionState): string {
  return JSON.stringify(snapshot?.cloud.today ?? null);
}
