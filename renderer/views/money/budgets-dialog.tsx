import { Plus, Trash2 } from 'lucide-react';
import { useState, type ReactElement, type SubmitEvent } from 'react';
import { AgentText } from '../../components/agent-text.tsx';
import { Refusal } from '../../components/command-button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { useCloudSetting } from '../../components/use-cloud-setting.ts';
import { useQuestion } from '../../components/use-question.ts';
import { budgetDoubles, budgetDraftOf, budgetsOf, newBudget, type BudgetDraft } from '../../format/budgets.ts';
import { cloudSettingsOf } from '../../format/cloud-settings.ts';
import { BudgetFields } from './budget-fields.tsx';

const sendKey = 'settings.update cloud.budgets';

/** All budgets as a form. What is wrong is said at its field, and nothing is sent until nothing is. */
export function BudgetsDialog({ onClose }: { onClose: () => void }): ReactElement {
  const { answer, failure } = useQuestion('settings', {});
  const settings = answer === null ? null : cloudSettingsOf(answer.rows);
  return (
    <Dialog title="Budgets" wide onClose={onClose}>
      {settings !== null ? (
        <Form first={settings.budgets.map(budgetDraftOf)} onClose={onClose} />
      ) : failure !== null || answer !== null ? (
        <p role="alert" className="text-barn">
          <AgentText text={failure ?? 'The budgets in the settings cannot be read. Look into config.json.'} />
        </p>
      ) : (
        <p className="text-muted">Looking for the budgets.</p>
      )}
    </Dialog>
  );
}

interface Row {
  readonly id: number;
  readonly draft: BudgetDraft;
}

function Form(props: { first: readonly BudgetDraft[]; onClose: () => void }): ReactElement {
  const { change, sending, failure } = useCloudSetting(sendKey);
  const [rows, setRows] = useState<readonly Row[]>(() => props.first.map((draft, id) => ({ id, draft })));
  const [tried, setTried] = useState(false);
  const drafts = rows.map(({ draft }) => draft);
  const doubles = budgetDoubles(drafts);
  const save = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    setTried(true);
    const budgets = budgetsOf(drafts);
    if (budgets !== null && (await change('budgets', () => budgets))) props.onClose();
  };
  const add = (): void =>
    setRows((all) => [...all, { id: Math.max(-1, ...all.map(({ id }) => id)) + 1, draft: newBudget }]);
  return (
    <form noValidate onSubmit={(event) => void save(event)}>
      <p className="mb-4 text-muted">
        Nothing is spent beyond a limit: what a request may cost at most is set aside before it is sent. Beyond the soft
        mark a notice is shown, and only what asks for the cloud goes there: high priority, ranch/quality, purposes, and
        models named outright. Changes hold at once.
      </p>
      <ul className="grid gap-4">
        {rows.map(({ id, draft }, index) => (
          <li key={id} className="grid gap-2 border-b border-line pb-4">
            <BudgetFields
              number={index + 1}
              draft={draft}
              tried={tried}
              onDraft={(next) => setRows((all) => all.map((row) => (row.id === id ? { id, draft: next } : row)))}
            />
            {doubles.includes(index) && (
              <p role="alert" className="text-sm text-barn">
                There is a budget for the same thing above. Change one of them, or take it away.
              </p>
            )}
            <div>
              <button
                type="button"
                className="button"
                aria-label={`Take budget ${index + 1} away`}
                onClick={() => setRows((all) => all.filter((row) => row.id !== id))}
              >
                <Trash2 aria-hidden size={15} />
                Take it away
              </button>
            </div>
          </li>
        ))}
      </ul>
      {rows.length === 0 && <p className="text-hay">Without a budget nothing limits what may be spent.</p>}
      <button type="button" className="button mt-3" onClick={add}>
        <Plus aria-hidden size={15} />
        Add a budget
      </button>
      <div className="sheet-foot">
        <Refusal sendKey={sendKey} />
        {failure !== null && (
          <span role="alert" className="text-sm text-barn">
            <AgentText text={failure} />
          </span>
        )}
        <button type="button" className="button" onClick={props.onClose}>
          Leave it
        </button>
        <button type="submit" className="button button-main" disabled={sending} aria-busy={sending}>
          Save
        </button>
      </div>
    </form>
  );
}
