import { describe, expect, it } from 'vitest';
import { autostartEntry, autostartFile, loginProgram } from '../../../electron/shell/login-entry.ts';

describe('loginProgram', () => {
  const shell = { execPath: '/opt/ranch/ranch-hand', appImage: undefined, isPackaged: true, appPath: '/opt/app' };

  it('starts hidden, so that no window opens at login', () => {
    expect(loginProgram(shell)).toEqual({ program: '/opt/ranch/ranch-hand', args: ['--hidden'] });
  });

  it('starts the AppImage and not the folder that it happens to be mounted at', () => {
    const appImage = '/home/me/Ranch Hand.AppImage';
    expect(loginProgram({ ...shell, appImage }).program).toBe(appImage);
  });

  it('names the app in a checkout', () => {
    expect(loginProgram({ ...shell, isPackaged: false }).args).toEqual(['/opt/app', '--hidden']);
  });
});

describe('autostart', () => {
  it('lies where the XDG specification says', () => {
    expect(autostartFile({}, '/home/me')).toBe('/home/me/.config/autostart/ranch-hand.desktop');
    expect(autostartFile({ XDG_CONFIG_HOME: '/cfg' }, '/home/me')).toBe('/cfg/autostart/ranch-hand.desktop');
    expect(autostartFile({ XDG_CONFIG_HOME: 'relative' }, '/home/me')).toBe(
      '/home/me/.config/autostart/ranch-hand.desktop',
    );
  });

  it('quotes whatever a path may hold', () => {
    const line = (program: string) =>
      autostartEntry({ program, args: ['--hidden'] })
        .split('\n')
        .find((one) => one.startsWith('Exec='));
    expect(line('/opt/Ranch Hand/ranch-hand')).toBe('Exec="/opt/Ranch Hand/ranch-hand" "--hidden"');
    expect(line('/opt/50%/a')).toBe('Exec="/opt/50%%/a" "--hidden"');
    expect(line('/opt/a"$(b)`c\\d')).toBe('Exec="/opt/a\\\\"\\\\$(b)\\\\`c\\\\\\\\d" "--hidden"');
  });

  it('cannot be broken out of by a line break', () => {
    const entry = autostartEntry({ program: '/opt/a\nExec=evil', args: [] });
    expect(entry.split('\n').filter((line) => line.startsWith('Exec='))).toHaveLength(1);
  });
});
