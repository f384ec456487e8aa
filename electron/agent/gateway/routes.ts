import { AppError } from '../base/errors.ts';
import type { Operation } from '../inference/request.ts';
import type { Dialect } from './dialects/dialect.ts';
import { openAiDialect } from './dialects/openai/openai-dialect.ts';

export type Route =
  | { readonly kind: 'generate'; readonly dialect: Dialect; readonly operation: Operation }
  | { readonly kind: 'models'; readonly dialect: Dialect }
  | { readonly kind: 'model'; readonly dialect: Dialect; readonly id: string }
  | { readonly kind: 'health' };

interface DialectRoutes {
  readonly dialect: Dialect;
  readonly generate: Readonly<Record<string, Operation>>;
  /** Lists the models; with a slash and an id behind it, describes one. */
  readonly models: string;
}

/** Every dialect with its paths: a new one is entered here and nowhere else. */
const table: readonly DialectRoutes[] = [
  {
    dialect: openAiDialect,
    generate: {
      '/v1/chat/completions': 'chat',
      '/v1/completions': 'completion',
      '/v1/embeddings': 'embedding',
    },
    models: '/v1/models',
  },
];

/** What callers are answered in before a route has told what they speak. */
export const defaultDialect: Dialect = openAiDialect;

const generating: ReadonlyMap<string, Route> = new Map(
  table.flatMap(({ dialect, generate }) =>
    Object.entries(generate).map(([path, operation]): [string, Route] => [
      path,
      { kind: 'generate', dialect, operation },
    ]),
  ),
);
const listing: ReadonlyMap<string, Route> = new Map(
  table.map(({ dialect, models }): [string, Route] => [models, { kind: 'models', dialect }]),
);

/**
 * The route of a request target that has passed the checks of a local request.
 *
 * @throws AppError `not_found` or `method_not_allowed`, whose context names the allowed method in `allow`
 */
export function routeOf(method: string, target: string): Route {
  const query = target.indexOf('?');
  const path = query === -1 ? target : target.slice(0, query);
  const generate = generating.get(path);
  if (generate) return allow(method, ['POST'], generate);
  if (path === '/health') return allow(method, ['GET', 'HEAD'], { kind: 'health' });
  const list = listing.get(path);
  if (list) return allow(method, ['GET', 'HEAD'], list);
  const one = table.find(({ models }) => path.startsWith(`${models}/`) && path.length > models.length + 1);
  if (one) {
    const id = decode(path.slice(one.models.length + 1));
    return allow(method, ['GET', 'HEAD'], { kind: 'model', dialect: one.dialect, id });
  }
  throw new AppError('not_found', 'There is no such route. The API begins at /v1, such as /v1/chat/completions.');
}

function allow(method: string, methods: readonly string[], route: Route): Route {
  if (methods.includes(method)) return route;
  throw new AppError('method_not_allowed', `This route takes ${methods.join(' or ')}. Change the method.`, {
    context: { allow: methods.join(', ') },
  });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AppError('invalid_request', 'The path has a broken percent encoding. Encode the model name again.');
  }
}
