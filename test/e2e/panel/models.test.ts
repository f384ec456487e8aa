import { describe, expect, it } from 'vitest';
import { fakeVariants } from '../../fakes/fake-control-data.ts';
import { fakeSnapshot } from '../../fakes/fake-snapshot.ts';
import { startFakeControl, type FakeControl } from './fake-control-process.ts';
import { LoadMeter } from './load-meter.ts';
import { PanelPage, useChromium, type PanelPageOptions } from './panel-page.ts';

const browser = useChromium();

async function openModels(agent: FakeControl, options: PanelPageOptions = {}): Promise<PanelPage> {
  const panel = await PanelPage.open(browser(), agent.signInUrl, options);
  await panel.show('Models');
  return panel;
}

/** Commands that the agent was sent, oldest first: name and body. */
async function commandsOf(agent: FakeControl): Promise<unknown[]> {
  const { received } = await agent.facts();
  return received.map(({ path, body }) => [path.replace('/control/v1/commands/', ''), body]);
}

describe('models', () => {
  it('stand in groups: loaded ones first, then what fits, then the rest, and the self-test last', async () => {
    await using agent = await startFakeControl();
    await using panel = await openModels(agent);
    const titles = await panel.page.locator('main section:has(article) h2').allTextContents();
    expect(titles).toEqual([
      'falcon3-10b-instruct',
      'llama3.1-8b-instruct',
      'mistral-small',
      'qwen3-coder-next',
      'falcon3-7b-1.58bit',
      'ranch-self-test',
    ]);
    const qwen = panel.section('qwen3-coder-next');
    const tooBig = qwen.getByRole('article', { name: /q8_0/u });
    expect(await tooBig.getByRole('img').getAttribute('aria-label')).toBe(
      'Needs 85 GB, 57 GB free: weights 79 GB, KV cache 3.1 GB, compute 410 MB, headroom 2.0 GB.',
    );
    const use = tooBig.getByRole('button', { name: 'Use qwen3-coder-next-q8_0' });
    expect(await use.isDisabled()).toBe(true);
    const reason = panel.page.locator(`[id="${(await use.getAttribute('aria-describedby')) ?? ''}"]`);
    expect(await reason.textContent()).toBe('It needs 28 GB more than is free. Pick a smaller quantization.');
    const roomy = qwen.getByRole('article', { name: /q4_k_m/u });
    expect(await roomy.textContent()).toContain('It fits once falcon3-10b-instruct is unloaded.');
    expect(await roomy.textContent()).toContain('32\u202f768 of 262\u202f144');
    expect(panel.problems).toEqual([]);
  });

  it('are switched: each phase is told, then the new one is in use and the band can be dismissed', async () => {
    await using agent = await startFakeControl();
    await using panel = await openModels(agent);
    await panel.page.getByRole('button', { name: 'Use llama3.1-8b-instruct-q4_k_m' }).click();
    const band = panel.section('Model switch');
    await panel.waitForText(band, 'Looking whether there is room for both.');
    await agent.order({ step: 2 });
    const progress = band.getByRole('progressbar', { name: 'Switch to llama3.1-8b-instruct-q4_k_m' });
    await expect.poll(() => progress.getAttribute('aria-valuenow')).toBe('35');
    expect(await progress.getAttribute('aria-valuetext')).toBe('Loading, 35 %');
    const row = panel.page.getByRole('article', { name: /llama3\.1-8b-instruct-q4_k_m/u });
    await row.getByRole('progressbar', { name: 'Loading llama3.1-8b-instruct-q4_k_m' }).waitFor();
    expect(await row.getByRole('button', { name: /^Use / }).isDisabled()).toBe(true);
    await agent.order({ step: 2 });
    await panel.waitForText(band, 'First words');
    await agent.order({ step: 2 });
    await panel.waitForText(band, 'This node answers with llama3.1-8b-instruct-q4_k_m now.');
    expect(await panel.page.getByRole('status').filter({ hasText: 'This node answers with' }).count()).toBe(1);
    await row.getByText('In use', { exact: true }).waitFor();
    await band.getByRole('button', { name: 'Dismiss: model switch' }).click();
    await band.waitFor({ state: 'detached' });
    await panel.page.reload();
    await panel.live().waitFor();
    expect(await band.count()).toBe(0);
    expect(await commandsOf(agent)).toEqual([['models.use', { model: 'llama3.1-8b-instruct-q4_k_m' }]]);
    expect(panel.problems).toEqual([]);
  });

  it('a switch that is taken back says why, on every screen', async () => {
    await using agent = await startFakeControl();
    await using panel = await openModels(agent);
    await agent.order({ switchEnd: 'rolled-back' });
    await panel.page.getByRole('button', { name: 'Use llama3.1-8b-instruct-q4_k_m' }).click();
    await panel.section('Model switch').waitFor();
    await agent.order({ step: 6 });
    for (const screen of ['Models', 'Engines', 'Overview'] as const) {
      await panel.show(screen);
      await panel.waitForText(panel.section('Model switch'), 'was loaded and did not answer');
    }
    await panel.show('Models');
    const old = panel.page.getByRole('article', { name: /^falcon3-10b/u });
    expect(await old.textContent()).toContain('In use');
  });

  it('can be loaded beside the one in use, pinned and unloaded', async () => {
    await using agent = await startFakeControl();
    await using panel = await openModels(agent);
    const row = panel.page.getByRole('article', { name: /llama3\.1-8b-instruct-q4_k_m/u });
    await row.getByRole('button', { name: /^Load / }).click();
    await row.getByText('Loading', { exact: true }).waitFor();
    await agent.order({ step: 1 });
    await row.getByText('Loaded', { exact: true }).waitFor();
    const pin = row.getByRole('button', { name: /^Pin / });
    expect(await pin.getAttribute('aria-pressed')).toBe('false');
    await pin.click();
    await expect.poll(() => pin.getAttribute('aria-pressed')).toBe('true');
    await row.getByRole('button', { name: /^Unload / }).click();
    await row.getByText('Fits', { exact: true }).waitFor();
    const model = 'llama3.1-8b-instruct-q4_k_m';
    expect(await commandsOf(agent)).toEqual([
      ['models.load', { model }],
      ['models.pin', { model, pinned: true }],
      ['models.unload', { model }],
    ]);
  });

  it('are removed only after a question that names what is deleted', async () => {
    await using agent = await startFakeControl();
    await using panel = await openModels(agent);
    const button = panel.page.getByRole('button', { name: 'Remove llama3.1-8b-instruct-q4_k_m' });
    await button.click();
    const question = panel.page.getByRole('alertdialog', { name: 'Remove this model?' });
    expect(await question.textContent()).toContain(
      '/home/rancher/.local/share/ranch-hand/models/llama3.1-8b-instruct-q4_k_m.gguf',
    );
    expect(await question.textContent()).toContain('4.6 GB');
    expect(await panel.page.evaluate<string>('document.activeElement.textContent')).toBe('Keep it');
    await panel.page.keyboard.press('Enter');
    await question.waitFor({ state: 'detached' });
    expect(await commandsOf(agent)).toEqual([]);
    expect(await panel.page.evaluate<string>('document.activeElement.getAttribute("aria-label")')).toBe(
      'Remove llama3.1-8b-instruct-q4_k_m',
    );
    await button.click();
    await question.getByRole('button', { name: 'Remove it' }).click();
    await button.waitFor({ state: 'detached' });
    expect(await commandsOf(agent)).toEqual([['models.remove', { model: 'llama3.1-8b-instruct-q4_k_m' }]]);
    expect(panel.problems).toEqual([]);
  });

  it('300 of them leave the page at ease while figures move every second', async () => {
    await using agent = await startFakeControl({ ticking: true });
    const some = fakeSnapshot(Date.now()).models;
    const models = Array.from({ length: 300 }, (_, index) => {
      const model = some[index % some.length];
      if (model === undefined) throw new Error('no model in the fake');
      return { ...model, id: `${model.id}-${index}`, group: `${model.group}-${index % 90}`, isDefault: index === 0 };
    });
    await agent.order({ set: { models } });
    await using panel = await openModels(agent);
    await panel.page.locator('article').nth(299).waitFor({ state: 'attached' });
    const { seq } = await agent.facts();
    await using meter = await LoadMeter.start(panel.page);
    await expect.poll(async () => (await agent.facts()).seq).toBeGreaterThan(seq + 12);
    const { busyShare } = await meter.read();
    console.log(`300 models: thread ${(busyShare * 100).toFixed(0)} % busy`);
    expect(busyShare).toBeLessThan(0.9);
  });

  it('are switched from the overview too', async () => {
    await using agent = await startFakeControl();
    await using panel = await PanelPage.open(browser(), agent.signInUrl);
    await panel.page.getByRole('button', { name: 'Switch…' }).click();
    const dialog = panel.page.getByRole('dialog', { name: 'Switch to another model' });
    expect(await dialog.getByRole('radio', { name: /qwen3-coder-next-q8_0/u }).isDisabled()).toBe(true);
    expect(await dialog.getByRole('radio', { name: /falcon3-10b-instruct/u }).isDisabled()).toBe(true);
    await dialog.getByRole('radio', { name: /llama3\.1-8b-instruct-q8_0/u }).check();
    await agent.order({ refuse: { status: 409, code: 'conflict', message: 'Another switch goes on. Wait for it.' } });
    await dialog.getByRole('button', { name: 'Switch to it' }).click();
    await panel.waitForText(dialog.getByRole('alert'), 'Another switch goes on. Wait for it.');
    await agent.order({ refuse: null });
    await dialog.getByRole('button', { name: 'Switch to it' }).click();
    await dialog.waitFor({ state: 'detached' });
    await agent.order({ step: 7 });
    await panel.waitForText(panel.section('Model switch'), 'This node answers with llama3.1-8b-instruct-q8_0 now.');
  });
});

