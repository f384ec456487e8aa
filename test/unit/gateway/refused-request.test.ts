import { describe, expect, it } from 'vitest';
import { refusedRequest } from '../../../electron/agent/gateway/refused-request.ts';

/** An error as Node's parser gives it. */
function refused(packet: string, bytesParsed?: number): Error {
  return Object.assign(new Error('Parse Error'), { rawPacket: Buffer.from(packet, 'latin1'), bytesParsed });
}

const bad =
  'POST /api/chat?x=1 HTTP/1.1\r\nHost: a\r\nAnthropic-Version: 2023-06-01\r\nContent-Length: 5x\r\n\r\nbody: x';

describe('refusedRequest', () => {
  it('B22 reads the target and the headers out of the refused bytes', () => {
    expect(refusedRequest(refused(bad, 70))).toEqual({
      url: '/api/chat?x=1',
      rawHeaders: ['Host', 'a', 'Anthropic-Version', '2023-06-01', 'Content-Length', '5x'],
    });
  });

  it('B22 takes the request that was refused, not one beside it', () => {
    const good = 'GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n';
    expect(refusedRequest(refused(good + bad, good.length + 70))?.url).toBe('/api/chat?x=1');
    expect(refusedRequest(refused(bad + good, 70))?.url).toBe('/api/chat?x=1');
  });

  it.each([
    ['no packet', new Error('Timeout')],
    ['the middle of a head', refused('aaaa\r\nX-A: b\r\n\r\n')],
    ['another protocol', refused('\u0016\u0003\u0001\u0002\u0000')],
    ['nothing', refused('')],
  ])('B22 reads nothing out of %s', (_name, error) => {
    expect(refusedRequest(error)).toBeNull();
  });
});
