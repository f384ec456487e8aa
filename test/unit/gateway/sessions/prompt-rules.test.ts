import { describe, expect, it } from 'vitest';
import type { Turn } from '../../../../electron/agent/gateway/dialects/query.ts';
import { applyPromptRules } from '../../../../electron/agent/gateway/sessions/prompt-rules.ts';
import { assistant, chat, system, tool, user } from './chats.ts';

const all = { attributionLine: true, tokenCountdown: true, toolOrder: true };
const none = { attributionLine: false, tokenCountdown: false, toolOrder: false };
const attribution = 'x-anthropic-billing-header: cc_version=2.1.0.abc; cc_entrypoint=cli; cch=1f3a9;';
const countdown = 'Token usage: 35000/200000; 165000 remaining';

function ruled(turns: readonly Turn[]): { turns: readonly Turn[]; applied: readonly string[] } {
  const { query, applied } = applyPromptRules(chat(turns), all);
  return { turns: query.turns, applied };
}

describe('applyPromptRules', () => {
  it('leaves out the line that tags a conversation', () => {
    const expected = { turns: [system('You are Claude Code.'), user('Hi')], applied: ['attributionLine'] };
    expect(ruled([system(`${attribution}\n\nYou are Claude Code.`), user('Hi')])).toEqual(expected);
    expect(ruled([system(attribution), system('You are Claude Code.'), user('Hi')])).toEqual(expected);
  });

  it.each([
    ['in the middle of a system prompt', [system(`Mind this:\n${attribution}`), user('Hi')]],
    ['in what a user says', [user(attribution)]],
    ['in a later system turn', [system('Be brief.'), system(attribution), user('Hi')]],
  ])('leaves the same line alone %s', (_, turns) => {
    expect(ruled(turns)).toEqual({ turns, applied: [] });
  });

  it.each([`<system-reminder>${countdown}</system-reminder>`, `<system_warning>\n${countdown}\n</system_warning>`])(
    'leaves out a countdown of tokens: %s',
    (text) => {
      const toolTurn = (content: string): Turn => ({
        role: 'tool',
        callId: '1',
        name: null,
        parts: [{ kind: 'text', text: content }],
        failed: false,
      });
      const turns = [system('Be brief.'), user(`Hi\n${text}`), assistant('Yes?'), toolTurn(`12\n${text}`)];
      const expected = [system('Be brief.'), user('Hi'), assistant('Yes?'), toolTurn('12')];
      expect(ruled(turns)).toEqual({ turns: expected, applied: ['tokenCountdown'] });
    },
  );

  it('leaves out a part that is nothing else, but never empties a turn', () => {
    const parts = [
      { kind: 'text', text: 'Hi' },
      { kind: 'text', text: `<system_warning>${countdown}</system_warning>` },
    ] as const;
    expect(ruled([{ role: 'user', parts }]).turns).toEqual([user('Hi')]);
    const only: Turn = { role: 'user', parts: [parts[1]] };
    expect(ruled([only])).toEqual({ turns: [only], applied: [] });
  });

  it('leaves out the bare line and the budget in a system turn', () => {
    const text = `Be brief.\n${countdown}\n<budget:token_budget>200000</budget:token_budget>\nBe kind.`;
    expect(ruled([system(text), user('Hi')]).turns[0]).toEqual(system('Be brief.\nBe kind.'));
  });

  it.each([
    user(`What does "${countdown}" mean?`),
    user(countdown),
    user('<system-reminder>Token usage: high</system-reminder>'),
    user('<system-reminder>Token usage: 1/2; 1 remaining. Hurry up.</system-reminder>'),
    user(`<system-reminder>${countdown}</system_warning>`),
    assistant(`<system_warning>${countdown}</system_warning>`),
    system('Token usage: 1/2; 1 remaining, so be brief.'),
  ])('leaves what only looks like one alone: %j', (turn) => {
    expect(ruled([turn])).toEqual({ turns: [turn], applied: [] });
  });

  it('sorts tools by name, and says nothing where they are sorted', () => {
    const query = chat([user('Hi')], { tools: [tool('b'), tool('a'), tool('C')] });
    const { query: sorted, applied } = applyPromptRules(query, all);
    expect(sorted.tools.map(({ name }) => name)).toEqual(['C', 'a', 'b']);
    expect(applied).toEqual(['toolOrder']);
    expect(applyPromptRules(sorted, all)).toEqual({ query: sorted, applied: [] });
  });

  it('applies nothing that is switched off, and returns an untouched query itself', () => {
    const query = chat([system(`${attribution}\n${countdown}`), user('Hi')], { tools: [tool('b'), tool('a')] });
    expect(applyPromptRules(query, none).query).toBe(query);
    expect(applyPromptRules(query, { ...none, toolOrder: true }).applied).toEqual(['toolOrder']);
    expect(applyPromptRules(query, { ...none, attributionLine: true }).applied).toEqual(['attributionLine']);
    expect(applyPromptRules(query, { ...none, tokenCountdown: true }).applied).toEqual(['tokenCountdown']);
  });

  it('reads a long text without any of it quickly', () => {
    const text = '<system-reminder>Token usage: '.repeat(50_000);
    const before = performance.now();
    expect(ruled([user(text)]).applied).toEqual([]);
    expect(performance.now() - before).toBeLessThan(2_000);
  });
});
