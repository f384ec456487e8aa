import { shell, type Session, type WebContents } from 'electron';
import { loopbackOrigin, mayNavigate, mayOpenExternally } from './navigation-policy.ts';

/** The panel's origin at this moment; null while there is none, and then nothing may be loaded. */
export type CurrentOrigin = () => string | null;

/** Refuses a page everything that it does not need: every permission, every device, every other address. */
export function lockDownSession(session: Session, origin: CurrentOrigin): void {
  session.setPermissionRequestHandler((_contents, _permission, answer) => answer(false));
  session.setPermissionCheckHandler(() => false);
  session.setDevicePermissionHandler(() => false);
  const network = { urls: ['http://*/*', 'https://*/*', 'ws://*/*', 'wss://*/*'] };
  session.webRequest.onBeforeRequest(network, (details, answer) => {
    const own = origin();
    answer({ cancel: own === null || loopbackOrigin(details.url.replace(/^ws:/u, 'http:')) !== own });
  });
}

/** Keeps a page where it is: no other site, no new window, no embedded view. */
export function lockDownContents(contents: WebContents, origin: CurrentOrigin): void {
  contents.on('will-navigate', (event) => {
    if (!mayNavigate(event.url, origin())) event.preventDefault();
  });
  contents.on('will-frame-navigate', (event) => {
    if (!mayNavigate(event.url, origin())) event.preventDefault();
  });
  contents.on('will-redirect', (event) => {
    if (!mayNavigate(event.url, origin())) event.preventDefault();
  });
  contents.on('will-attach-webview', (event) => event.preventDefault());
  contents.setWindowOpenHandler(({ url }) => {
    if (mayOpenExternally(url)) void shell.openExternal(url);
    return { action: 'deny' };
  });
}