describe('the chooser of quantizations', () => {
  it('shows them side by side, and gets one that is elsewhere and uses it', async () => {
    await using agent = await startFakeControl();
    await using panel = await openModels(agent);
    await panel.page.getByRole('button', { name: 'Choose quantization of llama3.1-8b-instruct' }).click();
    const dialog = panel.page.getByRole('dialog', { name: 'Quantizations of llama3.1-8b-instruct' });
    const rows = dialog.getByRole('row');
    await rows.nth(7).waitFor();
    expect((await rows.allTextContents()).map((text) => text.replace(/[ \d].*/u, ''))).toEqual(
      ['QuantizationSizeBits', 'F16', 'Q8_0', 'Q6_K', 'Q5_K_M', 'Q4_K_M', 'Q4_0', 'Q2_K'].map((text) =>
        text.replace(/\d.*/u, ''),
      ),
    );
    const q8 = await rows.nth(2).textContent();
    for (const part of ['8.0 GB', '8.50', '+0.04 %', '97.7', 'Fits', '14 GB', '7.40', 'measured', 'Loaded']) {
      expect(q8).toContain(part);
    }
    expect(await rows.nth(4).textContent()).toContain('≈ 10.9expected');
    expect(await dialog.getByRole('radio', { name: 'F16' }).isDisabled()).toBe(true);
    expect(await dialog.getByRole('listitem').first().textContent()).toContain('The Ollama library did not answer');
    expect(await dialog.textContent()).toContain('llama.cpp, tools/quantize');
    await dialog.getByRole('radio', { name: 'Q5_K_M' }).check();
    await dialog.getByRole('button', { name: 'Get Q5_K_M (5.3 GB) and use it' }).click();
    await dialog.waitFor({ state: 'detached' });
    const pull = panel
      .section('On their way')
      .getByRole('listitem', { name: /Q5_K_M/u })
      .first();
    await pull.getByText('used when it is here', { exact: false }).waitFor();
    await agent.order({ step: 6 });
    await panel.section('Model switch').waitFor();
    await agent.order({ step: 7 });
    await panel.waitForText(panel.section('Model switch'), 'This node answers with');
    expect(await commandsOf(agent)).toEqual([
      ['models.pull', { reference: 'hf.co/bartowski/Meta-Llama-3.1-8B-Instruct-GGUF:Q5_K_M', use: true }],
    ]);
    expect(panel.problems).toEqual([]);
  });

  it('is walked by keyboard alone, and makes one here', async () => {
    await using agent = await startFakeControl();
    await using panel = await openModels(agent);
    const { page } = panel;
    const opener = page.getByRole('button', { name: 'Choose quantization of llama3.1-8b-instruct' });
    await opener.focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('row').nth(7).waitFor();
    const focused = (): Promise<string> =>
      page.evaluate<string>(
        `(document.activeElement.getAttribute('aria-label') ?? document.activeElement.closest('label')?.textContent ?? document.activeElement.textContent)`,
      );
    expect(await focused()).toBe('Close');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    expect(await focused()).toBe('Q8_0');
    for (let down = 0; down < 4; down += 1) await page.keyboard.press('ArrowDown');
    expect(await focused()).toBe('Q4_0');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Use it when it is here');
    await page.keyboard.press('Space');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Leave as it is');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Make Q4_0 (4.3 GB)');
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    expect(await focused()).toBe('Choose quantization of llama3.1-8b-instruct');
    expect(await commandsOf(agent)).toEqual([
      ['models.quantize', { model: 'llama3.1-8b-instruct-f16', quantization: 'Q4_0', use: false }],
    ]);
    await page.keyboard.press('Enter');
    await dialog.waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    expect(await focused()).toBe('Choose quantization of llama3.1-8b-instruct');
  });

  it('says when the question could not be answered, and asks again', async () => {
    await using agent = await startFakeControl();
    await using panel = await openModels(agent);
    await agent.order({ answers: { variants: 'The catalogue is being read. Ask again in a moment.' } });
    await panel.page.getByRole('button', { name: 'Choose quantization of llama3.1-8b-instruct' }).click();
    const dialog = panel.page.getByRole('dialog');
    await panel.waitForText(dialog.getByRole('alert'), 'The catalogue is being read.');
    await agent.order({ answers: { variants: null } });
    await dialog.getByRole('button', { name: 'Ask again' }).click();
    await dialog.getByRole('row').nth(7).waitFor();
    expect(await dialog.getByRole('alert').count()).toBe(0);
  });

  it('B71 shows hostile names as text and fits 360 pixels', async () => {
    await using agent = await startFakeControl();
    await using panel = await openModels(agent, { width: 360, height: 800 });
    const nasty = `<b class=planted>b</b>\u202egnp.exe${'x'.repeat(180)}`;
    const answer = fakeVariants();
    const variants = answer.variants.map((variant) => ({
      ...variant,
      quantization: `${variant.quantization}${nasty}`,
      quality: variant.quality === null ? null : { ...variant.quality, sentence: nasty, source: nasty },
    }));
    await agent.order({ answers: { variants: { group: nasty, variants, problems: [nasty] } } });
    const models = fakeSnapshot(Date.now()).models.map((model) => ({ ...model, id: model.id + nasty, group: nasty }));
    await agent.order({ set: { models } });
    await panel.page
      .getByRole('button', { name: /^Choose quantization of/u })
      .first()
      .click();
    const dialog = panel.page.getByRole('dialog');
    await dialog.getByRole('row').nth(7).waitFor();
    await dialog.getByRole('radio', { name: /^Q5_K_M/u }).check();
    expect(await panel.dialogSidewaysScroll()).toBe(0);
    expect(await panel.page.locator('.planted').count()).toBe(0);
    expect(await dialog.textContent()).not.toContain('\u202e');
    const box = await dialog.boundingBox();
    expect(box?.width).toBeLessThanOrEqual(360);
    await panel.page.keyboard.press('Escape');
    await panel.page
      .getByRole('button', { name: /^Remove /u })
      .first()
      .click();
    await panel.page.getByRole('alertdialog').waitFor();
    expect(await panel.dialogSidewaysScroll()).toBe(0);
    await panel.page.keyboard.press('Escape');
    expect(await panel.sidewaysScroll()).toBe(0);
    expect(panel.problems).toEqual([]);
  });
});

