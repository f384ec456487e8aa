import { describe, expect, it } from 'vitest';
import { startFakeControl, type FakeControl } from './fake-control-process.ts';
import { PanelPage, useChromium, type PanelPageOptions } from './panel-page.ts';

const browser = useChromium();

async function openPart(agent: FakeControl, part: string, options: PanelPageOptions = {}): Promise<PanelPage> {
  const panel = await PanelPage.open(browser(), agent.signInUrl, options);
  await panel.show('Money');
  await panel.page.getByRole('navigation', { name: 'Parts of Money' }).getByRole('link', { name: part }).click();
  return panel;
}

async function commandsOf(agent: FakeControl): Promise<unknown[]> {
  return (await agent.facts()).received.map(({ path, body }) => [path.split('/').at(-1), body]);
}

const canary = 'sk-canary-7f3a0b61c9d24e58';

describe('providers', () => {
  it('show their state, why and until when, and models with prices and where these are from', async () => {
    await using agent = await startFakeControl();
    await using panel = await openPart(agent, 'Providers');
    await panel.waitForText(panel.section('Anthropic'), 'Ready');
    await panel.waitForText(panel.section('OpenAI'), /asked to wait.*Until \d\d:\d\d\./u);
    await panel.waitForText(panel.section('Google Gemini'), 'Key refused');
    await panel.waitForText(panel.section('OpenRouter'), 'Off');
    await panel.section('OpenAI').getByText('Models and prices').click();
    const table = panel.section('OpenAI').getByRole('table', { name: 'Models and prices' });
    await panel.waitForText(table, '$1.25 in · $10.00 out · $0.125 from cache');
    await panel.waitForText(table, 'prices.example, 2026-11-20');
    await panel.waitForText(table, 'Your own price');
    await panel.waitForText(table, 'No price is known, so it is not used');
    expect(panel.problems).toEqual([]);
  });

  it('a key is written and never shown: neither in the page, nor its storage, nor an address', async () => {
    await using agent = await startFakeControl();
    await using panel = await openPart(agent, 'Providers');
    const { page } = panel;
    const box = panel.section('xAI');
    const field = box.getByLabel('Key of xAI', { exact: true });
    expect(await field.getAttribute('type')).toBe('password');
    await panel.waitForText(page.getByTestId('secret xai'), 'No key is set.');
    await agent.order({ holdCommands: true });
    await field.fill(`  ${canary} `);
    await page.keyboard.press('Enter');
    // Gone from the field before the answer is there.
    expect(await field.inputValue()).toBe('');
    await agent.order({ holdCommands: false });
    await panel.waitForText(page.getByTestId('secret xai'), 'A key is set, in the system’s keyring.');
    await panel.waitForText(box, 'Ready');
    const everywhere = await page.evaluate<string>(
      `document.documentElement.outerHTML + JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage }) + location.href + [...document.querySelectorAll('input')].map(({ value }) => value).join()`,
    );
    expect(everywhere).not.toContain(canary);
    expect(panel.requests.join('\n')).not.toContain(canary);
    expect(await commandsOf(agent)).toEqual([['secrets.set', { provider: 'xai', value: canary }]]);
    await box.getByRole('button', { name: 'Clear the key of xAI' }).click();
    await panel.waitForText(page.getByTestId('secret xai'), 'No key is set.');
    expect((await commandsOf(agent)).at(-1)).toEqual(['secrets.clear', { provider: 'xai' }]);
    expect(panel.problems).toEqual([]);
  });

  it('a refused key is gone from the page too, and why is said without it', async () => {
    await using agent = await startFakeControl();
    await using panel = await openPart(agent, 'Providers');
    const box = panel.section('xAI');
    await agent.order({
      refuse: { status: 400, code: 'invalid_request', message: 'A key is of printable characters. Paste it again.' },
    });
    await box.getByLabel('Key of xAI', { exact: true }).fill(canary);
    await box.getByRole('button', { name: 'Set the key of xAI' }).click();
    await panel.waitForText(box.getByRole('alert'), 'Paste it again.');
    expect(await box.getByLabel('Key of xAI', { exact: true }).inputValue()).toBe('');
    expect(await panel.page.content()).not.toContain(canary);
  });

  it('where a key cannot be set here, the field is closed; a warning of the store is shown', async () => {
    await using agent = await startFakeControl();
    await using panel = await openPart(agent, 'Providers');
    await panel.waitForText(panel.page.getByTestId('secret openai'), 'in a systemd credential');
    expect(await panel.section('OpenAI').getByLabel('Key of OpenAI', { exact: true }).isDisabled()).toBe(true);
    expect(await panel.section('OpenAI').getByRole('button', { name: 'Clear the key' }).count()).toBe(0);
    await panel.waitForText(panel.page.getByTestId('secret gemini'), 'this system has no keyring');
  });

  it('a test says that it makes no paid call, and what came of it', async () => {
    await using agent = await startFakeControl();
    await using panel = await openPart(agent, 'Providers');
    const box = panel.section('Anthropic');
    await panel.waitForText(box, 'Asks for its list of models: no paid call.');
    await box.getByRole('button', { name: 'Test Anthropic' }).click();
    await panel.waitForText(box.getByRole('status'), 'It answers; 3 of its models may be used.');
    await panel.section('xAI').getByRole('button', { name: 'Test xAI' }).click();
    await panel.waitForText(panel.section('xAI').getByRole('alert'), 'It has no key that works.');
  });

  it('is switched off and on in the settings, and others’ settings stay as they are', async () => {
    await using agent = await startFakeControl();
    await using panel = await openPart(agent, 'Providers');
    await panel.section('Anthropic').getByRole('button', { name: 'Switch off Anthropic' }).click();
    await panel.section('Anthropic').getByRole('button', { name: 'Switch on Anthropic' }).waitFor();
    await panel.section('OpenRouter').getByRole('button', { name: 'Switch on OpenRouter' }).click();
    await panel.section('OpenRouter').getByRole('button', { name: 'Switch off OpenRouter' }).waitFor();
    expect((await commandsOf(agent)).at(-1)).toMatchObject([
      'settings.update',
      { key: 'cloud.providers', value: { anthropic: { enabled: false }, openrouter: { enabled: true } } },
    ]);
  });

  it('prices of one’s own are checked, written and shown', async () => {
    await using agent = await startFakeControl();
    await using panel = await openPart(agent, 'Providers');
    await panel.section('OpenAI').getByText('Models and prices').click();
    await panel.page.getByRole('button', { name: 'Price of openai/gpt-5-preview' }).click();
    const dialog = panel.page.getByRole('dialog', { name: 'Price of openai/gpt-5-preview' });
    await dialog.getByLabel('Prompt', { exact: true }).fill('2');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await panel.waitForText(dialog.getByRole('alert'), 'for the prompt and the answer at least');
    await dialog.getByLabel('Answer', { exact: true }).fill('8');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
    await panel.waitForText(panel.page.getByRole('row').filter({ hasText: 'gpt-5-preview' }), '$2.00 in · $8.00 out');
  });

  it('equivalents are put in order and saved for one name alone', async () => {
    await using agent = await startFakeControl();
    await using panel = await openPart(agent, 'Providers');
    await panel.page.getByRole('button', { name: 'Change what stands in for ranch/auto' }).click();
    const dialog = panel.page.getByRole('dialog', { name: 'What stands in for ranch/auto' });
    await dialog.getByRole('button', { name: 'Move openai/gpt-5 up' }).click();
    await dialog.getByLabel('Add a model that has a price').selectOption('gemini/gemini-pro');
    await dialog.getByRole('button', { name: 'Take anthropic/claude-opus away' }).click();
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
    await panel.waitForText(panel.page.getByRole('table', { name: 'Equivalents' }), 'openai/gpt-5, gemini/gemini-pro');
    expect(await commandsOf(agent)).toEqual([
      ['settings.update', { key: 'cloud.equivalents', value: { 'ranch/auto': ['openai/gpt-5', 'gemini/gemini-pro'] } }],
    ]);
  });

  it('B64 another provider is added by an address that is safe, and no other', async () => {
    await using agent = await startFakeControl();
    await using panel = await openPart(agent, 'Providers');
    await panel.page.getByRole('button', { name: 'Add a provider…' }).click();
    const dialog = panel.page.getByRole('dialog', { name: 'Another provider' });
    await dialog.getByLabel('Short name').fill('groq');
    await dialog.getByLabel('A model of it').fill('llama');
    for (const address of ['http://api.groq.example', 'https://a:b@c.example', 'file:///etc/passwd']) {
      await dialog.getByLabel('Address').fill(address);
      await dialog.getByRole('button', { name: 'Add it' }).click();
      await panel.waitForText(dialog.getByRole('alert'), 'The address begins with https://');
    }
    expect(await commandsOf(agent)).toEqual([]);
    await dialog.getByLabel('Address').fill('https://api.groq.example/openai');
    await dialog.getByRole('button', { name: 'Add it' }).click();
    await dialog.waitFor({ state: 'detached' });
    expect(await commandsOf(agent)).toMatchObject([
      ['settings.update', { key: 'cloud.providers', value: { groq: { url: 'https://api.groq.example/openai' } } }],
    ]);
  });
});

