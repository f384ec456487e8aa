import { describe, expect, it } from 'vitest';
import { fakeEngines, fakeFailedEngine } from '../../fakes/fake-control-data.ts';
import { startFakeControl, type FakeControl } from './fake-control-process.ts';
import { PanelPage, useChromium, type PanelPageOptions } from './panel-page.ts';

const browser = useChromium();
const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();

async function openEngines(agent: FakeControl, options: PanelPageOptions = {}): Promise<PanelPage> {
  const panel = await PanelPage.open(browser(), agent.signInUrl, options);
  await panel.show('Engines');
  return panel;
}

describe('engines', () => {
  it('a failed one stands first and shows its last lines without being asked', async () => {
    await using agent = await startFakeControl();
    await using panel = await openEngines(agent);
    await agent.order({ set: { engines: [...fakeEngines(ago).slice(0, 3), fakeFailedEngine(ago)] } });
    const card = panel.section('BitNet');
    await card.getByText('Failed', { exact: true }).waitFor();
    expect(await panel.page.locator('main section h2').first().textContent()).toBe('BitNet');
    const lines = card.getByLabel('Last lines before the exit');
    expect(await lines.isVisible()).toBe(true);
    expect(await lines.textContent()).toContain('unable to allocate CPU buffer');
    expect(await card.textContent()).toContain('it could not get the memory for the model (exit code 1)');
    expect(panel.problems).toEqual([]);
  });

  it('an adopted one says who runs it, why it is left alone, and what would make it better', async () => {
    await using agent = await startFakeControl();
    await using panel = await openEngines(agent);
    const card = panel.section('Ollama');
    for (const name of ['Start', 'Restart', 'Stop']) {
      expect(await card.getByRole('button', { name, exact: true }).isDisabled()).toBe(true);
    }
    const reason = await card.getByRole('button', { name: 'Stop', exact: true }).getAttribute('aria-describedby');
    expect(await panel.page.locator(`[id="${reason ?? ''}"]`).textContent()).toContain('It is run by systemd.');
    const advice = card.getByRole('list', { name: 'Advice' });
    expect(await advice.textContent()).toContain('Ollama keeps one answer going at a time.');
    await panel.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await advice.getByRole('button', { name: 'Copy: sudo systemctl restart ollama' }).click();
    await advice.getByText('Copied', { exact: true }).waitFor();
    expect(await panel.page.evaluate<string>('navigator.clipboard.readText()')).toBe('sudo systemctl restart ollama');
  });

  it('one with several processes lists each with its model and memory', async () => {
    await using agent = await startFakeControl();
    await using panel = await openEngines(agent);
    const rows = panel.section('llama-server').getByRole('table', { name: 'Processes' }).getByRole('row');
    expect(await rows.nth(1).textContent()).toBe('52900llama3.1-8b-instruct-q8_0Ready12 GB');
    expect(await rows.nth(2).textContent()).toBe('53377nomic-embed-text-v1.5Loading the model922 MB');
  });

  it('availability stands beside its goal, with the outages, and is asked once for each change', async () => {
    await using agent = await startFakeControl();
    await using panel = await openEngines(agent);
    const node = panel.section('Ready to answer: the node');
    await node.getByRole('list', { name: 'Outages' }).waitFor();
    const text = (await node.textContent()) ?? '';
    for (const part of [
      '99.8 %',
      '99.6 %',
      '98.7 %below the goal',
      'Goal99 %',
      'The machine was restarted.',
      'for 12 min',
    ])
      expect(text).toContain(part);
    const asked = (): number =>
      panel.requests.filter((request) => request === 'GET /control/v1/queries/availability').length;
    expect(asked()).toBe(1);
    const ollama = panel.section('Ollama');
    await ollama.getByText('Ready to answer').click();
    await ollama.getByText('Ollama was updated.').waitFor();
    await agent.order({ set: { engines: fakeEngines(ago).map((engine) => ({ ...engine, memoryBytes: 1024 })) } });
    await panel.waitForText(panel.section('Embedded engine'), '1 kB');
    expect(asked()).toBe(1);
    await agent.order({ set: { engines: [...fakeEngines(ago).slice(0, 3), fakeFailedEngine(ago)] } });
    await expect.poll(asked).toBe(2);
  });
});

describe('installing an engine', () => {
  it('shows the steps, waits for consent, tells the progress and can be cancelled', async () => {
    await using agent = await startFakeControl();
    await using panel = await openEngines(agent);
    await panel.page.getByRole('button', { name: 'Install BitNet' }).click();
    const dialog = panel.page.getByRole('dialog', { name: 'Install BitNet' });
    await dialog.getByText('Build the server.').waitFor();
    expect(await dialog.textContent()).toContain('cmake --build build --target llama-server -j 7');
    const install = dialog.getByRole('button', { name: 'Install', exact: true });
    expect(await install.isDisabled()).toBe(true);
    await dialog.getByRole('checkbox').check();
    await install.click();
    await dialog.waitFor({ state: 'detached' });
    const card = panel.section('BitNet');
    const bar = card.getByRole('progressbar', { name: 'Installing BitNet' });
    await bar.waitFor();
    await agent.order({ step: 2 });
    await panel.waitForText(card.getByTestId('install-sentence'), 'Building the server.');
    await expect.poll(() => bar.getAttribute('aria-valuenow')).toBe('33');
    expect(await bar.getAttribute('aria-valuetext')).toBe('Step 2 of 3');
    await card.getByText('Install log').click();
    await panel.waitForText(panel.log(), 'server is listening');
    await card.getByRole('button', { name: 'Cancel installing BitNet' }).click();
    await card.getByText('Cancelled; what was there is gone.').waitFor();
    await panel.page.getByRole('button', { name: 'Install BitNet' }).waitFor();
    expect((await agent.facts()).received).toEqual([
      { path: '/control/v1/commands/engines.install', body: { kind: 'bitnet', consent: true } },
      { path: '/control/v1/commands/engines.cancelInstall', body: { kind: 'bitnet' } },
    ]);
    expect(panel.problems).toEqual([]);
  });

  it('ends with an engine that can be started', async () => {
    await using agent = await startFakeControl();
    await using panel = await openEngines(agent);
    await panel.page.getByRole('button', { name: 'Install BitNet' }).click();
    await panel.page.getByRole('checkbox').check();
    await panel.page.getByRole('button', { name: 'Install', exact: true }).click();
    await panel.section('BitNet').getByRole('progressbar').waitFor();
    await agent.order({ step: 6 });
    await panel.section('BitNet').getByRole('button', { name: 'Start', exact: true }).waitFor();
  });

  it('says what is missing where this node cannot do it, and offers no button', async () => {
    await using agent = await startFakeControl();
    await using panel = await openEngines(agent);
    await agent.order({ set: { engines: fakeEngines(ago).filter(({ kind }) => kind !== 'llama-server') } });
    await panel.page.getByRole('button', { name: 'Install llama-server' }).click();
    const dialog = panel.page.getByRole('dialog');
    await dialog.getByText('cmake is missing on this machine.').waitFor();
    expect(await dialog.getByRole('checkbox').count()).toBe(0);
    expect(await dialog.getByRole('button', { name: 'Install', exact: true }).count()).toBe(0);
  });
});
