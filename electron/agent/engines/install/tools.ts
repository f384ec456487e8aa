import type { Clock } from '../../base/clock.ts';
import { probeProgram } from '../finding/probe-program.ts';

/** What builds bitnet.cpp, by the names it has here. */
export interface BuildTools {
  readonly git: string;
  readonly cmake: string;
  readonly clang: string;
  readonly clangxx: string;
  readonly python: string;
}

interface Tool {
  readonly names: readonly string[];
  readonly pattern: RegExp;
  /** Least version, as numbers. */
  readonly least: readonly number[];
  /** How to say what is needed. */
  readonly need: string;
}

const clangNames = ['clang', ...[22, 21, 20, 19, 18].map((major) => `clang-${major}`)];
/** What bitnet.cpp asks for in its own instructions. */
const tools = {
  git: { names: ['git'], pattern: /git version (\d+)\.(\d+)/, least: [2, 10], need: 'git' },
  cmake: { names: ['cmake'], pattern: /cmake version (\d+)\.(\d+)/, least: [3, 22], need: 'cmake 3.22 or newer' },
  clang: { names: clangNames, pattern: /clang version (\d+)\.(\d+)/, least: [18, 0], need: 'clang 18 or newer' },
  python: {
    names: ['python3', 'python'],
    pattern: /Python (\d+)\.(\d+)/,
    least: [3, 9],
    need: 'Python 3.9 or newer',
  },
} satisfies Record<string, Tool>;

/** Looks for the tools that bitnet.cpp is built with; what is missing or too old is told in a sentence. */
export async function findBuildTools(
  env: Readonly<Record<string, string>>,
  deps: { readonly clock: Clock },
): Promise<
  { readonly tools: BuildTools; readonly problem: null } | { readonly tools: null; readonly problem: string }
> {
  const [git, cmake, clang, python] = await Promise.all(
    [tools.git, tools.cmake, tools.clang, tools.python].map((tool) => findTool(tool, env, deps)),
  );
  const found = { git, cmake, clang, python };
  const missing = (['git', 'cmake', 'clang', 'python'] as const).flatMap((name) => {
    const have = found[name];
    if (typeof have?.program === 'string') return [];
    return [have?.found == null ? tools[name].need : `${tools[name].need} (there is ${have.found})`];
  });
  if (!git?.program || !cmake?.program || !clang?.program || !python?.program) {
    const list = missing.join(', ');
    return { tools: null, problem: `To build it, this machine lacks ${list}. ${installHint(missing)}` };
  }
  return {
    tools: {
      git: git.program,
      cmake: cmake.program,
      clang: clang.program,
      clangxx: clang.program.replace(/clang/, 'clang++'),
      python: python.program,
    },
    problem: null,
  };
}

function installHint(missing: readonly string[]): string {
  const clang = missing.some((need) => need.startsWith('clang'));
  const packages = missing.map((need) => need.split(' ')[0]?.toLowerCase().replace('python', 'python3') ?? '');
  const others = packages.filter((name) => name !== 'clang');
  const lines = [
    ...(others.length > 0 ? [`sudo apt-get install ${others.join(' ')}`] : []),
    ...(clang ? ['bash -c "$(wget -O - https://apt.llvm.org/llvm.sh)"'] : []),
  ];
  return `On Debian and Ubuntu: ${lines.join(' and ')}.`;
}

/** `found`: the best version that is too old. */
async function findTool(
  tool: Tool,
  env: Readonly<Record<string, string>>,
  deps: { readonly clock: Clock },
): Promise<{ readonly program: string | null; readonly found: string | null }> {
  let found: string | null = null;
  for (const name of tool.names) {
    const outcome = await probeProgram(name, ['--version'], { clock: deps.clock, from: env, env });
    const match = outcome.kind === 'ended' ? tool.pattern.exec(outcome.output) : null;
    if (!match) continue;
    if (isAtLeast([Number(match[1]), Number(match[2])], tool.least)) return { program: name, found: null };
    found ??= `${match[1]}.${match[2]}`;
  }
  return { program: null, found };
}

function isAtLeast(have: readonly number[], least: readonly number[]): boolean {
  for (const [at, need] of least.entries()) {
    const number = have[at] ?? 0;
    if (number !== need) return number > need;
  }
  return true;
}
