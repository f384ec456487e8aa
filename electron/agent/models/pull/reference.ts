import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError } from '../../base/errors.ts';

/** What an operator means by the text typed for a pull. */
export type Reference =
  /** `name:tag` or `org/name:tag`, always with a tag. */
  | { readonly kind: 'ollama'; readonly name: string }
  | HuggingFaceReference
  /** An https address of a .gguf file, or an http one on this machine. */
  | { readonly kind: 'url'; readonly url: string }
  /** A full path. */
  | { readonly kind: 'file'; readonly path: string };

export interface HuggingFaceReference {
  readonly kind: 'hugging-face';
  /** `org/name`. */
  readonly repo: string;
  readonly revision: string;
  /** Path of the file in the repository; null where the quantization decides. */
  readonly file: string | null;
  /** As it was typed; null for the usual one. */
  readonly quantization: string | null;
}

const longestReference = 4_096;
/** A part of a name: never empty, never hidden, never a way up. */
const namePart = /^[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?!\.)){0,95}$/;
const tagPattern = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]|\.(?!\.)){0,95}$/;
const revisionPattern = /^(?:refs\/pr\/\d{1,6}|[A-Za-z0-9_](?:[A-Za-z0-9_-]|\.(?!\.)){0,99})$/;
const digestPattern = /^sha256:[0-9a-f]{64}$/i;
const controls = /\p{Cc}/u;
const ollamaHost = 'registry.ollama.ai';
const hubHosts = new Set(['huggingface.co', 'www.huggingface.co', 'hf.co']);
const deepestFile = 8;

/**
 * What was typed, taken apart by strict patterns: nothing of it reaches a path or an address unchecked.
 *
 * @throws AppError `invalid_request` with what may be typed instead
 */
export function parseReference(
  text: string,
  isFullPath = (typed: string): boolean => path.isAbsolute(typed),
): Reference {
  if (text.length > longestReference) throw refused('The name is longer than any model has.');
  if (controls.test(text)) throw refused('The name has characters in it that no name has.');
  const typed = text.trim();
  if (typed === '') throw refused('No model is named.');
  if (/^file:/i.test(typed)) return localFile(pathOfFileAddress(typed));
  if (isFullPath(typed)) return localFile(typed);
  if (/^https?:\/\//i.test(typed)) return parseAddress(typed);
  const [host = '', ...rest] = typed.split('/');
  if (hubHosts.has(host.toLowerCase())) return parseHub(rest.join('/'));
  return parseOllama(typed);
}

/** The 64 hex digits of a digest such as `sha256:…`; refused as `invalid_request` when it is none. */
export function parseDigest(text: string): string {
  if (!digestPattern.test(text)) {
    throw new AppError(
      'invalid_request',
      'The digest is not one: it has to be sha256: and 64 hex digits. Copy it from the page of the model.',
    );
  }
  return text.slice('sha256:'.length).toLowerCase();
}

/** Two references of one thing have the same key. */
export function referenceKey(reference: Reference): string {
  switch (reference.kind) {
    case 'ollama':
      return `ollama ${reference.name.toLowerCase()}`;
    case 'hugging-face':
      return `hub ${reference.repo} ${reference.revision} ${reference.file ?? `:${(reference.quantization ?? '').toLowerCase()}`}`;
    case 'url':
      return `url ${reference.url}`;
    case 'file':
      return `file ${reference.path}`;
  }
}

/** What is kept as a model's origin, and what pulls it again. Addresses lose what follows the path: it may be secret. */
export function originOf(reference: Reference): string {
  switch (reference.kind) {
    case 'ollama':
      return reference.name;
    case 'hugging-face':
      return hubOrigin(reference);
    case 'url': {
      const { origin, pathname } = new URL(reference.url);
      return origin + pathname;
    }
    case 'file':
      return reference.path;
  }
}

/** A short name for people. */
export function displayName(reference: Reference): string {
  switch (reference.kind) {
    case 'ollama':
      return reference.name;
    case 'hugging-face':
      return reference.file !== null
        ? path.posix.basename(reference.file)
        : `${reference.repo}${reference.quantization === null ? '' : `:${reference.quantization}`}`;
    case 'url':
      return lastOf(new URL(reference.url).pathname);
    case 'file':
      return path.basename(reference.path);
  }
}

function hubOrigin({ repo, revision, file, quantization }: HuggingFaceReference): string {
  if (file !== null) return `hf.co/${repo}/resolve/${encodeURIComponent(revision)}/${file}`;
  return `hf.co/${repo}${quantization === null ? '' : `:${quantization}`}`;
}

function localFile(file: string): Reference {
  if (!path.isAbsolute(file) && !path.win32.isAbsolute(file)) throw refused('Name the file by its full path.');
  if (!/\.gguf$/i.test(file)) throw refused('The file is not a .gguf file. Engines here read models in that format.');
  return { kind: 'file', path: path.normalize(file) };
}

function pathOfFileAddress(typed: string): string {
  try {
    return fileURLToPath(typed);
  } catch (error) {
    throw refused('The file: address is not one of this machine. Name the file by its full path.', error);
  }
}

function parseAddress(typed: string): Reference {
  if (!URL.canParse(typed)) throw refused('The address is not one. Copy it from the browser.');
  const url = new URL(typed);
  if (url.username !== '' || url.password !== '') {
    throw refused('The address has a name and password in it, which would be kept. Leave them out.');
  }
  if (hubHosts.has(url.hostname)) return parseHub(url.pathname.slice(1), true);
  if (!isAllowedAddress(url)) throw refused('Models come by https only. Use an address that begins with https://.');
  if (!/\.gguf$/i.test(url.pathname)) {
    throw refused('The address does not lead to a .gguf file. Copy the address of the file itself.');
  }
  url.hash = '';
  return { kind: 'url', url: url.href };
}

/** https anywhere, http on this machine only. */
export function isAllowedAddress(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname));
}

