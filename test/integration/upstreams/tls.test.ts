import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it, type TestContext } from 'vitest';
import { systemClock } from '../../../electron/agent/base/clock.ts';
import { AppError } from '../../../electron/agent/base/errors.ts';
import type { WireResponse } from '../../../electron/agent/inference/wire-response.ts';
import { HttpUpstream, type HttpUpstreamOptions } from '../../../electron/agent/inference/wire/http-upstream.ts';
import { makeTempFolder, removeFolder } from '../../fixtures/temp-folder.ts';
import { program } from '../../fixtures/test-engine.ts';
import { AnsweringServer } from './answering-server.ts';

const never = new AbortController().signal;
interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** An authority of the test's own, and certificates signed by it. */
class Authority {
  readonly #program: string;
  readonly #folder: string;
  readonly ca: string;

  /** `program` is openssl. */
  constructor(program: string, folder: string) {
    this.#program = program;
    this.#folder = folder;
    const subject = ['-subj', '/CN=Test authority', '-days', '2'];
    this.#openssl('req', '-x509', ...this.#newKey('ca'), ...subject, '-out', this.#at('ca.pem'));
    this.ca = readFileSync(this.#at('ca.pem'), 'utf8');
  }

  sign(name: string, altName: string, days = '2'): Certificate {
    this.#openssl('req', ...this.#newKey(name), '-subj', `/CN=${name}`, '-out', this.#at(`${name}.csr`));
    writeFileSync(this.#at(`${name}.ext`), `subjectAltName=${altName}\n`);
    const by = ['-CA', this.#at('ca.pem'), '-CAkey', this.#at('ca.key'), '-CAcreateserial'];
    const what = ['-in', this.#at(`${name}.csr`), '-extfile', this.#at(`${name}.ext`), '-days', days];
    this.#openssl('x509', '-req', ...what, ...by, '-out', this.#at(`${name}.pem`));
    return { key: readFileSync(this.#at(`${name}.key`), 'utf8'), cert: readFileSync(this.#at(`${name}.pem`), 'utf8') };
  }

  #newKey(name: string): string[] {
    return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', this.#at(`${name}.key`)];
  }

  #at(name: string): string {
    return join(this.#folder, name);
  }

  #openssl(...line: string[]): void {
    execFileSync(this.#program, line, { stdio: 'ignore' });
  }
}

function textOf({ body }: WireResponse): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    body.pipe({
      raw: () => true,
      payload: (bytes, start, end) => (text += bytes.toString('utf8', start, end)),
      end: () => resolve(text),
      fail: reject,
    });
  });
}

describe('https', () => {
  const folder = makeTempFolder();
  afterAll(() => removeFolder(folder));
  let made: { readonly authority: Authority; readonly good: Certificate } | null = null;

  /** Made once; without openssl the test is skipped aloud. */
  function certificates(context: TestContext): { readonly authority: Authority; readonly good: Certificate } {
    if (made) return made;
    const authority = new Authority(program(context, 'openssl'), folder);
    made = { authority, good: authority.sign('good', 'IP:127.0.0.1,DNS:localhost') };
    return made;
  }

  async function ask(
    certificate: Certificate,
    options: Partial<HttpUpstreamOptions>,
    times = 1,
  ): Promise<{ texts: string[]; hosts: (string | undefined)[]; idle: number }> {
    const body = 'x'.repeat(200_000);
    await using server = await AnsweringServer.start(() => ({ status: 200, body }), certificate);
    const http = new HttpUpstream(
      { host: '127.0.0.1', port: server.port, name: 'The server', tls: {}, ...options },
      { clock: systemClock },
    );
    try {
      const texts: string[] = [];
      for (let at = 0; at < times; at += 1) {
        const request = { method: 'POST', path: '/x', headers: {}, body: Buffer.from('{}') } as const;
        const text = await textOf(await http.send(request, never));
        texts.push(text === body ? 'whole' : text);
      }
      return { texts, hosts: server.requests.map(({ headers }) => headers.host), idle: http.connections.total };
    } finally {
      http.close();
    }
  }

  async function refusal(certificate: Certificate, options: Partial<HttpUpstreamOptions>): Promise<AppError> {
    const thrown: unknown = await ask(certificate, options).then(
      () => null,
      (error: unknown) => error,
    );
    if (thrown instanceof AppError) return thrown;
    throw new Error('it was not refused', { cause: thrown });
  }

  it('answers come whole over one kept connection, by address and by name', async (context) => {
    const { authority, good } = certificates(context);
    const byAddress = await ask(good, { tls: { ca: [authority.ca] } }, 3);
    expect(byAddress.texts).toEqual(['whole', 'whole', 'whole']);
    expect(byAddress.idle).toBe(1);
    const byName = await ask(good, { host: 'localhost', tls: { ca: [authority.ca] } });
    expect(byName.texts).toEqual(['whole']);
    expect(byName.hosts[0]).toMatch(/^localhost:\d+$/);
  });

  it('a certificate of an unknown authority is refused, and the sentence says what is wrong', async (context) => {
    const { good } = certificates(context);
    const error = await refusal(good, {});
    expect(error.code).toBe('upstream_failed');
    expect(error.message).toContain('could not prove by its certificate');
  });

  it('a certificate for another name is refused', async (context) => {
    const { authority } = certificates(context);
    const other = authority.sign('other', 'DNS:other.example');
    const error = await refusal(other, { tls: { ca: [authority.ca] } });
    expect(error.message).toContain('could not prove by its certificate');
  });

  it('a server that speaks no TLS is an error and no hang', async () => {
    await using plain = await AnsweringServer.start(() => ({ status: 200, body: '' }));
    const http = new HttpUpstream(
      { host: '127.0.0.1', port: plain.port, name: 'The server', tls: {} },
      { clock: systemClock },
    );
    const request = { method: 'GET', path: '/', headers: {}, body: null } as const;
    await expect(http.send(request, never)).rejects.toMatchObject({ code: 'upstream_failed' });
    http.close();
  });
});
