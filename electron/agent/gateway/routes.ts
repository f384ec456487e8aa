import { AppError } from '../base/errors.ts';
import type { Operation } from '../inference/request.ts';

export type Route =
  | { readonly kind: 'generate'; readonly operation: Operation }
  | { readonly kind: 'models' }
  | { readonly kind: 'model'; readonly id: string }
  | { readonly kind: 'health' };

const generating: ReadonlyMap<string, Operation> = new Map([
  ['/v1/chat/completions', 'chat'],
  ['/v1/completions', 'completion'],
  ['/v1/embeddings', 'embedding'],
]);
const modelPrefix = '/v1/models/';

/**
 * The route of a request target that has passed the checks of a local request.
 *
 * @throws AppError `not_found` or `method_not_allowed`, whose context names the allowed method in `allow`
 */
export function routeOf(method: string, target: string): Route {
  const query = target.indexOf('?');
  const path = query === -1 ? target : target.slice(0, query);
  const operation = generating.get(path);
  if (operation) return allow(method, ['POST'], { kind: 'generate', operation });
  if (path === '/health') return allow(method, ['GET', 'HEAD'], { kind: 'health' });
  if (path === '/v1/models') return allow(method, ['GET', 'HEAD'], { kind: 'models' });
  if (path.startsWith(modelPrefix) && path.length > modelPrefix.length) {
    return allow(method, ['GET', 'HEAD'], { kind: 'model', id: decode(path.slice(modelPrefix.length)) });
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
