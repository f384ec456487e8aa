import { AppError } from '../base/errors.ts';
import { headerValues } from '../base/local-request.ts';
import { callerDialectNamed, callerDialects, defaultDialect } from './dialects/dialects.ts';
import type { CallerDialect, InfoRoute, Surface } from './dialects/surface.ts';

export type Counting = NonNullable<CallerDialect['counting']>;

export type Route =
  | { readonly kind: 'generate'; readonly dialect: CallerDialect; readonly surface: Surface }
  | { readonly kind: 'count'; readonly dialect: CallerDialect; readonly counting: Counting }
  /** `id`: what follows a path that takes one. */
  | { readonly kind: 'info'; readonly dialect: CallerDialect; readonly info: InfoRoute; readonly id: string | null }
  /** Text that is to be spoken. */
  | { readonly kind: 'speech' }
  | { readonly kind: 'health' }
  /** A program only asks whether anybody is there. */
  | { readonly kind: 'hello' }
  | { readonly kind: 'metrics' };

const generating = new Map<string, Route>();
const counting = new Map<string, Route>();
/** In the order of the dialects: where two tell something at one path, the first one does. */
const telling = new Map<string, Extract<Route, { kind: 'info' }>>();
/** Paths that take an id behind their slash. */
const tellingBehind: { readonly path: string; readonly route: Extract<Route, { kind: 'info' }> }[] = [];

for (const dialect of callerDialects) {
  for (const [path, surface] of Object.entries(dialect.surfaces)) {
    generating.set(path, { kind: 'generate', dialect, surface });
  }
  if (dialect.counting) counting.set(dialect.counting.path, { kind: 'count', dialect, counting: dialect.counting });
  for (const [path, info] of Object.entries(dialect.info)) {
    const route = { kind: 'info', dialect, info, id: null } as const;
    if (path.length > 1 && path.endsWith('/')) tellingBehind.push({ path, route });
    else if (!telling.has(path)) telling.set(path, route);
  }
}

/** What stands before the path in a target that is a whole address; such ones are refused. */
const origin = /^https?:\/\/[^/?]*/i;

/** The part of a request target that names a route. */
export function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query === -1 ? target : target.slice(0, query);
}

/** Routes that tell no more than that somebody is there; they need no key. */
export function isOpen(target: string): boolean {
  const path = pathOf(target);
  return path === '/health' || path === '/api/hello';
}

/** The dialect in which somebody who uses such a path expects an answer, also where there is nothing at it. */
export function dialectOf(target: string, rawHeaders: readonly string[]): CallerDialect {
  const path = pathOf(target.startsWith('/') ? target : target.replace(origin, ''));
  const found = generating.get(path) ?? counting.get(path);
  if (found && 'dialect' in found) return found.dialect;
  if (path === '/' || path === '/api' || path.startsWith('/api/')) return callerDialectNamed.ollama;
  if (path.startsWith('/v1/messages') || path.startsWith('/v1/complete/') || speaksAnthropic(rawHeaders)) {
    return callerDialectNamed.anthropic;
  }
  return defaultDialect;
}

/** Programs of this dialect say so in every request, and two of its paths are another dialect's too. */
function speaksAnthropic(rawHeaders: readonly string[]): boolean {
  return headerValues(rawHeaders, 'anthropic-version').length > 0;
}

/**
 * The route of a request target that has passed the checks of a local request.
 *
 * @throws AppError `not_found` or `method_not_allowed`, whose context names the allowed methods in `allow`
 */
export function routeOf(method: string, target: string, rawHeaders: readonly string[]): Route {
  const path = pathOf(target);
  const asked = generating.get(path) ?? counting.get(path);
  if (asked) return allow(method, ['POST'], asked);
  if (path === '/v1/audio/speech') return allow(method, ['POST'], { kind: 'speech' });
  if (path === '/health') return allow(method, ['GET', 'HEAD'], { kind: 'health' });
  if (path === '/metrics') return allow(method, ['GET', 'HEAD'], { kind: 'metrics' });
  if (path === '/api/hello') return allow(method, ['GET', 'HEAD'], { kind: 'hello' });
  const told = infoAt(path, speaksAnthropic(rawHeaders));
  if (told) return allow(method, told.info.methods, told);
  throw new AppError('not_found', `There is no such route. ${whatThereIs(path)}`);
}

function infoAt(path: string, anthropic: boolean): Extract<Route, { kind: 'info' }> | null {
  const named = anthropic ? callerDialectNamed.anthropic : null;
  const own = named?.info[path];
  if (named && own && !path.endsWith('/')) return { kind: 'info', dialect: named, info: own, id: null };
  const plain = telling.get(path);
  if (plain) return plain;
  const fits = tellingBehind.filter((each) => path.startsWith(each.path) && path.length > each.path.length);
  const behind = fits.find(({ route }) => route.dialect === named) ?? fits[0];
  return behind ? { ...behind.route, id: decoded(path.slice(behind.path.length)) } : null;
}

function whatThereIs(path: string): string {
  if (path === '/api' || path.startsWith('/api/')) {
    return 'This node answers requests and lists its models; it does not let callers manage an engine.';
  }
  return 'The API begins at /v1, such as /v1/chat/completions or /v1/messages, and at /api, such as /api/chat.';
}

function allow(method: string, methods: readonly string[], route: Route): Route {
  if (methods.includes(method)) return route;
  throw new AppError('method_not_allowed', `This route takes ${methods.join(' or ')}. Change the method.`, {
    context: { allow: methods.join(', ') },
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AppError('invalid_request', 'The path has a broken percent encoding. Encode the model name again.');
  }
}
