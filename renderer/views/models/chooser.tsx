import { useId, useState, type ReactElement } from 'react';
import { useStore } from 'zustand';
import { type QueryAnswer, type Variant } from '../../../electron/contract/control.ts';
import { AgentText } from '../../components/agent-text.tsx';
import { Refusal } from '../../components/command-button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { useQuestion } from '../../components/use-question.ts';
import { orderLabel, sortVariants, variantOrder, variantSources, whyNotPickable } from '../../format/variants.ts';
import { useConnection, usePanel, useSnapshot } from '../../panel-context.ts';
import { VariantTable } from './variant-table.tsx';

/** The quantizations of a model side by side, here or elsewhere; one is picked, fetched if need be, and used. */
export function Chooser(props: { group: string; model: string; onClose: () => void }): ReactElement {
  const { answer, asking, failure, askAgain } = useQuestion('variants', { model: props.model });
  return (
    <Dialog title={`Quantizations of ${props.group}`} wide onClose={props.onClose}>
      <p className="mb-4 text-muted">
        Fewer bits per weight make a model smaller and faster, and its answers less exact.
      </p>
      {failure !== null && (
        <p role="alert" className="tint-barn mb-4 flex flex-wrap items-center gap-3 rounded border-l-4 border-barn p-3">
          <AgentText text={failure} />
          <button type="button" className="button" onClick={askAgain}>
            Ask again
          </button>
        </p>
      )}
      {answer === null && asking && (
        <div role="status" className="grid gap-3">
          <p>Asking this node, the Ollama library and Hugging Face which ones there are.</p>
          <div className="breathe h-40 rounded border border-line bg-raised" />
        </div>
      )}
      {answer !== null && <Choice answer={answer} onClose={props.onClose} />}
    </Dialog>
  );
}

function Choice({ answer, onClose }: { answer: QueryAnswer<'variants'>; onClose: () => void }): ReactElement {
  const variants = sortVariants(answer.variants);
  const inUse = useSnapshot(({ models }) => models.find(({ isDefault }) => isDefault)?.id ?? null);
  const [picked, setPicked] = useState<string | null>(null);
  const chosen = variants.find((variant) => variantKey(variant) === picked);
  const sources = variantSources(variants);
  if (variants.length === 0) {
    return (
      <>
        <p>No quantization of this model was found, here or elsewhere.</p>
        <Problems problems={answer.problems} />
      </>
    );
  }
  return (
    <>
      <VariantTable
        variants={variants}
        sources={sources}
        picked={picked}
        onPick={setPicked}
        keyOf={variantKey}
        whyNot={(variant) => whyNotPickable(variant, inUse)}
      />
      <Problems problems={answer.problems} />
      {sources.length > 0 && (
        <div className="mt-5 text-sm text-muted">
          <p>
            Expected loss: by how much the model is more surprised by a text than its original (growth of perplexity).
          </p>
          <h3 className="mt-2 font-sans! font-medium">Where the figures come from</h3>
          <ol className="mt-1 list-decimal pl-5">
            {sources.map((source) => (
              <li key={source}>
                <AgentText text={source} />
              </li>
            ))}
          </ol>
        </div>
      )}
      <PickBar key={picked} chosen={chosen} onClose={onClose} />
    </>
  );
}

/** Two places may offer the same quantization. */
function variantKey(variant: Variant): string {
  const { get } = variant;
  const from = get === null ? '' : get.kind === 'pull' ? get.reference : get.from;
  return `${variant.quantization}|${variant.model ?? ''}|${from}`;
}

function Problems({ problems }: { problems: readonly string[] }): ReactElement | null {
  if (problems.length === 0) return null;
  return (
    <ul aria-label="Places that could not be asked" className="tint-hay mt-4 rounded border-l-4 border-hay px-3 py-2">
      {problems.map((problem) => (
        <li key={problem}>
          <AgentText text={problem} />
        </li>
      ))}
    </ul>
  );
}

function PickBar({ chosen, onClose }: { chosen: Variant | undefined; onClose: () => void }): ReactElement {
  const { commands } = usePanel();
  const live = useConnection((state) => state.connection.phase === 'live');
  const [use, setUse] = useState(true);
  const checkboxId = useId();
  const sendKey = `choose ${chosen === undefined ? '' : variantKey(chosen)}`;
  const sending = useStore(commands, (state) => state.sent[sendKey]?.state === 'sending');
  const order = chosen === undefined ? null : variantOrder(chosen, use);
  const send = async (): Promise<void> => {
    if (order === null) return;
    if ((await commands.getState().send(sendKey, order.command, order.body)) !== null) onClose();
  };
  return (
    <div className="sheet-foot">
      {chosen?.model === null && (
        <label htmlFor={checkboxId} className="mr-auto flex items-center gap-2">
          <input
            id={checkboxId}
            type="checkbox"
            className="size-4 accent-leather"
            checked={use}
            onChange={() => setUse(!use)}
          />
          Use it when it is here
        </label>
      )}
      <Refusal sendKey={sendKey} />
      <button type="button" className="button" onClick={onClose}>
        Leave as it is
      </button>
      <button
        type="button"
        className="button button-main"
        disabled={!live || order === null || sending}
        aria-busy={sending}
        onClick={() => void send()}
      >
        {chosen === undefined ? 'Pick one' : <AgentText text={orderLabel(chosen, use)} />}
      </button>
    </div>
  );
}
