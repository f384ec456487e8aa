import { describe, expect, it } from 'vitest';
import { browserOpener } from '../../../electron/cli/browser.ts';

const url = 'http://127.0.0.1:4000/sign-in?ticket=a&b';

describe('browserOpener', () => {
  it('hands the address over as one argument, never to a shell', () => {
    expect(browserOpener('win32', {}, url)).toEqual({
      program: 'rundll32.exe',
      args: ['url.dll,FileProtocolHandler', url],
    });
    expect(browserOpener('darwin', {}, url)).toEqual({ program: 'open', args: [url] });
    expect(browserOpener('linux', { DISPLAY: ':0' }, url)).toEqual({ program: 'xdg-open', args: [url] });
    expect(browserOpener('linux', { WAYLAND_DISPLAY: 'wayland-0' }, url)?.program).toBe('xdg-open');
    expect(browserOpener('linux', { WSL_DISTRO_NAME: 'Ubuntu' }, url)?.program).toBe('wslview');
  });

  it('opens nothing where there is no screen', () => {
    expect(browserOpener('linux', {}, url)).toBeNull();
    expect(browserOpener('linux', { DISPLAY: '' }, url)).toBeNull();
  });
});
