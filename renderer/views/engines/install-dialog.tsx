import { useState, type ReactElement } from 'react';
import { useStore } from 'zustand';
import { type QueryAnswer } from '../../../electron/contract/control.ts';
import { type EngineKind } from '../../../electron/contract/snapshot.ts';
import { AgentText } from '../../components/agent-text.tsx';
import { Refusal } from '../../components/command-button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { useQuestion } from '../../components/use-question.ts';
import { plainText } from '../../format/plain-text.ts';
import { engineKindName } from '../../format/words.ts';
import { useConnection, usePanel } from '../../panel-context.ts';

/** The official steps to install an engine, which this node runs once the operator agrees to them. */
export function InstallDialog({ kind, onClose }: { kind: EngineKind; onClose: () => void }): ReactElement {
  const { answer, asking, failure, askAgain } = useQuestion('installSteps', { kind });
  return (
    <Dialog title={`Install ${engineKindName(kind)}`} wide onClose={onClose}>
      {failure !== null && (
        <p role="alert" className="tint-barn flex flex-wrap items-center gap-3 rounded border-l-4 border-barn p-3">
          <AgentText text={failure} />
          <button type="button" className="button" onClick={askAgain}>
            Ask again
          </button>
        </p>
      )}
      {answer === null && asking && (
        <p role="status" className="breathe">
          Asking for the steps on this machine.
        </p>
      )}
      {answer !== null && <Steps answer={answer} onClose={onClose} />}
    </Dialog>
  );
}

function Steps({ answer, onClose }: { answer: QueryAnswer<'installSteps'>; onClose: () => void }): ReactElement {
  const { commands } = usePanel();
  const [consent, setConsent] = useState(false);
  const live = useConnection((state) => state.connection.phase === 'live');
  const sendKey = `engines.install ${answer.kind}`;
  const sending = useStore(commands, (state) => state.sent[sendKey]?.state === 'sending');
  const install = async (): Promise<void> => {
    const body = { kind: answer.kind, consent: true };
    if ((await commands.getState().send(sendKey, 'engines.install', body)) !== null) onClose();
  };
  return (
    <>
      <p>
        <AgentText text={answer.sentence} />
      </p>
      <ol className="mt-4 grid list-decimal gap-3 pl-6">
        {answer.steps.map(({ sentence, lines }) => (
          <li key={sentence}>
            <AgentText text={sentence} />
            {lines.length > 0 && (
              <pre className="code mt-1.5 rounded border border-line bg-raised p-2.5 whitespace-pre-wrap">
                <bdi>{plainText(lines.join('\n'))}</bdi>
              </pre>
            )}
          </li>
        ))}
      </ol>
      {answer.problem !== null && (
        <p className="tint-hay mt-4 rounded border-l-4 border-hay px-3 py-2">
          <AgentText text={answer.problem} />
        </p>
      )}
      <div className="sheet-foot">
        {answer.problem === null && (
          <label className="mr-auto flex min-w-0 flex-1 basis-64 items-center gap-2.5">
            <input
              type="checkbox"
              className="size-4 shrink-0 accent-leather"
              checked={consent}
              onChange={() => setConsent(!consent)}
            />
            I have read the steps, and this node may run them
          </label>
        )}
        <Refusal sendKey={sendKey} />
        <button type="button" className="button" onClick={onClose}>
          {answer.problem === null ? 'Not now' : 'Close'}
        </button>
        {answer.problem === null && (
          <button
            type="button"
            className="button button-main"
            disabled={!live || !consent || sending}
            aria-busy={sending}
            onClick={() => void install()}
          >
            Install
          </button>
        )}
      </div>
    </>
  );
}