describe('getting a model', () => {
  it('pulls by name with progress, pause, resume and cancel', async () => {
    await using agent = await startFakeControl();
    await using panel = await openModels(agent);
    await panel.page.getByRole('button', { name: 'Get another model' }).click();
    await panel.page.keyboard.type(' hf.co/org/repo:Q4_K_M ');
    const form = panel.section('Get another model');
    await form.getByText('A model on Hugging Face.').waitFor();
    await form.getByRole('checkbox', { name: 'Use it when it is here' }).check();
    await panel.page.keyboard.press('Enter');
    const pull = panel.section('On their way').getByRole('listitem', { name: 'repo Q4_K_M', exact: true });
    const bar = pull.getByRole('progressbar');
    await expect.poll(() => bar.getAttribute('aria-valuenow')).toBe('0');
    await agent.order({ step: 1 });
    await expect.poll(() => bar.getAttribute('aria-valuenow')).toBe('25');
    expect(await pull.getByTestId('pull-figures').textContent()).toBe('922 MB of 3.6 GB, 922 MB/s, 3 s left');
    await pull.getByRole('button', { name: 'Pause repo Q4_K_M' }).click();
    await pull.getByText('Paused', { exact: true }).waitFor();
    await agent.order({ step: 3 });
    expect(await bar.getAttribute('aria-valuenow')).toBe('25');
    await pull.getByRole('button', { name: 'Resume repo Q4_K_M' }).click();
    await pull.getByText('Coming', { exact: true }).waitFor();
    await agent.order({ step: 1 });
    await expect.poll(() => bar.getAttribute('aria-valuenow')).toBe('50');
    expect(await panel.page.getByRole('status').filter({ hasText: 'repo Q4_K_M: 50 % are here.' }).count()).toBe(1);
    await pull.getByRole('button', { name: 'Cancel repo Q4_K_M' }).click();
    await pull.getByText('Cancelled; nothing of it is kept.').waitFor();
    await pull.getByRole('button', { name: 'Try again: repo Q4_K_M' }).waitFor();
    expect((await commandsOf(agent))[0]).toEqual(['models.pull', { reference: 'hf.co/org/repo:Q4_K_M', use: true }]);
    expect(await panel.page.getByLabel('Name, address or file').inputValue()).toBe('');
    expect(panel.problems).toEqual([]);
  });

  it('is checked when it is here, and can be used then', async () => {
    await using agent = await startFakeControl();
    await using panel = await openModels(agent);
    const form = panel.section('Get another model');
    await form.getByLabel('Name, address or file').fill('https://models.example/small.gguf');
    await form.getByText('Check it against a sha256').click();
    await form.getByLabel('Expected sha256').fill('ab'.repeat(32));
    await form.getByRole('button', { name: 'Get it' }).click();
    const pull = panel.section('On their way').getByRole('listitem', { name: 'small.gguf' });
    await pull.waitFor();
    await agent.order({ step: 4 });
    await pull.getByText('Being checked').waitFor();
    await agent.order({ step: 1 });
    await pull.getByRole('button', { name: 'Use small.gguf' }).click();
    await panel.section('Model switch').waitFor();
    expect(await commandsOf(agent)).toEqual([
      [
        'models.pull',
        { reference: 'https://models.example/small.gguf', use: false, sha256: `sha256:${'ab'.repeat(32)}` },
      ],
      ['models.use', { model: 'small.gguf' }],
    ]);
  });

  it('a refusal is said beside the form and keeps what was typed', async () => {
    await using agent = await startFakeControl();
    await using panel = await openModels(agent);
    await agent.order({
      refuse: { status: 400, code: 'invalid_request', message: 'No such name. Check its spelling.' },
    });
    const form = panel.section('Get another model');
    await form.getByLabel('Name, address or file').fill('lama3');
    await form.getByRole('button', { name: 'Get it' }).click();
    await panel.waitForText(form.getByRole('alert'), 'No such name. Check its spelling.');
    expect(await form.getByLabel('Name, address or file').inputValue()).toBe('lama3');
  });

  it('a failed one says why and can be tried again', async () => {
    await using agent = await startFakeControl();
    await using panel = await openModels(agent);
    const pull = panel.section('On their way').getByRole('listitem', { name: 'phi-4-q4.gguf' });
    await panel.waitForText(pull, 'its sha256 differs');
    await pull.getByRole('button', { name: 'Try again: phi-4-q4.gguf' }).click();
    await expect
      .poll(() => commandsOf(agent))
      .toEqual([['models.pull', { reference: 'https://models.example/phi-4-q4.gguf', use: false }]]);
  });

  it('what is on its way is one press away on a narrow screen', async () => {
    await using agent = await startFakeControl();
    await using panel = await openModels(agent, { width: 360, height: 800 });
    await panel.page.getByRole('button', { name: '2 on their way' }).click();
    await expect.poll(async () => (await panel.section('On their way').boundingBox())?.y ?? 9999).toBeLessThan(400);
  });
});
