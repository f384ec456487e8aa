import { Notification } from 'electron';
import { dueToasts, type Toast } from './toasts.ts';

/** Shows toasts, and opens the panel when one is clicked. */
export class ToastSender {
  readonly #onClick: () => void;
  readonly #now: () => number;
  /** Shown and not yet gone: a notification that nobody refers to is collected, and its click with it. */
  readonly #shown = new Set<Notification>();
  #shownAtMs: ReadonlyMap<string, number> = new Map();

  constructor(deps: { readonly onClick: () => void; readonly now: () => number }) {
    this.#onClick = deps.onClick;
    this.#now = deps.now;
  }

  send(candidates: readonly Toast[]): void {
    if (candidates.length === 0 || !Notification.isSupported()) return;
    const due = dueToasts(candidates, this.#shownAtMs, this.#now());
    this.#shownAtMs = due.shownAtMs;
    for (const toast of due.show) this.#show(toast);
  }

  #show(toast: Toast): void {
    const notification = new Notification({ title: toast.title, body: toast.body });
    this.#shown.add(notification);
    notification.once('click', () => {
      this.#shown.delete(notification);
      this.#onClick();
    });
    notification.once('close', () => this.#shown.delete(notification));
    // Not every desktop tells that one was closed.
    for (const oldest of [...this.#shown].slice(0, -20)) this.#shown.delete(oldest);
    notification.show();
  }
}
