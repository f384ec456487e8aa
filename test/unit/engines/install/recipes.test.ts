import { expect, it } from 'vitest';
import { bitnetRecipe } from '../../../../electron/agent/engines/install/bitnet-recipe.ts';
import { releaseRecipe } from '../../../../electron/agent/engines/install/release-recipe.ts';
import { toolEnvironment } from '../../../../electron/agent/engines/install/running.ts';

const tools = { git: 'git', cmake: 'cmake', clang: 'clang-18', clangxx: 'clang++-18', python: 'python3' };

it('says what it comes to, and shows lines for each step that a person could run', () => {
  const recipe = releaseRecipe('ollama', { platform: 'linux', arch: 'x64' }, '/data/engines/ollama');
  expect(recipe.problem).toBeNull();
  expect(recipe.sentence).toContain('curl -fsSL https://ollama.com/install.sh | sh');
  expect(recipe.steps.flatMap(({ lines }) => lines)).toContain(
    'curl -fLO https://github.com/ollama/ollama/releases/latest/download/ollama-linux-amd64.tar.zst',
  );
});

it('says where a project has nothing for this machine', () => {
  const recipe = releaseRecipe('llama-server', { platform: 'freebsd', arch: 'x64' }, '/d');
  expect(recipe).toMatchObject({
    steps: [],
    problem: expect.stringMatching(/no program for freebsd on x64/) as string,
  });
});

it('builds bitnet with the tools that were found, and the kernels of the processor', () => {
  const found = { tools, problem: null };
  const lines = (arch: string): string =>
    bitnetRecipe({ platform: 'linux', arch }, '/d', '/m', found)
      .steps.flatMap((step) => step.lines)
      .join('\n');
  expect(lines('x64')).toContain('utils/codegen_tl2.py');
  expect(lines('arm64')).toContain('utils/codegen_tl1.py');
  expect(lines('x64')).toContain('-DCMAKE_CXX_COMPILER=clang++-18');
});

it('does not build bitnet by itself where it cannot, and shows the steps all the same', () => {
  const missing = { tools: null, problem: 'clang is missing' };
  expect(bitnetRecipe({ platform: 'linux', arch: 'x64' }, '/d', '/m', missing).problem).toBe('clang is missing');
  const windows = bitnetRecipe({ platform: 'win32', arch: 'x64' }, '/d', '/m', { tools, problem: null });
  expect(windows.problem).toMatch(/Visual Studio/);
  expect(windows.steps.length).toBeGreaterThan(3);
  expect(bitnetRecipe({ platform: 'linux', arch: 's390x' }, '/d', '/m', { tools, problem: null }).problem).toMatch(
    /s390x/,
  );
});

it('hands the tools a way to programs and to the internet, and no key', () => {
  const env = toolEnvironment(
    { PATH: '/bin', HTTPS_PROXY: 'http://p', ANTHROPIC_API_KEY: 'k', HOME: '/home/me' },
    '/staging',
  );
  expect(env).toEqual({ PATH: '/bin', HTTPS_PROXY: 'http://p', HOME: '/staging', GIT_TERMINAL_PROMPT: '0' });
});