/** Whether a URL's host name is this machine's own. */
export function isLoopbackHost(hostname: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

/** What follows hf.co/: `org/repo`, `org/repo:QUANT`, `org/repo/resolve/main/file`, `org/repo/file.gguf`. */
function parseHub(rest: string, encoded = false): HuggingFaceReference {
  const parts = rest.split('/').filter((part, index, all) => part !== '' || index < all.length - 1);
  const [org = '', named = '', ...below] = encoded ? parts.map(decoded) : parts;
  const colon = named.indexOf(':');
  const name = colon < 0 ? named : named.slice(0, colon);
  const quantization = colon < 0 ? null : named.slice(colon + 1);
  if (!namePart.test(org) || !namePart.test(name) || (quantization !== null && !tagPattern.test(quantization))) {
    throw refused('That is no repository on Hugging Face. Write hf.co/organisation/repository:Q4_K_M.');
  }
  const repo = `${org}/${name}`;
  const plain = { kind: 'hugging-face', repo, revision: 'main', file: null, quantization } as const;
  if (below.length === 0) return plain;
  const [verb = '', revision = '', ...file] = below;
  const names = ['resolve', 'blob', 'raw', 'tree'].includes(verb);
  if (names && !revisionPattern.test(revision)) throw refused('The address names no revision that there could be.');
  if (names && file.length === 0) return { ...plain, revision };
  const inside = names ? file : below;
  if (quantization !== null || inside.length > deepestFile || !inside.every(isFilePart)) {
    throw refused('That is no file on Hugging Face. Copy the address of the .gguf file.');
  }
  if (!/\.gguf$/i.test(lastOf(inside.join('/')))) {
    throw refused('The file is not a .gguf file. Pick one from the list of files of that repository.');
  }
  return { ...plain, revision: names ? revision : 'main', file: inside.join('/') };
}

/** One step of a path inside a repository, as Hugging Face allows it, and never a way up. */
export function isFilePart(part: string): boolean {
  return part !== '' && part !== '.' && part !== '..' && part.length <= 255 && !/[\\/:*?"<>|]|\p{Cc}/u.test(part);
}

function parseOllama(typed: string): Reference {
  const parts = typed.split('/');
  if (parts.length === 3) {
    if (parts[0]?.toLowerCase() !== ollamaHost) {
      throw refused('Only the Ollama library and hf.co are known by name. Give the https address of the .gguf file.');
    }
    parts.shift();
  }
  if (parts.length === 2 && parts[0] === 'library') parts.shift();
  const last = parts.pop() ?? '';
  const [name = '', tag = 'latest', ...more] = last.split(':');
  const isName = parts.length <= 1 && more.length === 0 && [...parts, name].every((part) => namePart.test(part));
  if (!isName || !tagPattern.test(tag)) {
    throw refused(
      'That is no name of a model. Write a name of the Ollama library such as llama3.1:8b, hf.co/organisation/repository:Q4_K_M, an https address or the full path of a .gguf file.',
    );
  }
  return { kind: 'ollama', name: [...parts, `${name}:${tag}`].join('/') };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    throw refused('The address is not one. Copy it from the browser.', error);
  }
}

function lastOf(pathname: string): string {
  return pathname.slice(pathname.lastIndexOf('/') + 1);
}

function refused(message: string, cause?: unknown): AppError {
  return new AppError('invalid_request', message, { cause });
}
