import './zod-without-eval.ts';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { createControlHttp } from './client/control-http.ts';
import { EventFeed } from './client/event-feed.ts';
import { browserTimers } from './client/timers.ts';
import { PanelContext, type Panel } from './panel-context.ts';
import { createCommandsStore } from './stores/commands.ts';
import { createConnectionStore, receive } from './stores/connection.ts';
import { createPreferencesStore, type Theme } from './stores/preferences.ts';
import { createTryItStore } from './stores/try-it.ts';

const timers = browserTimers;
const fetchHere = (path: string, init: RequestInit): Promise<Response> => window.fetch(path, init);
const http = createControlHttp(fetchHere);

const connection = createConnectionStore();
const preferences = createPreferencesStore(window.localStorage);
const feed = new EventFeed({
  fetch: fetchHere,
  timers,
  random: () => Math.random(),
  onEvent: (event) => connection.setState((state) => receive(state, event, timers.now())),
  onConnection: (next) => connection.setState({ connection: next }),
});

const panel: Panel = {
  connection,
  preferences,
  commands: createCommandsStore({ http }),
  tryIt: createTryItStore({ http, timers }),
  http,
  timers,
  reconnect: () => feed.retryNow(),
};

const applyTheme = (theme: Theme): void => {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
};
applyTheme(preferences.getState().theme);
preferences.subscribe((state) => applyTheme(state.theme));

// A page that comes back into view, or a network that comes back, need not wait out the delay.
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') feed.retryNow();
});
window.addEventListener('online', () => feed.retryNow());
feed.start();

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <PanelContext value={panel}>
      <App />
    </PanelContext>
  </StrictMode>,
);
