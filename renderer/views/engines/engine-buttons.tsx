import { Popover } from 'radix-ui';
import { useId, useState, type ReactElement } from 'react';
import { useStore } from 'zustand';
import { type EngineSnapshot } from '../../../electron/contract/snapshot.ts';
import { CommandButton, Refusal } from '../../components/command-button.tsx';
import { engineActions, handsOffActions, handsOffReason, type EngineAction } from '../../format/engine-actions.ts';
import { useConnection, usePanel } from '../../panel-context.ts';

/** What may be done to the engine now. What comes of it is told by the engine's state, never by these buttons. */
export function EngineButtons({ engine }: { engine: EngineSnapshot }): ReactElement | null {
  const live = useConnection((state) => state.connection.phase === 'live');
  if (engine.ownership === 'adopted') return <HandsOff engine={engine} />;
  const actions = engineActions(engine);
  if (actions.length === 0) return null;
  return (
    <div className="mt-3 flex flex-wrap items-center gap-2">
      {actions.map((action) =>
        action.interrupts && engine.slots.busy > 0 ? (
          <ConfirmedAction key={action.command} engine={engine} action={action} live={live} />
        ) : (
          <CommandButton
            key={action.command}
            sendKey={keyOf(engine, action)}
            name={action.command}
            body={{ id: engine.id }}
            disabled={!live}
          >
            {action.label}
          </CommandButton>
        ),
      )}
    </div>
  );
}

/** The buttons that others have to press elsewhere, and why. */
function HandsOff({ engine }: { engine: EngineSnapshot }): ReactElement {
  const id = useId();
  return (
    <div className="mt-3 flex flex-wrap items-center gap-2">
      {handsOffActions.map(({ command, label }) => (
        <button key={command} type="button" className="button" disabled aria-describedby={id}>
          {label}
        </button>
      ))}
      <p id={id} className="min-w-0 flex-1 basis-60 text-sm text-muted">
        {handsOffReason(engine)}
      </p>
    </div>
  );
}

function keyOf(engine: EngineSnapshot, action: EngineAction): string {
  return `${action.command} ${engine.id}`;
}

/** Asks first, because answers are being written. */
function ConfirmedAction(props: { engine: EngineSnapshot; action: EngineAction; live: boolean }): ReactElement {
  const { engine, action } = props;
  const { commands } = usePanel();
  const [open, setOpen] = useState(false);
  const key = keyOf(engine, action);
  const sending = useStore(commands, (state) => state.sent[key]?.state === 'sending');
  const confirm = (): void => {
    setOpen(false);
    void commands.getState().send(key, action.command, { id: engine.id });
  };
  const { busy } = engine.slots;
  return (
    <span className="inline-flex max-w-full flex-wrap items-center gap-2">
      <Popover.Root open={open} onOpenChange={setOpen}>
        <Popover.Trigger className="button" disabled={!props.live || sending} aria-busy={sending}>
          {action.label}
        </Popover.Trigger>
        <Popover.Content
          align="start"
          sideOffset={6}
          collisionPadding={12}
          aria-label={`${action.label} the engine`}
          className="z-10 w-72 max-w-[calc(100vw-2rem)] rounded-md border border-line bg-raised p-4 shadow-lg"
        >
          <p className="mb-3">
            {busy === 1 ? 'One answer is being written' : `${busy} answers are being written`} by this engine right now.
          </p>
          <div className="flex gap-2">
            <button type="button" className="button button-main" onClick={confirm}>
              {action.label} anyway
            </button>
            <Popover.Close className="button">Leave it</Popover.Close>
          </div>
        </Popover.Content>
      </Popover.Root>
      <Refusal sendKey={key} />
    </span>
  );
}
