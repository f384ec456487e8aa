import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../electron/agent/base/clock.ts';
import { answerOf, Keyring } from '../../../../electron/agent/config/secrets/keyring.ts';

describe('what a keyring says', () => {
  it.each([
    'Platform failure: zbus error: org.freedesktop.DBus.Error.ServiceUnknown: The name is not activatable',
    'The name org.freedesktop.secrets was not provided by any .service files',
    'I/O error: No such file or directory (os error 2)',
  ])('F35 is an absence where nobody keeps one: %s', (message) => {
    expect(answerOf({ kind: 'failed', message })).toMatchObject({ kind: 'absent' });
  });

  it.each(['Couldn’t access platform secure storage: locked', 'some failure that nobody has seen', ''])(
    'F35 counts as locked where that is not sure, so that no key is written down for it: %s',
    (message) => {
      expect(answerOf({ kind: 'failed', message })).toEqual({ kind: 'locked', dismissed: false });
    },
  );

  it('F35 tells when a person has said no', () => {
    const message = 'SS error: prompt dismissed';
    expect(answerOf({ kind: 'failed', message })).toEqual({ kind: 'locked', dismissed: true });
  });
});

describe('Keyring', () => {
  const of = (platform: NodeJS.Platform, env: Record<string, string>): Keyring =>
    new Keyring({ childFile: '/nowhere/keyring.js', platform, env }, { clock: systemClock });

  it('F35 knows without asking that there is none outside of a desktop session', async () => {
    const keyring = of('linux', { XDG_RUNTIME_DIR: '/nowhere' });
    expect(keyring.absence()).toMatch(/outside of a desktop session/);
    expect(await keyring.ask({ op: 'get', account: 'openai' })).toMatchObject({ kind: 'absent' });
  });

  it('may have one on other systems, and where a session says so', () => {
    expect(of('win32', {}).absence()).toBeNull();
    expect(of('darwin', {}).absence()).toBeNull();
    expect(of('linux', { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/run/user/1/bus' }).absence()).toBeNull();
  });
});
