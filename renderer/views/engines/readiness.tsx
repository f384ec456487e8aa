import { type ReactElement } from 'react';
import { type QueryAnswer } from '../../../electron/contract/control.ts';
import { type NodeSnapshot } from '../../../electron/contract/snapshot.ts';
import { AgentText } from '../../components/agent-text.tsx';
import { Section } from '../../components/section.tsx';
import { formatAvailability } from '../../format/numbers.ts';
import { outageSpan, readyWindows } from '../../format/readiness.ts';
import { formatAgo, parseTime } from '../../format/time.ts';
import { useNow } from '../../panel-context.ts';

interface ReadinessProps {
  readonly availability: NodeSnapshot['node']['availability'];
  /** Whose outages; null for the node as a whole. */
  readonly engineId: string | null;
  readonly answer: QueryAnswer<'availability'> | null;
}

/** Share of time ready over a day, a week and a month, beside the goal, with the times in which it was not. */
export function Readiness(props: ReadinessProps & { title: string; failure: string | null }): ReactElement {
  return (
    <Section title={props.title}>
      <Windows {...props} />
      {props.failure !== null && (
        <p className="mt-3 text-hay">
          <AgentText text={props.failure} />
        </p>
      )}
      {props.answer !== null && <Outages {...props} answer={props.answer} />}
    </Section>
  );
}

/** The same for one engine, in its card. */
export function ReadyFigures(props: ReadinessProps & { name: string }): ReactElement {
  return (
    <details className="mb-2">
      <summary className="cursor-pointer py-1">
        <span className="font-medium">Ready to answer</span>
        <span className="text-muted">
          {' '}
          {props.availability.day === null
            ? 'not measured yet'
            : `${formatAvailability(props.availability.day)} of the last 24 hours`}
        </span>
      </summary>
      <div className="mt-2 mb-3">
        <Windows {...props} />
        {props.answer !== null && <Outages {...props} answer={props.answer} />}
      </div>
    </details>
  );
}

function Windows({ availability, answer }: ReadinessProps): ReactElement {
  const goal = answer?.goal ?? null;
  return (
    <dl className="flex flex-wrap gap-x-10 gap-y-3">
      {readyWindows(availability, goal).map(({ name, figure, meetsGoal }) => (
        <div key={name}>
          <dt className="text-sm text-muted">Last {name}</dt>
          <dd className={meetsGoal === false ? 'text-hay' : ''}>
            <span className="text-xl font-semibold">{figure}</span>
            {meetsGoal === false && <span className="block text-sm">below the goal</span>}
          </dd>
        </div>
      ))}
      {goal !== null && (
        <div>
          <dt className="text-sm text-muted">Goal</dt>
          <dd className="text-xl">{formatAvailability(goal)}</dd>
        </div>
      )}
    </dl>
  );
}

/** Outages shown; the agent keeps more. */
const shownOutages = 8;

function Outages(props: ReadinessProps & { answer: QueryAnswer<'availability'> }): ReactElement {
  const now = useNow();
  const outages = props.answer.outages.filter(({ engineId }) => engineId === props.engineId);
  if (outages.length === 0) return <p className="mt-3 text-muted">No outage is on record.</p>;
  return (
    <ul aria-label="Outages" className="mt-3 grid gap-1.5">
      {outages.slice(0, shownOutages).map((outage) => (
        <li key={`${outage.from} ${outage.cause}`} className="flex flex-wrap gap-x-3">
          <span className="w-28 shrink-0 text-muted">{formatAgo(parseTime(outage.from), now)}</span>
          <span className="w-36 shrink-0">{outageSpan(outage, now)}</span>
          <span className="min-w-0 flex-1 basis-52">
            <AgentText text={outage.cause} />
          </span>
        </li>
      ))}
      {outages.length > shownOutages && (
        <li className="text-sm text-muted">and {outages.length - shownOutages} before these</li>
      )}
    </ul>
  );
}
