import { describe, expect, it } from 'vitest';
import {
  loopbackOrigin,
  mayDownload,
  mayNavigate,
  mayOpenExternally,
} from '../../../electron/shell/navigation-policy.ts';

const origin = 'http://127.0.0.1:4711';

describe('mayNavigate', () => {
  it('B69 stays within the control API that the panel came from', () => {
    expect(mayNavigate(`${origin}/`, origin)).toBe(true);
    expect(mayNavigate(`${origin}/#/engines`, origin)).toBe(true);
    for (const target of [
      'http://127.0.0.1:4712/',
      'http://localhost:4711/',
      'https://127.0.0.1:4711/',
      'http://127.0.0.1:4711@evil.example/',
      'http://user:secret@127.0.0.1:4711/',
      'http://evil.example/?http://127.0.0.1:4711/',
      'javascript:alert(1)',
      'data:text/html,hello',
      'file:///etc/passwd',
      'about:blank',
      'blob:http://127.0.0.1:4711/1',
      '',
      'not an address',
    ]) {
      expect(mayNavigate(target, origin), target).toBe(false);
    }
  });

  it('goes nowhere while there is no panel', () => {
    expect(mayNavigate(`${origin}/`, null)).toBe(false);
  });
});

describe('mayDownload', () => {
  const usage = `${origin}/control/v1/export/usage`;

  it('B69 lets the export of the node be saved and nothing else', () => {
    expect(mayDownload([`${usage}?format=csv`], origin)).toBe(true);
    for (const addresses of [
      [],
      [`${origin}/control/v1/snapshot`],
      [`${origin}/control/v1/export/usage/other`],
      ['http://127.0.0.1:4712/control/v1/export/usage'],
      ['https://evil.example/control/v1/export/usage'],
      ['https://evil.example/', usage],
      [usage, 'https://evil.example/control/v1/export/usage'],
      ['data:text/plain,taken'],
      [`blob:${origin}/1`],
    ]) {
      expect(mayDownload(addresses, origin), addresses.join(' then ')).toBe(false);
    }
  });

  it('saves nothing while there is no panel', () => {
    expect(mayDownload([usage], null)).toBe(false);
  });
});

describe('mayOpenExternally', () => {
  it('B70 opens https addresses of listed sites and nothing else', () => {
    expect(mayOpenExternally('https://github.com/ggml-org/llama.cpp')).toBe(true);
    expect(mayOpenExternally('https://huggingface.co/models?search=gguf')).toBe(true);
    for (const target of [
      'http://github.com/',
      'https://evil.example/',
      'https://github.com.evil.example/',
      'https://evil.example/github.com',
      'https://github.com@evil.example/',
      'https://user:secret@github.com/',
      'https://github.com:8443/',
      'smb://evil.example/share',
      'ms-msdt:/id PCWDiagnostic /skip force',
      'file:///C:/Windows/System32/calc.exe',
      'javascript:alert(1)',
      'vscode://file/etc/passwd',
      '\\\\evil.example\\share',
      '',
    ]) {
      expect(mayOpenExternally(target), target).toBe(false);
    }
  });
});

describe('loopbackOrigin', () => {
  it('B68 knows the panel only on this machine', () => {
    expect(loopbackOrigin('http://127.0.0.1:4711/sign-in?ticket=t')).toBe(origin);
    expect(loopbackOrigin('http://[::1]:4711/')).toBe('http://[::1]:4711');
    for (const target of [
      'http://192.168.1.5:4711/',
      'http://evil.example/?gatewayUrl=http://127.0.0.1/',
      'http://127.0.0.1.evil.example/',
      'http://127.0.0.1@evil.example/',
      'https://127.0.0.1/',
      'file:///etc/passwd',
    ]) {
      expect(loopbackOrigin(target), target).toBeNull();
    }
  });
});