describe('time windows', () => {
  const opus = 'anthropic/claude-opus';

  it('are moved by arrow keys and by drag, written as numbers, and saved beside the others', async () => {
    await using agent = await startFakeControl();
    await using panel = await openPart(agent, 'Time windows');
    const { page } = panel;
    const box = panel.section(opus);
    await panel.waitForText(box, 'Minutes 20 to 30 of each hour, all day, every day');
    await panel.waitForText(page.getByRole('region', { name: 'Overlaps with other nodes' }), 'aurora-continuum');
    await page.getByText('Times are those of Europe/Berlin.').waitFor();
    const from = box.getByRole('slider', { name: 'Window 1, from minute' });
    await from.focus();
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowDown', 'PageUp']) await page.keyboard.press(key);
    expect(await from.getAttribute('aria-valuetext')).toBe('minute 26');
    await panel.waitForText(box, 'Not saved yet.');

    const to = box.getByRole('slider', { name: 'Window 1, to minute' });
    const ring = await box.locator('svg.hour-ring').boundingBox();
    const knob = await to.boundingBox();
    if (ring === null || knob === null) throw new Error('the ring is not drawn');
    await page.mouse.move(knob.x + knob.width / 2, knob.y + knob.height / 2);
    await page.mouse.down();
    // Nine o'clock on the face is minute 45.
    await page.mouse.move(ring.x + ring.width * 0.14, ring.y + ring.height / 2, { steps: 8 });
    await page.mouse.up();
    expect(await to.getAttribute('aria-valuetext')).toBe('minute 45');

    await box.getByLabel('From hour').fill('8');
    await box.getByLabel('To hour').fill('18');
    await box.getByLabel('To hour').fill('99');
    await box.getByRole('button', { name: 'Sunday' }).click();
    await panel.waitForText(box, 'Minutes 26 to 45 of each hour, 8 to 18 o’clock, Monday to Saturday');
    await box.getByRole('button', { name: 'Save' }).click();
    await panel.waitForText(box, 'This holds now.');
    expect(await commandsOf(agent)).toEqual([
      [
        'settings.update',
        {
          key: 'cloud.windows',
          value: [
            { target: opus, fromMinute: 26, toMinute: 45, fromHour: 8, toHour: 18, days: [1, 2, 3, 4, 5, 6] },
            { target: opus, fromMinute: 50, toMinute: 5, fromHour: 8, toHour: 18, days: [1, 2, 3, 4, 5] },
          ],
        },
      ],
    ]);
    expect(panel.problems).toEqual([]);
  });

  it('are undone, added and taken away; another target begins with a window of its own', async () => {
    await using agent = await startFakeControl();
    await using panel = await openPart(agent, 'Time windows');
    const box = panel.section(opus);
    const listed = box.getByRole('list', { name: 'Windows' }).getByRole('button');
    await box.getByRole('button', { name: 'Add a window' }).click();
    expect(await listed.count()).toBe(3);
    await box.getByRole('button', { name: 'Undo' }).click();
    expect(await listed.count()).toBe(2);
    await listed.nth(1).click();
    await box.getByRole('button', { name: 'Take this window away' }).click();
    await box.getByRole('button', { name: 'Save' }).click();
    await panel.waitForText(box, 'This holds now.');
    expect(await listed.count()).toBe(1);
    await panel.page.getByLabel('Provider or model').selectOption('openai');
    await panel.page.getByRole('button', { name: 'Set its times' }).click();
    await panel.section('openai').getByRole('button', { name: 'Save' }).click();
    await panel.waitForText(panel.section('openai'), 'This holds now.');
    expect((await commandsOf(agent)).at(-1)).toMatchObject([
      'settings.update',
      {
        value: [
          { target: opus, fromMinute: 20 },
          { target: 'openai', fromMinute: 0, toMinute: 10 },
        ],
      },
    ]);
  });
});
