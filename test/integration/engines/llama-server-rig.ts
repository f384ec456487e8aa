import { copyFileSync, linkSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { systemClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { defaultSettings } from '../../../electron/agent/config/settings.ts';
import type { Engine, LoadOptions } from '../../../electron/agent/engines/engine.ts';
import type { EngineSettings, EnginesOptions } from '../../../electron/agent/engines/engine-factory.ts';
import { EngineLog } from '../../../electron/agent/engines/engine-log.ts';
import { LlamaServerKind } from '../../../electron/agent/engines/llama-server/llama-server-kind.ts';
import { ProcessEngine } from '../../../electron/agent/engines/process-engine/process-engine.ts';
import { Leftovers } from '../../../electron/agent/engines/supervisor/leftovers.ts';
import { identifyProcess } from '../../../electron/agent/engines/supervisor/process-identity.ts';
import { killTree } from '../../../electron/agent/engines/supervisor/process-tree.ts';
import type { InferenceRequest, Operation } from '../../../electron/agent/inference/request.ts';
import type { WireResponse } from '../../../electron/agent/inference/wire-response.ts';
import type { CatalogModel } from '../../../electron/agent/models/catalog-model.ts';
import { ModelCatalog } from '../../../electron/agent/models/catalog.ts';

export const asSettings: LoadOptions = { contextLength: 'auto', parallel: 'auto', kvType: null };
export const never = (): AbortSignal => new AbortController().signal;

/** The catalogue's entries of those files, in their order. */
export async function catalogModels(folder: string, files: readonly string[]): Promise<CatalogModel[]> {
  const modelsDir = join(folder, 'models');
  mkdirSync(modelsDir, { recursive: true });
  const paths = files.map((file) => {
    const link = join(modelsDir, basename(file));
    try {
      linkSync(file, link);
    } catch {
      copyFileSync(file, link);
    }
    return link;
  });
  const catalog = new ModelCatalog(
    { modelsDir, defaultPath: null, selfTestPath: join(folder, 'none.gguf') },
    { clock: systemClock, logger: silentLogger },
  );
  await catalog.rescan();
  return paths.map((path) => {
    const model = catalog.list().find((entry) => entry.path === path);
    if (!model) throw new Error(`${path} is not in the catalogue`);
    return model;
  });
}

/** What a factory gets, in that folder. */
export function engineOptions(
  folder: string,
  changes: Partial<EngineSettings>,
  env: Readonly<Record<string, string | undefined>> = {},
): EnginesOptions {
  return {
    dataDir: join(folder, 'data'),
    logsDir: join(folder, 'logs'),
    childScript: '',
    nodeExecutable: process.execPath,
    env: { ...env, SECRET_OF_THE_OPERATOR: 'sk-secret' },
    engines: { ...defaultSettings.engines, ...changes },
  };
}

export function leftoversIn(folder: string): Leftovers {
  return new Leftovers(
    { file: join(folder, 'engine-processes.json') },
    { identify: identifyProcess, kill: killTree, logger: silentLogger },
  );
}

/** An engine that runs that llama-server program. */
export function llamaServer(
  folder: string,
  program: string,
  more: {
    settings?: Partial<EngineSettings['llamaServer']>;
    pickPort?: () => Promise<number>;
    defaultModel?: () => string | null;
  } = {},
): ProcessEngine {
  const { llamaServer: defaults } = defaultSettings.engines;
  const settings = { ...defaults, path: program, contextLength: 1_024, parallel: 2, threads: 1, ...more.settings };
  const log = new EngineLog({ clock: systemClock, file: null });
  const kind = new LlamaServerKind(engineOptions(folder, { llamaServer: settings }), {
    clock: systemClock,
    log,
    leftovers: leftoversIn(folder),
    ...(more.pickPort && { pickPort: more.pickPort }),
  });
  return new ProcessEngine({
    kind,
    clock: systemClock,
    logger: silentLogger,
    log,
    random: () => 0.5,
    defaultModel: more.defaultModel ?? (() => null),
  });
}

export function request(model: string, body: object, operation: Operation = 'chat'): InferenceRequest {
  return {
    trace: 't',
    operation,
    model,
    stream: 'stream' in body && body.stream === true,
    dialect: 'openai',
    body: Buffer.from(JSON.stringify({ model, ...body })),
  };
}

/** The body's text, or the text so far with the error that broke it off. */
export function read(
  response: WireResponse,
  onPayload: (text: string) => void = () => undefined,
): Promise<{ text: string; error: Error | null }> {
  let text = '';
  return new Promise((resolve) => {
    response.body.pipe({
      raw: () => true,
      payload: (bytes, start, end) => {
        text += bytes.toString('utf8', start, end);
        onPayload(text);
      },
      end: () => resolve({ text, error: null }),
      fail: (error) => resolve({ text, error }),
    });
  });
}

export async function answer(
  engine: Engine,
  model: string,
  body: object,
  operation: Operation = 'chat',
): Promise<{ status: number; json: Record<string, unknown> }> {
  const response = await engine.upstream.generate(request(model, body, operation), never());
  const { text, error } = await read(response);
  if (error) throw error;
  return { status: response.status, json: JSON.parse(text) as Record<string, unknown> };
}
