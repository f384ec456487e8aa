import { describe, expect, it } from 'vitest';
import { type PullSnapshot } from '../../../../electron/contract/snapshot.ts';
import { canInstall, installShare, unlistedKinds } from '../../../../renderer/format/installs.ts';
import {
  canTryAgain,
  pullActions,
  pullFigures,
  pullShare,
  pullStateWord,
  pullTellsWhy,
  referenceKind,
} from '../../../../renderer/format/pulls.ts';
import { outageSpan, readyWindows } from '../../../../renderer/format/readiness.ts';

const mib = 1024 ** 2;
const states = ['queued', 'running', 'paused', 'verifying', 'done', 'failed', 'cancelled'] as const;

function labels(state: PullSnapshot['state'], source: PullSnapshot['source'] = 'url'): string[] {
  return pullActions({ state, source }).map(({ label }) => label);
}

describe('pulls', () => {
  it('say bytes, speed and time left while they run, and bytes alone while they stand', () => {
    const pull = { receivedBytes: 1.5 * mib, totalBytes: 3 * mib, bytesPerSecond: mib / 2, secondsLeft: 65 };
    expect(pullFigures({ ...pull, state: 'running' })).toBe('1.5 MB of 3.0 MB, 512 kB/s, 1 min 5 s left');
    expect(pullFigures({ ...pull, state: 'paused' })).toBe('1.5 MB of 3.0 MB');
    expect(pullFigures({ ...pull, state: 'running', totalBytes: null, secondsLeft: null, bytesPerSecond: null })).toBe(
      '1.5 MB',
    );
  });

  it('the sentence is shown where the figures do not say it: also while nothing flows', () => {
    const shown = states.filter((state) => pullTellsWhy({ state, bytesPerSecond: 5 }));
    expect(shown).toEqual(['queued', 'paused', 'done', 'failed', 'cancelled']);
    expect(pullTellsWhy({ state: 'running', bytesPerSecond: null })).toBe(true);
  });

  it('a share is never beyond the whole, and unknown without one', () => {
    expect(pullShare({ receivedBytes: 5, totalBytes: 4 })).toBe(1);
    expect(pullShare({ receivedBytes: -5, totalBytes: 4 })).toBe(0);
    expect(pullShare({ receivedBytes: 5, totalBytes: 0 })).toBeNull();
    expect(pullShare({ receivedBytes: 5, totalBytes: null })).toBeNull();
  });

  it('offer what their state allows: of one that failed to give it up, of what is done nothing', () => {
    expect(labels('running')).toEqual(['Pause', 'Cancel']);
    expect(labels('queued')).toEqual(['Pause', 'Cancel']);
    expect(labels('paused')).toEqual(['Resume', 'Cancel']);
    expect(labels('verifying')).toEqual(['Cancel']);
    expect(labels('running', 'quantize')).toEqual(['Cancel']);
    expect(labels('failed')).toEqual(['Give it up']);
    expect(labels('failed', 'quantize')).toEqual(['Give it up']);
    expect(states.filter((state) => labels(state).length === 0)).toEqual(['done', 'cancelled']);
  });

  it('can be tried again when they failed or were cancelled, unless they were made here', () => {
    expect(states.filter((state) => canTryAgain({ state, source: 'url' }))).toEqual(['failed', 'cancelled']);
    expect(canTryAgain({ state: 'failed', source: 'quantize' })).toBe(false);
  });

  it('what is made here does not come from anywhere', () => {
    expect(pullStateWord({ state: 'running', source: 'quantize' }).word).toBe('Being made');
    expect(pullStateWord({ state: 'running', source: 'ollama' }).word).toBe('Coming');
  });

  it.each([
    ['  ', null],
    ['llama3.1:8b-instruct-q5_K_M', 'A name of the Ollama library.'],
    ['hf.co/org/repo:Q4_K_M', 'A model on Hugging Face.'],
    ['HuggingFace.co/org/repo', 'A model on Hugging Face.'],
    ['https://host.example/a.gguf', 'A file at an https address.'],
    ['http://host.example/a.gguf', 'Only https addresses are accepted.'],
    ['/models/a.gguf', 'A file on the machine of this node.'],
    ['C:\\models\\a.gguf', 'A file on the machine of this node.'],
    ['~/a.gguf', 'A file on the machine of this node.'],
  ])('a reference says what it names: %s', (reference, kind) => {
    expect(referenceKind(reference)).toBe(kind);
  });
});

describe('installs', () => {
  it('show how far the whole is, step by step', () => {
    expect(installShare({ step: 1, steps: 4, progress: null })).toBe(0);
    expect(installShare({ step: 3, steps: 4, progress: 0.5 })).toBe(0.625);
    expect(installShare({ step: 9, steps: 4, progress: 1 })).toBe(1);
    expect(installShare({ step: 1, steps: 0, progress: 0.5 })).toBeNull();
  });

  it('are offered for engines that the node does not list, never for the embedded one', () => {
    expect(unlistedKinds([{ kind: 'embedded' }, { kind: 'ollama' }])).toEqual(['llama-server', 'bitnet']);
    expect(canInstall('embedded')).toBe(false);
    expect(canInstall('bitnet')).toBe(true);
  });
});

describe('availability', () => {
  it('is held against the goal, and not judged before it was measured', () => {
    const windows = readyWindows({ day: 0.99, week: 0.98999, month: null }, 0.99);
    expect(windows.map(({ figure, meetsGoal }) => [figure, meetsGoal])).toEqual([
      ['99 %', true],
      ['98.9 %', false],
      ['Not yet', null],
    ]);
    expect(readyWindows({ day: 0.5, week: null, month: null }, null)[0]?.meetsGoal).toBeNull();
  });

  it('an outage took its time, or still does', () => {
    const from = new Date(0).toISOString();
    expect(outageSpan({ from, to: new Date(42_000).toISOString() }, 1e9)).toBe('for 42 s');
    expect(outageSpan({ from, to: null }, 185_000)).toBe('for 3 min 5 s so far');
    expect(outageSpan({ from: 'nonsense', to: null }, 1)).toBeNull();
  });
});
