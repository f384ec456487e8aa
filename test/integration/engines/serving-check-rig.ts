import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { systemClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import type { CheckedModel } from '../../../electron/agent/engines/serving-check/evidence.ts';
import { ServingChecks } from '../../../electron/agent/engines/serving-check/serving-checks.ts';
import type { InferenceRequest } from '../../../electron/agent/inference/request.ts';
import { OpenAiUpstream } from '../../../electron/agent/inference/openai-upstream.ts';
import type { Upstream, UpstreamDescription } from '../../../electron/agent/inference/upstream.ts';
import type { WireResponse } from '../../../electron/agent/inference/wire-response.ts';
import type { MeasuredSpeed } from '../../../electron/contract/snapshot.ts';
import { freePort } from '../../fixtures/real-ollama.ts';

/** A llama-server with the arguments of a test: `await using server = await ServerUnderCheck.start(program, …)`. */
export class ServerUnderCheck implements AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
    this.pid = child.pid ?? -1;
  }

  static async start(program: string, model: string, extra: readonly string[] = []): Promise<ServerUnderCheck> {
    const port = await freePort();
    const fixed = ['-m', model, '--host', '127.0.0.1', '--port', String(port), '--threads', '1', '--parallel', '1'];
    const child = spawn(program, [...fixed, '--no-webui', '--jinja', ...extra], { stdio: 'ignore' });
    const exited = once(child, 'exit').then(() => 'exited' as const);
    for (;;) {
      const health = fetch(`http://127.0.0.1:${port}/health`).then(
        ({ status }) => status,
        () => 0,
      );
      const seen = await Promise.race([health, exited]);
      if (seen === 'exited') throw new Error(`llama-server ended: ${extra.join(' ')}`);
      if (seen === 200) return new ServerUnderCheck(child, port);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGCONT');
    this.#child.kill('SIGKILL');
    await exited;
  }
}

/** A model as it should be; a test changes what it injects. */
export const claimed: CheckedModel = {
  engineId: 'engine',
  engineKind: 'llama-server',
  owned: true,
  modelId: 'model',
  name: 'Model',
  contextLength: 8_192,
  trainedContextLength: 16_384,
  quantization: 'F16',
  capabilities: ['chat', 'completion'],
  hasChatTemplate: true,
  prefillTokensPerSecond: 2_000,
};

/** Counts what passes through to an engine. */
export class CountedUpstream implements Upstream {
  requests = 0;
  readonly #upstream: OpenAiUpstream;

  constructor(port: number, modelId: string) {
    const description: UpstreamDescription = {
      id: 'engine',
      route: 'local',
      dialects: ['openai'],
      operations: ['chat', 'completion'],
      ready: true,
      sentence: 'Ready.',
      models: [{ id: modelId, contextLength: null, capabilities: ['chat'], sizeBytes: 1, loaded: true, createdAtS: 0 }],
      defaultModel: modelId,
      slots: 1,
    };
    this.#upstream = new OpenAiUpstream(
      { host: '127.0.0.1', port, name: 'The engine', apiKey: null },
      { clock: systemClock, describe: () => description },
    );
  }

  describe(): UpstreamDescription {
    return this.#upstream.describe();
  }

  generate(request: InferenceRequest, signal: AbortSignal): Promise<WireResponse> {
    this.requests += 1;
    return this.#upstream.generate(request, signal);
  }

  close(): void {
    this.#upstream.close();
  }
}

export interface CheckSite extends Disposable {
  readonly checks: ServingChecks;
  readonly upstream: CountedUpstream;
  /** Resolves when the probes are over, or given up on a machine too busy for them, with the kinds that were found. */
  probed(): Promise<readonly string[]>;
  /** Resolves with what was found as soon as something is. */
  found(): Promise<readonly string[]>;
}

/** Checks over one engine that is idle throughout. */
export function openChecks(
  port: number,
  model: CheckedModel,
  options: { readonly before?: MeasuredSpeed; readonly enabled?: boolean } = {},
): CheckSite {
  const upstream = new CountedUpstream(port, model.modelId);
  const over = Promise.withResolvers<undefined>();
  // The log is where the end of a check is told, whatever comes of it.
  const logger = {
    ...silentLogger,
    info: () => over.resolve(undefined),
    warn: () => over.resolve(undefined),
  };
  const checks = new ServingChecks(
    { enabled: options.enabled ?? true, quietMs: 1, patienceMs: 200_000 },
    {
      clock: systemClock,
      logger,
      upstreamOf: (id) => (id === model.engineId ? upstream : undefined),
      modelFacts: () => model,
      speedBefore: () => options.before ?? null,
      idle: () => true,
      activity: { subscribe: () => () => undefined },
    },
  );
  return {
    checks,
    upstream,
    async probed() {
      checks.onLoaded(model);
      await over.promise;
      return checks.reports().flatMap(({ findings }) => findings);
    },
    async found() {
      const first = new Promise<void>((resolve) => {
        checks.changed.subscribe(resolve);
      });
      checks.onLoaded(model);
      await Promise.race([first, over.promise]);
      return checks.reports().flatMap(({ findings }) => findings);
    },
    [Symbol.dispose]() {
      void checks.stop();
      upstream.close();
    },
  };
}
