import { describe, expect, it } from 'vitest';
import { detailsOf, sha256In, thinksBy } from '../../../electron/agent/engines/model-details.ts';
import { modelFile } from './switching/engines-with-fakes.ts';

const digits = 'ab'.repeat(32);

describe('details of a model', () => {
  it.each([
    [`sha256:${digits}`, digits],
    [`sha256-${digits}`, digits],
    [digits.toUpperCase(), digits],
    ['sha256:ab', null],
    ['', null],
    [null, null],
  ])('finds the digits in %j', (digest, found) => {
    expect(sha256In(digest)).toBe(found);
  });

  it.each([
    ["{{ '<think>' }}", true],
    ['{% if enable_thinking %}x{% endif %}', true],
    ["{{ message['reasoning_content'] }}", true],
    ['{{ messages }}', false],
    ['', null],
    [null, null],
  ])('of the template %j says whether the model thinks aloud', (template, thinks) => {
    expect(thinksBy(template)).toBe(thinks);
  });

  it('are null where the file cannot be read', () => {
    const details = detailsOf({ ...modelFile('horse'), header: null, shape: null, digest: null });
    expect(Object.values(details).every((value) => value === null)).toBe(true);
  });
});
