import { describe, expect, it } from 'vitest';
import { fakeSnapshot } from '../../fakes/fake-snapshot.ts';
import { fakeTrace } from '../../fakes/fake-traffic.ts';
import { startFakeControl, type FakeControl } from './fake-control-process.ts';
import { PanelPage, useChromium, type PanelPageOptions } from './panel-page.ts';

const browser = useChromium();

async function openTraffic(agent: FakeControl, options: PanelPageOptions = {}): Promise<PanelPage> {
  const panel = await PanelPage.open(browser(), agent.signInUrl, options);
  await panel.show('Traffic');
  await panel.page.locator('tr[data-trace="t-04"]').waitFor();
  return panel;
}

/** A request that runs, as the event stream tells of it. */
function running(trace: string, ago = 0) {
  const [entry] = fakeSnapshot(Date.now() - ago).activity;
  if (entry === undefined) throw new Error('no request in the fake');
  return { ...entry, trace, at: new Date(Date.now() - ago).toISOString() };
}

const questions = (panel: PanelPage): number => panel.requests.filter((one) => one.endsWith('/queries/traces')).length;

describe('traffic', () => {
  it('shows who asked, where it went and why, tokens and speed; nothing is asked again by itself', async () => {
    await using agent = await startFakeControl();
    await using panel = await openTraffic(agent);
    const row = panel.page.locator('tr[data-trace="t-04"]');
    // What the store keeps takes the place of what the news said.
    await panel.waitForText(row, 'claude-code');
    const text = (await row.textContent()) ?? '';
    for (const part of ['claude-code', 'Anthropic', 'claude-haiku', '→ falcon3-10b-instruct', 'Here, embedded']) {
      expect(text).toContain(part);
    }
    for (const part of [
      'the first choice failed',
      'Done 200',
      '8\u202f412 → 96',
      '7\u202f900 cached',
      '1.62 s',
      '17.6',
    ]) {
      expect(text).toContain(part);
    }
    const before = questions(panel);
    for (let more = 0; more < 5; more += 1) await agent.order({ set: { activity: [running(`live-${more}`)] } });
    await panel.page.locator('tr[data-trace="live-4"]').waitFor();
    expect(questions(panel)).toBe(before);
    expect(panel.problems).toEqual([]);
  });

  it('a new request appears at the top while it runs, and its end is seen in its place', async () => {
    await using agent = await startFakeControl();
    await using panel = await openTraffic(agent);
    const entry = running('live-1');
    await agent.order({ set: { activity: [entry] } });
    const first = panel.page.locator('tbody tr').first();
    await panel.waitForText(first, 'Running');
    expect(await first.getAttribute('data-trace')).toBe('live-1');
    await agent.order({ set: { activity: [{ ...entry, state: 'done', status: 200, completionTokens: 77 }] } });
    await panel.waitForText(first, 'Done 200');
    // The agent tells of fifty; the list keeps what it has heard of.
    await agent.order({ set: { activity: [running('live-2')] } });
    await panel.page.locator('tr[data-trace="live-2"]').waitFor();
    expect(await panel.page.locator('tr[data-trace="live-1"]').count()).toBe(1);
  });

  it('is narrowed by each filter, in the address too, and fresh requests that do not fit stay out', async () => {
    await using agent = await startFakeControl();
    await using panel = await openTraffic(agent);
    const { page } = panel;
    const filters = page.getByRole('group', { name: 'Narrow the list' });
    await filters.getByLabel('Key').fill('aider');
    await page.keyboard.press('Enter');
    await page.locator('tr[data-trace="t-04"]').waitFor({ state: 'detached' });
    await page.locator('tr[data-trace="t-old-0"]').waitFor();
    expect(page.url()).toContain('#/traffic?key=aider');
    await agent.order({ set: { activity: [running('other'), { ...running('its'), key: 'aider' }] } });
    await page.locator('tr[data-trace="its"]').waitFor();
    expect(await page.locator('tr[data-trace="other"]').count()).toBe(0);
    await filters.getByLabel('Dialect').selectOption('Ollama');
    await page.locator('tr[data-trace="t-old-3"]').waitFor();
    // Rows of before may stand until the answer is there.
    await page.locator('tr[data-trace="t-old-0"]').waitFor({ state: 'detached' });
    await page.goBack();
    await page.locator('tr[data-trace="t-old-0"]').waitFor();
    await filters.getByLabel('State').selectOption('Failed');
    await page.getByText('No request fits.').waitFor();
    await page.getByRole('link', { name: 'Show all requests' }).click();
    await page.locator('tr[data-trace="t-04"]').waitFor();
    await filters.getByLabel('Went to').selectOption('Nowhere');
    await page.locator('tr[data-trace="t-03"]').waitFor();
    await expect.poll(() => page.locator('tbody tr').count()).toBe(1);
    await filters.getByLabel('Model').fill('gpt-4');
    await filters.getByLabel('State').focus();
    await page.getByText('No request fits.').waitFor();
    expect(panel.problems).toEqual([]);
  });

  it('older ones come page by page', async () => {
    await using agent = await startFakeControl();
    await using panel = await openTraffic(agent);
    const old = panel.page.locator('tr[data-trace^="t-old-"]');
    await expect.poll(() => old.count()).toBe(48);
    await panel.page.getByRole('button', { name: 'Older requests' }).click();
    await expect.poll(() => old.count()).toBe(70);
    await panel.page.getByRole('button', { name: 'Older requests' }).waitFor({ state: 'detached' });
    await panel.waitForText(panel.page.getByTestId('traffic-count'), '72 were kept');
  });

  it('a click, and Enter on its time, opens the decision: candidates with numbers and reasons, attempts, both figures', async () => {
    await using agent = await startFakeControl();
    await using panel = await openTraffic(agent);
    const { page } = panel;
    await page.locator('tr[data-trace="t-03"] td').nth(3).click();
    await page.getByRole('heading', { level: 1, name: 'gpt-5 was not answered' }).waitFor();
    await panel.waitForText(panel.section('Who could have answered'), 'Nobody was considered');
    await page.getByRole('link', { name: 'All requests' }).click();
    await page.locator('tr[data-trace="t-04"]').getByRole('link').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'claude-haiku went to embedded' }).waitFor();
    expect(page.url()).toContain('#/traffic/t-04');
    const rows = page.getByRole('table', { name: 'Candidates' }).getByRole('row');
    const texts = await rows.allTextContents();
    expect(texts).toHaveLength(4);
    expect(texts[1]).toContain('Planned as 1st');
    expect(texts[1]).toContain('This chat’s prompt is in its cache');
    for (const part of [
      'Chosen',
      '800 ms',
      '2.90 s',
      '3.76 s',
      '0 of 8\u202f300',
      '7\u202f900 tokens cached elsewhere',
    ]) {
      expect(texts[2]).toContain(part);
    }
    expect(texts[3]).toContain('Rejected');
    expect(texts[3]).toContain('The request may go no further than the ranch.');
    const asked = panel.section('What was asked');
    for (const part of [
      'High',
      'No further than the ranch',
      'tools',
      'metadata, thinking',
      'currentTime',
      '192.168.1.24',
    ]) {
      expect(await asked.textContent()).toContain(part);
    }
    expect(await panel.section('What was tried').getByRole('listitem').allTextContents()).toEqual([
      'Failedllama-server, llama3.1-8b-instruct-q8_0: engine_failedafter 1.4 ms',
      'Answeredembedded, falcon3-10b-instructafter 42 ms',
    ]);
    const compared = page.getByRole('table', { name: 'Expected and actual' });
    expect(await compared.getByRole('row').nth(2).textContent()).toBe('First token3.76 s1.62 s0.4 × as long');
    await asked.getByRole('link', { name: 's-7d21' }).click();
    await page.locator('tr[data-trace="t-04"]').waitFor();
    await expect.poll(() => page.locator('tbody tr').count()).toBe(1);
    expect(panel.problems).toEqual([]);
  });

  it('a link to a request that still runs waits for its end; one to nothing says so', async () => {
    await using agent = await startFakeControl();
    await agent.order({ set: { activity: [running('live-9', 5_000)] } });
    await using panel = await openTraffic(agent);
    const { page } = panel;
    await page.goto(`${agent.url}/#/traffic/live-9`);
    await page.getByText('The request still runs.').waitFor();
    await agent.order({
      keep: fakeTrace({ trace: 'live-9', at: new Date().toISOString() }),
      set: { activity: [{ ...running('live-9', 5_000), state: 'done', status: 200 }] },
    });
    await page.getByRole('heading', { level: 1, name: 'falcon3-10b-instruct went to embedded' }).waitFor();
    await page.goto(`${agent.url}/#/traffic/gone`);
    await panel.waitForText(page.getByRole('alert'), 'No decision "gone" is kept.');
  });

  it('says what failed, and what to do where there is nothing', async () => {
    await using agent = await startFakeControl();
    await using panel = await openTraffic(agent);
    await agent.order({ answers: { traces: 'The decisions cannot be read. Try again.' } });
    await panel.page.getByRole('button', { name: 'Look again' }).click();
    await panel.waitForText(panel.page.getByRole('alert'), 'The decisions cannot be read. Try again.');
    expect(await panel.page.locator('tr[data-trace="t-04"]').count()).toBe(1);
    await agent.order({ answers: { traces: { traces: [], total: 0 } }, set: { activity: [] } });
    await panel.page.getByRole('button', { name: 'Look again' }).click();
    await panel.page.getByText('No request yet. Point a program at').waitFor();
  });

  it.each([360, 1024])('list and decision stay within %s px', async (width) => {
    await using agent = await startFakeControl();
    const long = 'x'.repeat(180);
    const name = (text: string): string => `${text}${long}`;
    const rich = fakeTrace({ trace: 't-long', at: new Date().toISOString(), requestedModel: name('m') });
    await agent.order({
      keep: {
        ...rich,
        upstream: name('u'),
        key: name('k').slice(0, 64),
        session: name('s').slice(0, 64),
        ignored: [name('i')],
        candidates: rich.candidates.map((one) => ({ ...one, upstream: name('u'), sentence: name('why') })),
        attempts: rich.attempts.map((one) => ({ ...one, upstream: name('u'), error: name('e') })),
      },
    });
    await using panel = await openTraffic(agent, { width, height: 800 });
    await panel.page.locator('tr[data-trace="t-long"]').waitFor();
    expect(await panel.sidewaysScroll()).toBe(0);
    await panel.page.locator('tr[data-trace="t-long"]').getByRole('link').click();
    await panel.section('Who could have answered').waitFor();
    expect(await panel.sidewaysScroll()).toBe(0);
    const tree = await panel.page.locator('body').ariaSnapshot();
    expect(tree).not.toMatch(/- (?:button|link|textbox|combobox|radio|img)(?::| \[|$)/mu);
  });
});
