import { describe, expect, it } from 'vitest';
import { fakeNewKey } from '../../fakes/fake-control-node.ts';
import { fakeSnapshot } from '../../fakes/fake-snapshot.ts';
import { startFakeControl, type FakeControl } from './fake-control-process.ts';
import { PanelPage, useChromium, type PanelPageOptions } from './panel-page.ts';

const browser = useChromium();

async function open(
  agent: FakeControl,
  screen: 'Gateway' | 'Keys',
  options: PanelPageOptions = {},
): Promise<PanelPage> {
  const panel = await PanelPage.open(browser(), agent.signInUrl, options);
  await panel.show(screen);
  return panel;
}

async function commandsOf(agent: FakeControl): Promise<unknown[]> {
  const { received } = await agent.facts();
  return received.map(({ path, body }) => [path.replace('/control/v1/commands/', ''), body]);
}

describe('the gateway screen', () => {
  it('shows where it listens, how full it is and why, who is left out, who called and what was used again', async () => {
    await using agent = await startFakeControl();
    await using panel = await open(agent, 'Gateway');
    const address = panel.section('Address');
    for (const part of ['On the network', 'http://192.168.1.20:8080', '2 valid']) {
      expect(await address.textContent()).toContain(part);
    }
    expect(await panel.page.getByTestId('saturation-cause').textContent()).toBe(
      '1 request waits for 4 slots; the next would wait 3 s.',
    );
    await panel.waitForText(
      panel.section('Left out for now'),
      /llama-server.*failed several times.*The next try is in \d+ s\./u,
    );
    expect(await panel.page.getByRole('table', { name: 'Callers' }).getByRole('row').nth(1).textContent()).toMatch(
      /^claude-code192\.168\.1\.24.*212$/u,
    );
    const cache = panel.section('Prompt cache');
    await panel.waitForText(cache, '85 %');
    const chats = panel.page.getByRole('table', { name: 'Chats' }).getByRole('row');
    await chats.nth(2).waitFor();
    expect(await chats.nth(1).textContent()).toContain('94 % (88\u202f200)');
    // An engine that does not tell of its cache is not said to have none.
    expect(await chats.nth(2).textContent()).toMatch(/–$/u);
    await chats.nth(1).getByRole('link').click();
    await panel.page.locator('tr[data-trace="t-04"]').waitFor();
    expect(panel.page.url()).toContain('#/traffic?session=s-7d21');
    expect(panel.problems).toEqual([]);
  });

  it('says how to open it, and that there is room, on a quiet node', async () => {
    await using agent = await startFakeControl();
    const { gateway } = fakeSnapshot(Date.now());
    await agent.order({
      answers: { sessions: { sessions: [] } },
      set: {
        gateway: {
          ...gateway,
          level: 'calm',
          saturationCause: '',
          keysTotal: 0,
          callers: [],
          breakers: [],
          promptTokensTotal: 0,
          listening: { scope: 'loopback', addresses: [] },
        },
      },
    });
    await using panel = await open(agent, 'Gateway');
    await panel.page.getByText('ranch-hand settings set gateway.listen lan').waitFor();
    await panel.page.getByText('There is room: a request that comes now begins at once.').waitFor();
    await panel.page.getByText('No upstream is left out').waitFor();
    await panel.page.getByText('Nobody. Point a program at the address above.').waitFor();
    await panel.page.getByText('No local engine has told of a prompt yet.').waitFor();
    await panel.page.getByText('No chat is kept at an engine.').waitFor();
    await panel.show('Overview');
    expect(await panel.page.getByTestId('queue-cause').count()).toBe(0);
    await agent.order({ set: { gateway } });
    await panel.waitForText(
      panel.page.getByTestId('queue-cause'),
      '1 request waits for 4 slots; the next would wait 3 s.',
    );
  });
});

