import { describe, expect, it } from 'vitest';
import { judgeLocalRequest, type LocalRequestRules } from '../../../electron/agent/base/local-request.ts';

const rules: LocalRequestRules = { port: 8080 };

function judge(headers: Record<string, string | string[]>, url = '/v1/models', withRules = rules): string | null {
  const rawHeaders = Object.entries(headers).flatMap(([name, value]) => [value].flat().flatMap((one) => [name, one]));
  return judgeLocalRequest({ url, rawHeaders }, withRules)?.code ?? null;
}

const host = { Host: '127.0.0.1:8080' };

describe('judgeLocalRequest', () => {
  it.each(['127.0.0.1:8080', 'localhost:8080', 'LocalHost:8080', '[::1]:8080'])('lets Host %s pass', (Host) => {
    expect(judge({ Host })).toBeNull();
  });

  it.each([
    ['B1', 'evil.com'],
    ['B1', 'evil.com:8080'],
    ['B2', 'localhost.evil.com:8080'],
    ['B3', '127.0.0.1:8080/?'],
    ['B3', '127.0.0.1:8080@evil.com'],
    ['B3', '127.0.0.1:80800'],
    ['B3', '127.0.0.1'],
    ['B3', '127.0.0.1:8081'],
    ['B3', ' 127.0.0.1:8080'],
    ['B3', ''],
  ])('%s refuses Host "%s"', (_id, Host) => {
    expect(judge({ Host })).toBe('wrong_host');
  });

  it('lets a Host without a port pass on port 80 only', () => {
    expect(judge({ Host: 'localhost' }, '/', { port: 80 })).toBeNull();
    expect(judge({ Host: 'localhost' }, '/')).toBe('wrong_host');
  });

  describe('names that the operator listed, for a proxy in front', () => {
    const listed: LocalRequestRules = {
      port: 8080,
      hosts: ['127.0.0.1', 'localhost', '[::1]', 'logos', 'logos.local', '192.168.1.7', 'ranch.example.com'],
      anyPortHosts: ['ranch.example.com'],
    };

    it.each([
      'ranch.example.com',
      'Ranch.Example.com',
      'ranch.example.com:443',
      'ranch.example.com:8080',
      'ranch.example.com:8443',
      'ranch.example.com:65535',
      'logos.local:8080',
    ])('lets Host %s pass', (Host) => {
      expect(judge({ Host }, '/', listed)).toBeNull();
      // And where the listener has no name but the loopback ones.
      if (Host !== 'logos.local:8080')
        expect(judge({ Host }, '/', { port: 8080, anyPortHosts: listed.anyPortHosts ?? [] })).toBeNull();
    });

    it.each([
      ['B1', 'evil.com'],
      ['B1', 'evil.com:443'],
      ['B1', 'example.com'],
      ['B2', 'ranch.example.com.evil.com'],
      ['B2', 'evil-ranch.example.com'],
      ['B3', 'ranch.example.com:'],
      ['B3', 'ranch.example.com:0'],
      ['B3', 'ranch.example.com:080'],
      ['B3', 'ranch.example.com:65536'],
      ['B3', 'ranch.example.com:443:443'],
      ['B3', 'ranch.example.com:443@evil.com'],
      ['B3', 'ranch.example.com/'],
      ['B3', 'ranch.example.com.'],
      ['B3', ' ranch.example.com'],
      ['B3', 'logos'],
      ['B3', 'logos.local:443'],
      ['B3', '192.168.1.7'],
      ['B3', '192.168.1.7:443'],
      ['B3', 'localhost'],
      ['B3', 'localhost:443'],
      ['B3', '127.0.0.1:443'],
      ['B3', '[::1]:443'],
    ])('%s refuses Host "%s": names of the machine have its port, others are none', (_id, Host) => {
      expect(judge({ Host }, '/', listed)).toBe('wrong_host');
    });

    it('lets a page of the same origin pass, whose TLS the proxy took off', () => {
      const Host = 'ranch.example.com:8443';
      expect(judge({ Host, Origin: 'https://ranch.example.com:8443' }, '/', listed)).toBeNull();
      expect(judge({ Host, Origin: 'http://ranch.example.com:8443' }, '/', listed)).toBeNull();
    });

    it.each([
      ['https://ranch.example.com', 'ranch.example.com:8443'],
      ['https://ranch.example.com:3000', 'ranch.example.com'],
      ['https://ranch.example.com', '127.0.0.1:8080'],
      ['https://logos.local:8080', 'logos.local:8080'],
      ['https://evil.com', 'ranch.example.com'],
      ['null', 'ranch.example.com'],
    ])('B6 refuses Origin %s to Host %s', (Origin, Host) => {
      expect(judge({ Host, Origin }, '/', listed)).toBe('forbidden');
    });
  });

  it('B4 refuses no Host and two Hosts', () => {
    expect(judge({})).toBe('invalid_request');
    expect(judge({ Host: ['127.0.0.1:8080', '127.0.0.1:8080'] })).toBe('invalid_request');
  });

  it.each(['http://127.0.0.1:8080/v1/models', '*', 'evil.com:443', '', '//', '//evil.com/v1/models'])(
    'B5 refuses the target "%s"',
    (url) => {
      expect(judge(host, url)).toBe('invalid_request');
    },
  );

  it.each([
    'http://evil.com',
    'https://127.0.0.1:8080',
    'http://127.0.0.1:3000',
    'http://127.0.0.1:8080.evil.com',
    'file://',
    '',
  ])('B6 refuses Origin "%s"', (Origin) => {
    expect(judge({ ...host, Origin })).toBe('forbidden');
  });

  it('B7 refuses Origin null', () => {
    expect(judge({ ...host, Origin: 'null' })).toBe('forbidden');
  });

  it('lets its own origins and listed ones pass', () => {
    expect(judge({ ...host, Origin: 'http://localhost:8080' })).toBeNull();
    const listed: LocalRequestRules = { port: 8080, origins: ['http://127.0.0.1:5173'] };
    const headers = { ...host, Origin: 'http://127.0.0.1:5173', 'Sec-Fetch-Site': 'same-site' };
    expect(judge(headers, '/', listed)).toBeNull();
    expect(judge({ ...host, 'Sec-Fetch-Site': 'same-site' }, '/', listed)).toBe('forbidden');
  });

  it.each(['cross-site', 'same-site', 'CROSS-SITE', ''])('B9 refuses Sec-Fetch-Site "%s"', (site) => {
    expect(judge({ ...host, 'Sec-Fetch-Site': site })).toBe('forbidden');
  });

  it.each(['same-origin', 'none'])('lets Sec-Fetch-Site %s pass', (site) => {
    expect(judge({ ...host, 'Sec-Fetch-Site': site })).toBeNull();
  });

  it.each([
    '/v1/%2e%2e/models',
    '/v1/%2E./models',
    '/../etc',
    '/v1/..',
    '/a%5cb',
    '/a\\b',
    '/a%00b',
    '/a\u0000b',
    '/./a',
  ])('B34 refuses the path %j', (url) => {
    expect(judge(host, url)).toBe('invalid_request');
  });

  it.each([
    ['gzip, chunked'],
    ['chunked, chunked'],
    ['chunked,'],
    ['identity'],
    [''],
    ['chunked', 'chunked'],
    ['gzip', 'chunked'],
  ])('B21 refuses Transfer-Encoding %j %j', (...codings) => {
    expect(judge({ ...host, 'Transfer-Encoding': codings })).toBe('invalid_request');
  });

  it.each(['chunked', 'Chunked'])('lets Transfer-Encoding %s pass', (coding) => {
    expect(judge({ ...host, 'Transfer-Encoding': coding })).toBeNull();
  });

  it('lets ordinary paths and any query pass', () => {
    expect(judge(host, '/v1/models/qwen2.5-0.5b..gguf?x=%2e%2e')).toBeNull();
    expect(judge(host, '/v1/models/a%2Fb')).toBeNull();
  });
});
