import { useId, type ReactElement } from 'react';
import { ceilings, priorities } from '../../../electron/contract/routing.ts';
import { offloadChoices, offloadChoiceWord, type PolicyDraft } from '../../format/policy.ts';
import { plainLine } from '../../format/plain-text.ts';
import { ceilingWords, priorityWord } from '../../format/trace.ts';
import { useSnapshot } from '../../panel-context.ts';

interface Props {
  readonly draft: PolicyDraft;
  readonly onDraft: (draft: PolicyDraft) => void;
}

/** What a key may do. Every field may be left as it is: then it sets no limit. */
export function PolicyFields({ draft, onDraft }: Props): ReactElement {
  const models = useSnapshot((all) => all.models);
  const listId = useId();
  const put = (part: Partial<PolicyDraft>): void => onDraft({ ...draft, ...part });
  return (
    <div className="grid gap-3 sm:grid-cols-2">
      <Text
        name="Model for requests that name none"
        hint="The node’s own"
        list={listId}
        value={draft.defaultModel}
        onValue={(defaultModel) => put({ defaultModel })}
      />
      <datalist id={listId}>
        {models.map(({ id }) => (
          <option key={id} value={plainLine(id)} />
        ))}
      </datalist>
      <Text
        name="Models it may use, with commas between"
        hint="All; * stands for any text"
        value={draft.models}
        onValue={(text) => put({ models: text })}
      />
      <Choice
        name="Priority"
        value={draft.priority}
        options={priorities}
        word={priorityWord}
        onValue={(priority) => put({ priority })}
      />
      <Choice
        name="Highest priority it may ask for"
        value={draft.maxPriority}
        options={priorities}
        word={priorityWord}
        onValue={(maxPriority) => put({ maxPriority })}
      />
      <Choice
        name="Its requests may go"
        value={draft.ceiling}
        options={ceilings}
        word={ceilingWords}
        onValue={(ceiling) => put({ ceiling })}
      />
      <Choice
        name="Its offload to cloud"
        value={draft.offload}
        options={offloadChoices}
        word={offloadChoiceWord}
        onValue={(offload) => put({ offload })}
      />
      <Limit
        name="Dollars a day"
        most={1_000_000}
        whole={false}
        value={draft.dollarsPerDay}
        onValue={(dollarsPerDay) => put({ dollarsPerDay })}
      />
      <Limit
        name="Requests a minute"
        most={1_000_000}
        value={draft.requestsPerMinute}
        onValue={(requestsPerMinute) => put({ requestsPerMinute })}
      />
      <Limit
        name="Tokens a minute, prompt and answer"
        most={1_000_000_000}
        value={draft.tokensPerMinute}
        onValue={(tokensPerMinute) => put({ tokensPerMinute })}
      />
      <Limit
        name="Requests at once"
        most={10_000}
        value={draft.concurrency}
        onValue={(concurrency) => put({ concurrency })}
      />
    </div>
  );
}

function Text(props: {
  name: string;
  hint: string;
  list?: string;
  value: string;
  onValue: (value: string) => void;
}): ReactElement {
  return (
    <label className="min-w-0">
      <span className="block text-sm text-muted">{props.name}</span>
      <input
        className="field"
        autoComplete="off"
        spellCheck={false}
        placeholder={props.hint}
        list={props.list}
        value={props.value}
        onChange={(event) => props.onValue(event.target.value)}
      />
    </label>
  );
}

function Limit(props: {
  name: string;
  most: number;
  whole?: boolean;
  value: string;
  onValue: (value: string) => void;
}): ReactElement {
  const whole = props.whole !== false;
  return (
    <label className="min-w-0">
      <span className="block text-sm text-muted">{props.name}</span>
      <input
        className="field"
        type="number"
        min={whole ? 1 : 0}
        max={props.most}
        step={whole ? 1 : 'any'}
        placeholder="No limit"
        value={props.value}
        onChange={(event) => props.onValue(event.target.value)}
      />
    </label>
  );
}

function Choice<Value extends string>(props: {
  name: string;
  value: Value;
  options: readonly Value[];
  word: (value: Value) => string;
  onValue: (value: Value) => void;
}): ReactElement {
  const choose = (text: string): void => {
    const found = props.options.find((option) => option === text);
    if (found !== undefined) props.onValue(found);
  };
  return (
    <label className="min-w-0">
      <span className="block text-sm text-muted">{props.name}</span>
      <select className="field" value={props.value} onChange={(event) => choose(event.target.value)}>
        {props.options.map((option) => (
          <option key={option} value={option}>
            {props.word(option)}
          </option>
        ))}
      </select>
    </label>
  );
}