describe('keys', () => {
  it('are listed with what they may do and how much they were used; revoked ones last', async () => {
    await using agent = await startFakeControl();
    await using panel = await open(agent, 'Keys');
    const rows = panel.page.getByRole('table', { name: 'Keys' }).getByRole('row');
    await rows.nth(3).waitFor();
    const [, aider, claude, old] = await rows.allTextContents();
    expect(aider).toContain('No limits');
    for (const part of [
      'only falcon3-*, claude-haiku',
      'no further than the ranch',
      '120 requests a minute',
      '4\u202f120',
    ]) {
      expect(claude).toContain(part);
    }
    expect(old).toContain('old-laptop');
    expect(old).toContain('Revoked 3 d ago');
    expect(await rows.nth(3).getByRole('button').count()).toBe(0);
    expect(panel.problems).toEqual([]);
  });

  it('are made with their limits, shown once, and not there any more after that', async () => {
    await using agent = await startFakeControl();
    await using panel = await open(agent, 'Keys');
    const { page } = panel;
    const form = panel.section('Make a key');
    await form.getByLabel('Name, such as').fill(' scripts ');
    await form.getByText('What it may do').click();
    await form.getByLabel('Model for requests that name none').fill('falcon3-10b-instruct');
    await form.getByLabel('Models it may use').fill('falcon3-*, llama*');
    await form.getByRole('combobox', { name: 'Priority', exact: true }).selectOption('Low');
    await form.getByLabel('Its requests may go').selectOption('This machine only');
    await form.getByLabel('Its offload to cloud').selectOption('Off');
    await form.getByLabel('Requests a minute').fill('60');
    await form.getByLabel('Dollars a day').fill('0.5');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'The key scripts' });
    await panel.waitForText(dialog, fakeNewKey);
    // A click beside it would lose the key.
    await page.mouse.click(3, 3);
    expect(await dialog.isVisible()).toBe(true);
    await dialog.getByRole('button', { name: 'Copy the key' }).click();
    await dialog.getByText(/Copied|Selected/u).waitFor();
    await dialog.getByRole('button', { name: 'I have it' }).click();
    await dialog.waitFor({ state: 'detached' });
    expect(await page.content()).not.toContain(fakeNewKey);
    await panel.waitForText(page.getByRole('table', { name: 'Keys' }), 'scripts');
    expect(await commandsOf(agent)).toEqual([
      [
        'keys.add',
        {
          name: 'scripts',
          scope: 'inference',
          policy: {
            defaultModel: 'falcon3-10b-instruct',
            priority: 'low',
            maxPriority: 'high',
            ceiling: 'local',
            models: ['falcon3-*', 'llama*'],
            requestsPerMinute: 60,
            tokensPerMinute: null,
            concurrency: null,
            dollarsPerDay: 0.5,
            offload: 'off',
          },
        },
      ],
    ]);
    expect(panel.problems).toEqual([]);
  });

  it('a refusal is said beside the form and keeps what was typed', async () => {
    await using agent = await startFakeControl();
    await using panel = await open(agent, 'Keys');
    const form = panel.section('Make a key');
    await form.getByLabel('Name, such as').fill('aider');
    await form.getByRole('button', { name: 'Make it' }).click();
    await panel.waitForText(form.getByRole('alert'), 'There is a key aider already.');
    expect(await form.getByLabel('Name, such as').inputValue()).toBe('aider');
  });

  it('are revoked only after a question, and their limits can be changed', async () => {
    await using agent = await startFakeControl();
    await using panel = await open(agent, 'Keys');
    const { page } = panel;
    await page.getByRole('button', { name: 'Change the limits of aider' }).click();
    const limits = page.getByRole('dialog', { name: 'What aider may do' });
    await limits.getByLabel('Requests at once').fill('0');
    await limits.getByRole('button', { name: 'Save' }).click();
    expect(await commandsOf(agent)).toEqual([]);
    await limits.getByLabel('Requests at once').fill('2');
    await limits.getByRole('button', { name: 'Save' }).click();
    await panel.waitForText(page.getByRole('row').filter({ hasText: 'aider' }), '2 at once');
    await page.getByRole('button', { name: 'Revoke aider' }).click();
    const question = page.getByRole('alertdialog', { name: 'Revoke this key?' });
    expect(await page.evaluate<string>('document.activeElement.textContent')).toBe('Keep it');
    await page.keyboard.press('Enter');
    await question.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Revoke aider' }).click();
    await question.getByRole('button', { name: 'Revoke it' }).click();
    await panel.waitForText(page.getByRole('row').filter({ hasText: 'aider' }), 'Revoked');
    expect((await commandsOf(agent)).at(-1)).toEqual(['keys.revoke', { id: 'k-2' }]);
    expect(panel.problems).toEqual([]);
  });

  it('the first one is told what it changes, and an empty list what keys are for', async () => {
    await using agent = await startFakeControl();
    const { gateway } = fakeSnapshot(Date.now());
    await agent.order({ keys: [], set: { gateway: { ...gateway, keysTotal: 0 } } });
    await using panel = await open(agent, 'Keys', { width: 360, height: 800 });
    await panel.page.getByText('No key yet: every program of this machine may use the node').waitFor();
    await panel.page.getByText('From the first key on, every program needs one').waitFor();
    await panel.section('Make a key').getByText('What it may do').click();
    expect(await panel.sidewaysScroll()).toBe(0);
    await agent.order({ answers: { keys: 'The keys cannot be read.' } });
    await panel.show('Overview');
    await panel.show('Keys');
    await panel.waitForText(panel.page.getByRole('alert'), 'The keys cannot be read.');
  });
});
