import { useId, useState, type ReactElement, type SubmitEvent } from 'react';
import { AgentText } from '../../components/agent-text.tsx';
import { plainLine } from '../../format/plain-text.ts';
import { dialectName, narrowed, trafficAddress, type TrafficFilter } from '../../format/traffic.ts';
import { routeWord } from '../../format/words.ts';
import { useSnapshot } from '../../panel-context.ts';

const routes = (['local', 'peer', 'cloud', 'none'] as const).map((value) => ({ value, word: routeWord(value) }));
const states = [
  { value: 'done', word: 'Done' },
  { value: 'failed', word: 'Failed' },
  { value: 'aborted', word: 'Hung up' },
];
const dialects = (['openai', 'anthropic', 'ollama'] as const).map((value) => ({ value, word: dialectName(value) }));

/** Narrows the list. The filter is the address, so that it can be kept and shared, and Back undoes it. */
export function Filters({ filter }: { filter: TrafficFilter }): ReactElement {
  const callers = useSnapshot((all) => all.gateway.callers);
  const models = useSnapshot((all) => all.models);
  const keys = [...new Set(callers.flatMap(({ key }) => key ?? []))];
  const put = (name: keyof TrafficFilter, value: string): void => {
    window.location.hash = trafficAddress(narrowed(filter, name, value));
  };
  return (
    <div role="group" aria-label="Narrow the list" className="mb-4 grid grid-cols-2 gap-3 md:grid-cols-5">
      <Typed name="Key" value={filter.key ?? ''} offers={keys} onValue={(value) => put('key', value)} />
      <Typed
        name="Model"
        value={filter.model ?? ''}
        offers={models.map(({ id }) => id)}
        onValue={(value) => put('model', value)}
      />
      <Choice name="Went to" any="Anywhere" value={filter.route} options={routes} onValue={(to) => put('route', to)} />
      <Choice name="State" any="Any" value={filter.state} options={states} onValue={(to) => put('state', to)} />
      <Choice name="Dialect" any="Any" value={filter.dialect} options={dialects} onValue={(to) => put('dialect', to)} />
      {filter.session !== undefined && (
        <p className="col-span-2 text-sm md:col-span-5">
          Only the chat{' '}
          <span className="code">
            <AgentText text={filter.session} />
          </span>
          .{' '}
          <a href={trafficAddress(narrowed(filter, 'session', ''))} className="underline">
            Show all
          </a>
        </p>
      )}
    </div>
  );
}

function Choice(props: {
  name: string;
  any: string;
  value: string | undefined;
  options: readonly { readonly value: string; readonly word: string }[];
  onValue: (value: string) => void;
}): ReactElement {
  return (
    <label className="min-w-0">
      <span className="block text-sm text-muted">{props.name}</span>
      <select className="field" value={props.value ?? ''} onChange={(event) => props.onValue(event.target.value)}>
        <option value="">{props.any}</option>
        {props.options.map(({ value, word }) => (
          <option key={value} value={value}>
            {word}
          </option>
        ))}
      </select>
    </label>
  );
}

/** A name, taken on Enter or when the field is left. */
function Typed(props: {
  name: string;
  value: string;
  offers: readonly string[];
  onValue: (value: string) => void;
}): ReactElement {
  const id = useId();
  const [typed, setTyped] = useState(props.value);
  const take = (): void => {
    if (typed.trim() !== props.value) props.onValue(typed);
  };
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    take();
  };
  return (
    <form onSubmit={submit} className="min-w-0">
      <label className="block">
        <span className="block text-sm text-muted">{props.name}</span>
        <input
          className="field"
          list={id}
          placeholder="Any"
          autoComplete="off"
          spellCheck={false}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          onBlur={take}
        />
      </label>
      <datalist id={id}>
        {props.offers.map((offer) => (
          <option key={offer} value={plainLine(offer)} />
        ))}
      </datalist>
    </form>
  );
}
