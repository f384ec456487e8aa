import { describe, expect, it } from 'vitest';
import { launchOptions } from '../../../electron/shell/launch-options.ts';

describe('launchOptions', () => {
  it('knows the one argument there is', () => {
    expect(launchOptions(['electron', 'main.cjs'])).toEqual({ hidden: false });
    expect(launchOptions(['electron', 'main.cjs', '--hidden'])).toEqual({ hidden: true });
  });

  it('B68 makes nothing of addresses, paths and other arguments', () => {
    const hostile = [
      'ranch-hand://open?gatewayUrl=http://evil.example',
      '--gatewayUrl=x',
      '--hidden=http://evil',
      '../../x',
    ];
    expect(launchOptions(hostile)).toEqual({ hidden: false });
  });
});
