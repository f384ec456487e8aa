import { useId, type ReactElement, type ReactNode } from 'react';
import { AgentText } from './agent-text.tsx';

/** A titled part of a screen, and a landmark of its own. `aside` stands at the title's right. */
export function Section(props: {
  title: string;
  aside?: ReactNode;
  className?: string;
  children: ReactNode;
}): ReactElement {
  const id = useId();
  return (
    <section aria-labelledby={id} className={`card min-w-0 ${props.className ?? ''}`}>
      <div className="mb-3 flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1">
        <h2 id={id} className="min-w-0 text-lg leading-snug">
          <AgentText text={props.title} />
        </h2>
        {props.aside}
      </div>
      {props.children}
    </section>
  );
}

/** A name and its value, for use inside a `dl`. */
export function Fact({ name, children }: { name: string; children: ReactNode }): ReactElement {
  return (
    <div className="min-w-0">
      <dt className="text-sm text-muted">{name}</dt>
      <dd className="min-w-0">{children}</dd>
    </div>
  );
}
