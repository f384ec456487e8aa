import { useId, type ReactElement, type ReactNode } from 'react';
import {
  budgetProblems,
  periodChoices,
  periodWords,
  scopeKindWord,
  scopeKinds,
  unitChoices,
  unitWord,
  type BudgetDraft,
} from '../../format/budgets.ts';
import { plainLine } from '../../format/plain-text.ts';
import { useSnapshot } from '../../panel-context.ts';

/** One budget of the form. Problems are shown once saving was tried, or where something was typed. */
export function BudgetFields(props: {
  number: number;
  draft: BudgetDraft;
  tried: boolean;
  onDraft: (draft: BudgetDraft) => void;
}): ReactElement {
  const { draft, tried } = props;
  const put = (part: Partial<BudgetDraft>): void => props.onDraft({ ...draft, ...part });
  const problems = budgetProblems(draft);
  const nameProblem = tried || draft.name !== '' ? problems.name : undefined;
  const limitProblem = tried || draft.limit !== '' ? problems.limit : undefined;
  return (
    <fieldset className="grid grid-cols-1 items-start gap-3 sm:grid-cols-2 lg:grid-cols-3">
      <legend className="mb-1 font-medium">Budget {props.number}</legend>
      <Choice
        name="For"
        value={draft.kind}
        options={scopeKinds}
        word={scopeKindWord}
        onValue={(kind) => put({ kind })}
      />
      {draft.kind !== 'all' && (
        <Field name="Which" problem={nameProblem}>
          {(described) => (
            <NameInput kind={draft.kind} value={draft.name} described={described} onValue={(name) => put({ name })} />
          )}
        </Field>
      )}
      <Choice
        name="Each"
        value={draft.period}
        options={periodChoices}
        word={(period) => periodWords(period).replace(/^an? /u, '')}
        onValue={(period) => put({ period })}
      />
      <Choice
        name="Counted in"
        value={draft.unit}
        options={unitChoices}
        word={unitWord}
        problem={problems.unit}
        onValue={(unit) => put({ unit })}
      />
      <Field name="Limit" problem={limitProblem}>
        {(described) => (
          <Amount value={draft.limit} hint="10" described={described} onValue={(limit) => put({ limit })} />
        )}
      </Field>
      <Field name="Soft mark" problem={problems.softLimit}>
        {(described) => (
          <Amount
            value={draft.softLimit}
            hint="None"
            described={described}
            onValue={(softLimit) => put({ softLimit })}
          />
        )}
      </Field>
    </fieldset>
  );
}

interface Described {
  readonly 'aria-describedby': string | undefined;
  readonly 'aria-invalid': boolean;
}

function Field(props: {
  name: string;
  problem?: string | undefined;
  children: (described: Described) => ReactNode;
}): ReactElement {
  const id = useId();
  const wrong = props.problem !== undefined;
  return (
    <div className="min-w-0">
      <label className="block">
        <span className="block text-sm text-muted">{props.name}</span>
        {props.children({ 'aria-describedby': wrong ? id : undefined, 'aria-invalid': wrong })}
      </label>
      {wrong && (
        <p id={id} className="mt-1 text-sm text-barn">
          {props.problem}
        </p>
      )}
    </div>
  );
}

function Choice<Value extends string>(props: {
  name: string;
  value: Value;
  options: readonly Value[];
  word: (value: Value) => string;
  problem?: string | undefined;
  onValue: (value: Value) => void;
}): ReactElement {
  const choose = (text: string): void => {
    const found = props.options.find((option) => option === text);
    if (found !== undefined) props.onValue(found);
  };
  return (
    <Field name={props.name} problem={props.problem}>
      {(described) => (
        <select {...described} className="field" value={props.value} onChange={(event) => choose(event.target.value)}>
          {props.options.map((option) => (
            <option key={option} value={option}>
              {props.word(option)}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

function Amount(props: {
  value: string;
  hint: string;
  described: Described;
  onValue: (value: string) => void;
}): ReactElement {
  return (
    <input
      {...props.described}
      className="field"
      inputMode="decimal"
      autoComplete="off"
      placeholder={props.hint}
      value={props.value}
      onChange={(event) => props.onValue(event.target.value)}
    />
  );
}

/** A name, with those that the node knows of on offer. */
function NameInput(props: {
  kind: BudgetDraft['kind'];
  value: string;
  described: Described;
  onValue: (value: string) => void;
}): ReactElement {
  const listId = useId();
  const providers = useSnapshot((all) => all.cloud.providers);
  const callers = useSnapshot((all) => all.gateway.callers);
  const offers =
    props.kind === 'provider'
      ? providers.map(({ id }) => id)
      : props.kind === 'key'
        ? [...new Set(callers.flatMap(({ key }) => key ?? []))]
        : [];
  return (
    <>
      <input
        {...props.described}
        className="field"
        autoComplete="off"
        spellCheck={false}
        list={listId}
        placeholder={props.kind === 'model' ? 'openai/gpt-5' : ''}
        value={props.value}
        onChange={(event) => props.onValue(event.target.value)}
      />
      <datalist id={listId}>
        {offers.map((offer) => (
          <option key={offer} value={plainLine(offer)} />
        ))}
      </datalist>
    </>
  );
}
