import { X } from 'lucide-react';
import { type ReactElement, type ReactNode } from 'react';
import { useStore } from 'zustand';
import { AgentText } from './agent-text.tsx';
import { useConnection, usePanel } from '../panel-context.ts';

/** Sends a command. While its answer is out the button waits; a refusal is shown with its reason beside it. */
export function CommandButton(props: {
  /** Tells this button from others: its request and its refusal are kept under it. */
  sendKey: string;
  name: string;
  body: Readonly<Record<string, unknown>>;
  disabled?: boolean;
  /** For a button that switches something on and off: whether it is on. */
  pressed?: boolean;
  /** What a screen reader says instead of the button's text, where that alone would not tell which one it is. */
  label?: string;
  /** Id of the text that says why it is disabled. */
  describedBy?: string | undefined;
  children: ReactNode;
}): ReactElement {
  const { commands } = usePanel();
  const sent = useStore(commands, (state) => state.sent[props.sendKey]);
  const live = useConnection((state) => state.connection.phase === 'live');
  return (
    <span className="inline-flex max-w-full flex-wrap items-center gap-2">
      <button
        type="button"
        className="button"
        disabled={props.disabled === true || !live || sent?.state === 'sending'}
        aria-busy={sent?.state === 'sending'}
        aria-pressed={props.pressed}
        aria-label={props.label}
        aria-describedby={props.describedBy}
        onClick={() => void commands.getState().send(props.sendKey, props.name, props.body)}
      >
        {props.children}
      </button>
      <Refusal sendKey={props.sendKey} />
    </span>
  );
}

/** Why the agent refused the last command sent under this key; nothing when it did not. */
export function Refusal({ sendKey }: { sendKey: string }): ReactElement | null {
  const { commands } = usePanel();
  const sent = useStore(commands, (state) => state.sent[sendKey]);
  if (sent?.state !== 'refused') return null;
  return (
    <span role="alert" className="inline-flex max-w-full items-center gap-1 text-sm text-barn">
      <AgentText text={sent.message} />
      <button
        type="button"
        aria-label="Dismiss"
        className="grid size-7 shrink-0 place-items-center"
        onClick={() => commands.getState().dismiss(sendKey)}
      >
        <X aria-hidden size={15} />
      </button>
    </span>
  );
}
