import { useEffect, type ReactElement, type ReactNode } from 'react';
import { assertNever } from './assert-never.ts';
import { Announcer } from './components/announcer.tsx';
import { ConnectionBanner } from './components/connection-banner.tsx';
import { HorseshoeMark } from './components/horseshoe.tsx';
import { ThemeToggle } from './components/theme-toggle.tsx';
import { plainLine } from './format/plain-text.ts';
import { useConnection } from './panel-context.ts';
import { routes, usePlace, type Place, type Route } from './route.ts';
import { EnginesView } from './views/engines/engines-view.tsx';
import { GatewayView } from './views/gateway/gateway-view.tsx';
import { KeysView } from './views/keys/keys-view.tsx';
import { ModelsView } from './views/models/models-view.tsx';
import { MoneyView } from './views/money/money-view.tsx';
import { OverviewView } from './views/overview/overview-view.tsx';
import { TrafficView } from './views/traffic/traffic-view.tsx';

const titles: Readonly<Record<Route, string>> = {
  overview: 'Overview',
  models: 'Models',
  traffic: 'Traffic',
  money: 'Money',
  gateway: 'Gateway',
  keys: 'Keys',
  engines: 'Engines',
};

/** The whole page: its frame at once, its figures with the first snapshot. */
export function App(): ReactElement {
  const place = usePlace();
  const { route } = place;
  const name = useConnection((state) => state.snapshot?.node.name ?? null);
  const phase = useConnection((state) => state.connection.phase);
  const hasSnapshot = name !== null;
  useEffect(() => {
    document.title = [titles[route], name === null ? null : plainLine(name), 'Ranch Hand'].filter(Boolean).join(' · ');
  }, [route, name]);
  const live = phase === 'live';
  return (
    <div className="min-h-dvh font-sans leading-normal text-ink">
      <a
        href="#main"
        className="button sr-only focus:not-sr-only focus:absolute focus:top-2 focus:left-2"
        onClick={skipToMain}
      >
        Skip to the figures
      </a>
      <Announcer />
      <ConnectionBanner />
      <Masthead route={route} name={name} />
      <main id="main" tabIndex={-1} className="mx-auto max-w-[84rem] px-4 pt-6 pb-16 outline-none sm:px-6">
        {hasSnapshot ? (
          <div className={live ? '' : 'stale'} data-live={live}>
            <Screen place={place} />
          </div>
        ) : (
          <BeforeFirst phase={phase} />
        )}
      </main>
    </div>
  );
}

// The address's fragment belongs to the routes, so the link moves the focus itself.
function skipToMain(event: { preventDefault(): void }): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

function Masthead({ route, name }: { route: Route; name: string | null }): ReactElement {
  // An old state is no state: without the agent the mark is the plain shoe.
  const state = useConnection((all) => (all.connection.phase === 'live' ? (all.snapshot?.node.state ?? null) : null));
  return (
    <header className="mx-auto max-w-[84rem] px-4 sm:px-6">
      <div className="flex flex-wrap items-center gap-x-6 gap-y-2 pt-4 pb-3">
        <a href="#/overview" className="flex min-w-0 items-center gap-2.5">
          <HorseshoeMark state={state} />
          <span className="min-w-0 leading-tight">
            <span className="block font-serif text-lg">Ranch Hand</span>
            <bdi className="block truncate text-sm text-muted">{name === null ? ' ' : plainLine(name)}</bdi>
          </span>
        </a>
        <nav aria-label="Screens" className="order-last w-full sm:order-none sm:w-auto sm:flex-1">
          <ul className="flex flex-wrap gap-x-1 sm:gap-x-2">
            {routes.map((one) => (
              <li key={one}>
                <NavLink to={one} current={one === route}>
                  {titles[one]}
                </NavLink>
              </li>
            ))}
          </ul>
        </nav>
        <div className="ml-auto">
          <ThemeToggle />
        </div>
      </div>
      <hr className="seam" />
    </header>
  );
}

function NavLink({ to, current, children }: { to: Route; current: boolean; children: ReactNode }): ReactElement {
  return (
    <a
      href={`#/${to}`}
      aria-current={current ? 'page' : undefined}
      className={`inline-block border-b-[3px] px-2 py-1.5 ${current ? 'border-leather font-semibold' : 'border-transparent text-muted hover:text-ink'}`}
    >
      {children}
    </a>
  );
}

function Screen({ place }: { place: Place }): ReactElement {
  switch (place.route) {
    case 'overview':
      return <OverviewView />;
    case 'models':
      return <ModelsView />;
    case 'traffic':
      return <TrafficView place={place} />;
    case 'money':
      return <MoneyView place={place} />;
    case 'gateway':
      return <GatewayView />;
    case 'keys':
      return <KeysView />;
    case 'engines':
      return <EnginesView />;
    default:
      return assertNever(place.route);
  }
}

/** Until the first snapshot: a quiet outline, or a sentence when there is nothing to wait for. */
function BeforeFirst({ phase }: { phase: string }): ReactElement {
  if (phase === 'lost' || phase === 'signed-out') {
    return <p className="py-10 font-serif text-xl">Nothing to show until the agent answers.</p>;
  }
  return (
    <div role="status" aria-busy="true" aria-label="Waiting for the agent" className="breathe grid gap-4">
      <div className="card h-56" />
      <div className="grid gap-4 md:grid-cols-3">
        <div className="card h-44" />
        <div className="card h-44" />
        <div className="card h-44" />
      </div>
    </div>
  );
}
