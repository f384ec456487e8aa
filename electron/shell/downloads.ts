import { join } from 'node:path';
import { dialog, type BrowserWindow, type Session } from 'electron';
import type { CurrentOrigin } from './lockdown.ts';
import { mayDownload } from './navigation-policy.ts';

export interface DownloadsDeps {
  /** The panel's origin at this moment. */
  readonly origin: CurrentOrigin;
  /** The folder that a person's downloads go to. */
  readonly folder: () => string;
  /** The window to tell in when a file broke off; null where it was closed meanwhile. */
  readonly window: () => BrowserWindow | null;
}

/** Lets the node's own files be saved where the person says, and nothing else be downloaded. */
export function guardDownloads(session: Session, { origin, folder, window }: DownloadsDeps): void {
  session.on('will-download', (event, item) => {
    if (!mayDownload(item.getURLChain(), origin())) {
      event.preventDefault();
      return;
    }
    item.setSaveDialogOptions({ title: 'Save the export', defaultPath: join(folder(), item.getFilename()) });
    item.once('done', (_done, state) => {
      if (state === 'interrupted') tellBrokenOff(window());
    });
  });
}

function tellBrokenOff(window: BrowserWindow | null): void {
  const message = {
    type: 'warning',
    title: 'Ranch Hand',
    message: 'The export broke off and is not whole',
    detail: 'Look whether there is room on the disk and the node is running, then export it again.',
  } as const;
  void (window === null ? dialog.showMessageBox(message) : dialog.showMessageBox(window, message));
}
