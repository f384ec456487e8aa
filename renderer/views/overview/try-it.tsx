import { Send, Square } from 'lucide-react';
import { useId, type SubmitEvent, type KeyboardEvent, type ReactElement } from 'react';
import { useStore } from 'zustand';
import { type ModelSnapshot } from '../../../electron/contract/snapshot.ts';
import { AgentText } from '../../components/agent-text.tsx';
import { Section } from '../../components/section.tsx';
import { plainLine, plainText } from '../../format/plain-text.ts';
import { answerFigures } from '../../format/answer-figures.ts';
import { useConnection, usePanel, useSnapshot } from '../../panel-context.ts';
import { type TryItRun } from '../../stores/try-it.ts';

/** One question to the node, answered word by word, the same way a program's would be. */
export function TryIt(): ReactElement {
  const { tryIt } = usePanel();
  const { prompt, model, run } = useStore(tryIt);
  const models = useSnapshot((all) => all.models);
  const live = useConnection((state) => state.connection.phase === 'live');
  const talkers = models.filter((one) => one.problem === null && one.capabilities.includes('chat'));
  const chosen = talkers.find((one) => one.id === model) ?? talkers.find((one) => one.isDefault) ?? talkers[0];
  const running = run.kind === 'running';
  const canSend = live && !running && chosen !== undefined && prompt.trim() !== '';
  const send = (): void => {
    if (canSend) void tryIt.getState().send(chosen.id);
  };
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    send();
  };

  return (
    <Section title="Try it">
      <form onSubmit={submit} className="grid gap-3">
        <ModelField talkers={talkers} chosen={chosen} onChoose={(id) => tryIt.getState().setModel(id)} />
        <QuestionField prompt={prompt} onPrompt={(text) => tryIt.getState().setPrompt(text)} onEnter={send} />
        <AskRow running={running} canSend={canSend} onStop={() => tryIt.getState().stop()} />
      </form>
      <AnswerBox run={run} />
    </Section>
  );
}

interface ModelFieldProps {
  readonly talkers: readonly ModelSnapshot[];
  readonly chosen: ModelSnapshot | undefined;
  readonly onChoose: (id: string) => void;
}

function ModelField({ talkers, chosen, onChoose }: ModelFieldProps): ReactElement {
  const id = useId();
  return (
    <div>
      <label htmlFor={id} className="mb-1 block text-sm text-muted">
        Model
      </label>
      <select
        id={id}
        className="field"
        value={chosen?.id ?? ''}
        disabled={talkers.length === 0}
        onChange={(event) => onChoose(event.target.value)}
      >
        {talkers.length === 0 && <option value="">No model here can chat</option>}
        {talkers.map((one) => (
          <option key={one.id} value={one.id}>
            {plainLine(one.id)}
          </option>
        ))}
      </select>
    </div>
  );
}

interface QuestionFieldProps {
  readonly prompt: string;
  readonly onPrompt: (text: string) => void;
  readonly onEnter: () => void;
}

function QuestionField({ prompt, onPrompt, onEnter }: QuestionFieldProps): ReactElement {
  const id = useId();
  const onKey = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    onEnter();
  };
  return (
    <div>
      <label htmlFor={id} className="mb-1 block text-sm text-muted">
        Question
      </label>
      <textarea
        id={id}
        className="field block resize-y"
        rows={3}
        maxLength={100_000}
        value={prompt}
        onChange={(event) => onPrompt(event.target.value)}
        onKeyDown={onKey}
      />
    </div>
  );
}

interface AskRowProps {
  readonly running: boolean;
  readonly canSend: boolean;
  readonly onStop: () => void;
}

function AskRow({ running, canSend, onStop }: AskRowProps): ReactElement {
  return (
    <div className="flex items-center gap-3">
      {/* Keys, or one element would turn from a plain button into the form's own in the middle of a click. */}
      {running ? (
        <button key="stop" type="button" className="button" onClick={onStop}>
          <Square aria-hidden size={14} /> Stop
        </button>
      ) : (
        <button key="ask" type="submit" className="button button-main" disabled={!canSend}>
          <Send aria-hidden size={15} /> Ask
        </button>
      )}
      <span className="text-sm text-muted">{running ? 'Answering' : 'Enter sends, Shift+Enter starts a new line'}</span>
    </div>
  );
}

function AnswerBox({ run }: { run: TryItRun }): ReactElement | null {
  const activity = useSnapshot((all) => all.activity);
  if (run.kind === 'idle') return null;
  const { answer } = run;
  const waiting = run.kind === 'running' && answer.firstTokenAt === null;
  const measured = answer.trace === null ? undefined : activity.find((entry) => entry.trace === answer.trace);
  return (
    <div className="mt-4">
      <hr className="seam mb-3" />
      <div
        role="log"
        aria-label="Answer"
        aria-busy={run.kind === 'running'}
        tabIndex={0}
        className="max-h-80 overflow-y-auto"
        data-testid="answer"
      >
        {waiting && <p className="breathe text-muted">Waiting for the first token</p>}
        {answer.thinking !== '' && (
          <p className="mb-2 border-l-2 border-line pl-3 text-sm whitespace-pre-wrap text-muted">
            <bdi>{plainText(answer.thinking)}</bdi>
          </p>
        )}
        <p className="font-serif text-[1.0625rem] leading-relaxed whitespace-pre-wrap">
          <bdi>{plainText(answer.text)}</bdi>
        </p>
      </div>
      {run.kind === 'failed' && (
        <p role="alert" className="tint-barn mt-2 rounded border-l-4 border-barn px-3 py-2">
          <AgentText text={run.message} />
        </p>
      )}
      {run.kind !== 'running' && (run.kind !== 'failed' || answer.firstTokenAt !== null) && (
        <p role="status" data-testid="answer-figures" className="mt-2 text-sm text-muted">
          {run.kind === 'stopped' && 'Stopped. '}
          {answerFigures(answer, measured)}
        </p>
      )}
    </div>
  );
}
