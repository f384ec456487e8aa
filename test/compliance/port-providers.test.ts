import type { ProviderKind } from '../../electron/contract/cloud.ts';
import type { Billing } from '../../electron/agent/inference/upstream.ts';
import { FakeAnthropic } from '../fakes/fake-anthropic-process.ts';
import { FakeOpenAiProvider } from '../fakes/fake-openai-provider-process.ts';
import { providerKey } from '../integration/cloud/providers/providers-rig.ts';
import { providerPortSuite } from './provider-port-suite.ts';

const always = ['content-length', 'content-type', 'host'];

for (const kind of ['anthropic', 'anthropic-compatible'] as const) {
  providerPortSuite({
    kind,
    dialect: 'anthropic',
    headers: [...always, 'anthropic-version', 'x-api-key'],
    keyHeader: { name: 'x-api-key', value: providerKey },
    promptTokens: 7,
    start: () => FakeAnthropic.start(),
  });
}

const billing: Partial<Record<ProviderKind, Billing>> = {
  openai: 'by-account',
  openrouter: 'by-host',
};

for (const kind of ['openai', 'gemini', 'xai', 'openrouter', 'openai-compatible'] as const) {
  providerPortSuite({
    kind,
    dialect: 'openai',
    headers: [...always, 'authorization'],
    keyHeader: { name: 'authorization', value: `Bearer ${providerKey}` },
    promptTokens: 20,
    billing: billing[kind],
    start: () => FakeOpenAiProvider.start(kind === 'openai-compatible' ? 'openai' : kind),
  });
}
