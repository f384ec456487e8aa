import { describe, expect, it } from 'vitest';
import { fakeSnapshot } from '../../fakes/fake-snapshot.ts';
import { startFakeControl } from './fake-control-process.ts';
import { PanelPage, useChromium } from './panel-page.ts';

const browser = useChromium();

describe('the panel and its agent', () => {
  it('draws what the agent tells, on every screen, with nothing against the page’s policy', async () => {
    await using agent = await startFakeControl();
    await using panel = await PanelPage.open(browser(), agent.signInUrl);
    const { node, gateway } = fakeSnapshot(0);
    expect(await panel.sentence().textContent()).toBe(node.sentence);
    expect(await panel.figure('tokens-now').textContent()).toBe('17.8');
    expect(await panel.figure('cpu-now').textContent()).toBe('62 %');
    expect(await panel.figure('memory-now').textContent()).toBe('39 GB of 96 GB');
    expect(await panel.figure('pressure-now').textContent()).toBe('0.4 %');
    expect(await panel.section('Queue').textContent()).toContain('Running2Waiting1Saturation50 %');
    expect(await panel.section('Offload to cloud').textContent()).toContain(
      'Requests may go to the cloud when this node is busy, or when they ask for it by a name such as ranch/quality or by high priority.',
    );
    expect(await panel.page.getByText(gateway.url, { exact: true }).count()).toBe(1);
    const failed = panel.page.getByRole('row').filter({ hasText: 'gpt-5' });
    expect(await failed.textContent()).toMatch(/Nowhereno such model hereFailed 404model_not_found/u);
    expect(
      await panel.page.getByRole('img', { name: /^Tokens per second, the last five minutes: 17\.8 now/u }).count(),
    ).toBe(1);
    expect(await panel.page.locator('canvas').count()).toBe(4);

    await panel.show('Models');
    const broken = panel.section('qwen3-coder-next');
    expect(await broken.textContent()).toContain('It needs 28 GB more than is free. Pick a smaller quantization.');
    const model = await panel.section('falcon3-10b-instruct').textContent();
    for (const part of ['In use', 'Loaded', '17.8 tokens/s', 'from 214 answers', 'Q4_K_M', '5.9 GB', '10.31B'])
      expect(model).toContain(part);
    expect(await panel.section('ranch-self-test').textContent()).toContain('Self-test');

    await panel.show('Engines');
    const engine = await panel.section('Embedded engine').textContent();
    for (const part of ['Ready', '41213', '2 of 4 at work', 'ended by signal SIGKILL']) expect(engine).toContain(part);
    expect(panel.problems).toEqual([]);
  });

  it('moves with the agent’s news and asks for nothing by itself', async () => {
    await using agent = await startFakeControl({ ticking: true });
    await using panel = await PanelPage.open(browser(), agent.signInUrl);
    const asked = panel.requests.length;
    const { seq } = await agent.facts();
    await expect.poll(async () => (await agent.facts()).seq).toBeGreaterThan(seq + 4);
    await agent.order({ set: { node: { ...fakeSnapshot(0).node, sentence: 'Something new.' } } });
    await panel.waitForText(panel.sentence(), 'Something new.');
    expect(panel.requests.slice(asked)).toEqual([]);
    expect(panel.requests.filter((request) => request === 'GET /control/v1/events')).toHaveLength(1);
  });

  it('says that the agent is gone and since when, greys the figures, and comes back by itself', async () => {
    await using agent = await startFakeControl();
    await using panel = await PanelPage.open(browser(), agent.signInUrl);
    await agent.kill();
    await panel.banner().waitFor();
    expect(await panel.banner().textContent()).toMatch(/No connection to the agent since \d\d:\d\d:\d\d \(\d+ s\)\./u);
    await panel.stale().waitFor();
    expect(await panel.sentence().textContent()).toBe(fakeSnapshot(0).node.sentence);
    expect(await panel.section('Try it').getByRole('button', { name: 'Ask' }).isDisabled()).toBe(true);
    expect(
      await panel.page.getByRole('status').filter({ hasText: 'The connection to the agent is lost.' }).count(),
    ).toBe(1);

    await using again = await startFakeControl({ port: agent.port });
    await again.order({ set: { node: { ...fakeSnapshot(0).node, sentence: 'Here again.' } } });
    await panel.live().waitFor();
    await panel.waitForText(panel.sentence(), 'Here again.');
    expect(await panel.banner().count()).toBe(0);
    expect(panel.problems).toEqual([]);
  });

  it('takes everything again when a piece of news went missing', async () => {
    await using agent = await startFakeControl();
    await using panel = await PanelPage.open(browser(), agent.signInUrl);
    await agent.order({ skip: true, set: { node: { ...fakeSnapshot(0).node, sentence: 'After the gap.' } } });
    await panel.waitForText(panel.sentence(), 'After the gap.');
    await panel.live().waitFor();
    expect(panel.requests.filter((request) => request === 'GET /control/v1/events')).toHaveLength(2);
  });

  it('says how to sign in again, and goes on once that is done', async () => {
    await using agent = await startFakeControl();
    await using panel = await PanelPage.open(browser(), agent.signInUrl);
    await agent.order({ signedIn: false });
    await panel.waitForText(panel.banner(), 'This page is not signed in.');
    expect(await panel.banner().textContent()).toContain('ranch-hand panel');
    await agent.order({ signedIn: true });
    await panel.banner().getByRole('button', { name: 'Try again' }).click();
    await panel.live().waitFor();
    expect(await panel.banner().count()).toBe(0);
  });

  it('a page that was never signed in says so and shows no figures', async () => {
    await using agent = await startFakeControl();
    await using panel = await PanelPage.open(browser(), agent.signInUrl);
    await panel.page.context().clearCookies();
    await panel.page.reload();
    await panel.waitForText(panel.banner(), 'This page is not signed in.');
    expect(await panel.page.getByText('Nothing to show until the agent answers.').count()).toBe(1);
  });

  it('offers to reload when the agent was updated', async () => {
    await using agent = await startFakeControl();
    await using panel = await PanelPage.open(browser(), agent.signInUrl);
    await agent.order({ set: { node: { ...fakeSnapshot(0).node, version: '9.9.9' } } });
    await panel.page.getByRole('region', { name: 'Version' }).getByRole('button', { name: 'Reload' }).waitFor();
  });
});
