import { X } from 'lucide-react';
import { useId, useLayoutEffect, useRef, type MouseEvent, type ReactElement, type ReactNode } from 'react';
import { createPortal } from 'react-dom';
import { AgentText } from './agent-text.tsx';

/**
 * The browser's own modal dialog: it keeps the focus inside, gives it back to where it was, and closes on Escape. Open
 * for as long as it is mounted. (A library's dialog writes style elements, which the page's policy forbids.) It hangs
 * on the body: a card that is moved in its list would take an open dialog out of the browser's hands. What has `data-first-focus` gets the focus.
 */
export function Dialog(props: {
  title: string;
  /** `alert` for a question that must be answered before anything is lost. */
  role?: 'dialog' | 'alertdialog';
  wide?: boolean;
  /** A click beside it does not close it. */
  firm?: boolean;
  onClose: () => void;
  children: ReactNode;
}): ReactElement {
  const id = useId();
  const element = useRef<HTMLDialogElement>(null);
  // Before the paint, and before the element is gone: only an open dialog that is closed gives the focus back.
  useLayoutEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    dialog?.querySelector<HTMLElement>('[data-first-focus]')?.focus();
    return () => dialog?.close();
  }, []);
  const onBackdrop = (event: MouseEvent): void => {
    if (event.target === element.current && props.firm !== true) props.onClose();
  };
  return createPortal(
    <dialog
      ref={element}
      role={props.role ?? 'dialog'}
      aria-labelledby={id}
      className={`sheet ${props.wide === true ? 'sheet-wide' : ''}`}
      onCancel={(event) => {
        event.preventDefault();
        props.onClose();
      }}
      onClick={onBackdrop}
    >
      <div className="p-4 sm:p-6">
        <div className="mb-3 flex items-start justify-between gap-4">
          <h2 id={id} className="min-w-0 text-xl leading-snug">
            <AgentText text={props.title} />
          </h2>
          <button
            type="button"
            aria-label="Close"
            className="-mt-1 -mr-2 grid size-9 shrink-0 place-items-center rounded-md text-muted hover:text-ink"
            onClick={props.onClose}
          >
            <X aria-hidden size={19} />
          </button>
        </div>
        {props.children}
      </div>
    </dialog>,
    document.body,
  );
}
