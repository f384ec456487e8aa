import { type ReactElement } from 'react';
import { PausedBanner } from '../../components/paused-banner.tsx';
import { type Place } from '../../route.ts';
import { ProvidersView } from './providers/providers-view.tsx';
import { SpendingView } from './spending-view.tsx';
import { WindowsView } from './windows/windows-view.tsx';

const parts = [
  { id: null, title: 'Spending', address: '#/money' },
  { id: 'providers', title: 'Providers', address: '#/money/providers' },
  { id: 'windows', title: 'Time windows', address: '#/money/windows' },
] as const;

/** What the cloud costs and what the ranch saved; its providers; and when they may be used. */
export function MoneyView({ place }: { place: Place }): ReactElement {
  const current = parts.find(({ id }) => id === place.id) ?? parts[0];
  return (
    <>
      <div className="mb-5 flex flex-wrap items-center gap-x-6 gap-y-2">
        <h1 className="text-2xl sm:text-3xl">Money</h1>
        <nav aria-label="Parts of Money">
          <ul className="flex flex-wrap gap-x-1">
            {parts.map(({ id, title, address }) => (
              <li key={title}>
                <a
                  href={address}
                  aria-current={id === current.id ? 'page' : undefined}
                  className={`inline-block border-b-2 px-2 py-1 ${id === current.id ? 'border-leather font-semibold' : 'border-transparent text-muted hover:text-ink'}`}
                >
                  {title}
                </a>
              </li>
            ))}
          </ul>
        </nav>
      </div>
      <div className="grid grid-cols-[minmax(0,1fr)] gap-5">
        <PausedBanner />
        <Part id={current.id} />
      </div>
    </>
  );
}

function Part({ id }: { id: (typeof parts)[number]['id'] }): ReactElement {
  if (id === 'providers') return <ProvidersView />;
  return id === 'windows' ? <WindowsView /> : <SpendingView />;
}
