import type { ProbeOutcome } from './probe-program.ts';

/** What `llama-server --version` told. */
export interface LlamaVersion {
  /** For people, such as "b11434" or "0.6.0-dev". */
  readonly text: string;
  /** llama.cpp's build number; null for one made from a source archive, which knows none and reports 0 or 1. */
  readonly build: number | null;
}

/** Older builds have known memory corruption that one field of a request reaches. */
export const lowestSafeBuild = 11_393;

export type ProgramJudgement =
  | { readonly ok: true; readonly version: LlamaVersion; readonly advice: readonly string[] }
  /** `sentence` says what is wrong and what to do, and names the version where there is one. */
  | { readonly ok: false; readonly sentence: string };

const numbered = /^version:\s+(?<build>\d+)\s+\((?<commit>[^)]*)\)/m;
const named = /^version:\s+(?<name>\S+)\s+\(build (?<build>\d+), commit (?<commit>[^)]*)\)/m;

/** Null when the output is no llama.cpp program's. */
export function parseLlamaVersion(output: string): LlamaVersion | null {
  const match = named.exec(output) ?? numbered.exec(output);
  const digits = match?.groups?.['build'];
  if (digits === undefined) return null;
  const build = Number(digits);
  if (build > 1) return { text: `b${build}`, build };
  const name = match?.groups?.['name'];
  return { text: name ?? 'unknown build', build: null };
}

/** Whether a program that should be a llama.cpp server may be used, by what came of asking for its version. */
export function judgeLlamaProgram(
  file: string,
  outcome: ProbeOutcome,
  rules: { readonly lowestBuild: number | null; readonly allowOld: boolean },
): ProgramJudgement {
  const version = outcome.kind === 'ended' ? parseLlamaVersion(outcome.output) : null;
  if (version === null) return { ok: false, sentence: brokenSentence(file, outcome) };
  const { lowestBuild, allowOld } = rules;
  if (lowestBuild === null || (version.build !== null && version.build >= lowestBuild)) {
    return { ok: true, version, advice: [] };
  }
  if (version.build === null) {
    return {
      ok: true,
      version,
      advice: [
        `${file} does not know its own build (${version.text}). Make sure that it is b${lowestBuild} or newer: older ones can be made to corrupt their memory by a request.`,
      ],
    };
  }
  if (allowOld) {
    return {
      ok: true,
      version,
      advice: [
        `${file} is ${version.text}. Builds before b${lowestBuild} can be made to corrupt their memory by a request. Update it.`,
      ],
    };
  }
  return {
    ok: false,
    sentence: `${file} is ${version.text}, and builds before b${lowestBuild} can be made to corrupt their memory by a request. Update it, or allow it in the settings: engines.llamaServer.allowOld.`,
  };
}

function brokenSentence(file: string, outcome: ProbeOutcome): string {
  switch (outcome.kind) {
    case 'not-started':
      return outcome.cause === 'ENOENT'
        ? `${file} is not there. Correct its path in the settings, or install it.`
        : `${file} cannot be run (${outcome.cause}). Make it executable, or install it again.`;
    case 'too-long':
      return `${file} did not tell its version in time. Install it again.`;
    case 'ended': {
      if (outcome.signal === null && outcome.code === 0) {
        return `${file} is no llama.cpp server: it did not tell its version. Correct its path in the settings.`;
      }
      const how = outcome.signal === null ? `code ${outcome.code ?? 'unknown'}` : `signal ${outcome.signal}`;
      const last = outcome.output.trim().split('\n').at(-1)?.trim().slice(0, 300) ?? '';
      return `${file} is broken: asked for its version, it ended with ${how}. Install it again.${last === '' ? '' : ` Its last line: ${last}`}`;
    }
  }
}
