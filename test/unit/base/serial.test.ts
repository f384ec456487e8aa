import { describe, expect, it } from 'vitest';
import { StopStack } from '../../../electron/agent/base/lifecycle.ts';
import { Mailbox } from '../../../electron/agent/base/mailbox.ts';

describe('Mailbox', () => {
  it('runs one task after another, however long each takes', async () => {
    const mailbox = new Mailbox();
    const ran: string[] = [];
    const gate = Promise.withResolvers<undefined>();
    const first = mailbox.post(async () => {
      ran.push('first begins');
      await gate.promise;
      ran.push('first ends');
    });
    const second = mailbox.post(() => ran.push('second'));
    expect(mailbox.size).toBe(2);
    gate.resolve(undefined);
    await Promise.all([first, second]);
    expect(ran).toEqual(['first begins', 'first ends', 'second']);
    expect(mailbox.size).toBe(0);
  });

  it('goes on after a task that throws, and tells its poster', async () => {
    const mailbox = new Mailbox();
    const failing = mailbox.post(() => Promise.reject(new Error('no')));
    const next = mailbox.post(() => 2);
    await expect(failing).rejects.toThrow('no');
    await expect(next).resolves.toBe(2);
    await mailbox.idle();
  });
});

describe('StopStack', () => {
  it('stops in reverse order, once, and past a part that fails', async () => {
    const stack = new StopStack();
    const stopped: string[] = [];
    const failed: string[] = [];
    for (const name of ['lock', 'engine', 'gateway']) {
      stack.push(name, () => {
        stopped.push(name);
        if (name === 'engine') throw new Error('stuck');
      });
    }
    await Promise.all([stack.stop((name) => failed.push(name)), stack.stop((name) => failed.push(name))]);
    expect(stopped).toEqual(['gateway', 'engine', 'lock']);
    expect(failed).toEqual(['engine']);
  });

  it('stops a part that comes when stopping has begun or is over, and lets its owner not go on', async () => {
    const stack = new StopStack();
    const stopped: string[] = [];
    const add = (name: string) => () => stack.push(name, () => void stopped.push(name));
    add('lock')();
    const stopping = stack.stop(() => undefined);
    expect(add('engine')).toThrow(expect.objectContaining({ code: 'shutting_down' }));
    await stopping;
    expect(stopped).toContain('lock');
    expect(stopped).toContain('engine');
    expect(add('gateway')).toThrow(expect.objectContaining({ code: 'shutting_down' }));
    await stack.stop(() => undefined);
    expect(stopped).toContain('gateway');
  });

  it('takes nothing from under a part that is being started: that ends first, and nothing starts after it', async () => {
    const stack = new StopStack();
    const said: string[] = [];
    const begun = Promise.withResolvers<undefined>();
    const filled = stack.fill(async () => {
      stack.push('log', () => void said.push('log closed'));
      await begun.promise;
      said.push('engine started');
      stack.push('engine', () => void said.push('engine stopped'));
      said.push('more started');
    });
    const stopping = stack.stop(() => undefined);
    begun.resolve(undefined);
    await expect(filled).rejects.toMatchObject({ code: 'shutting_down' });
    await stopping;
    expect(said).toEqual(['engine started', 'engine stopped', 'log closed']);
    await expect(stack.fill(() => Promise.resolve())).rejects.toMatchObject({ code: 'shutting_down' });
  });
});
