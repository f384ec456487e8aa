import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { projectRoot } from '../../build/bundling/product.ts';
import { cleanEnvironment } from '../fixtures/agent-process.ts';
import { makeTempFolder, removeFolder } from '../fixtures/temp-folder.ts';
import { installFolder } from './install.ts';
import { proof, type Line, type Scene, type TriedProgram } from './programs.ts';
import { Recorder } from './recorder.ts';
import { hello, remembered } from './script.ts';
import { shapeOf, type Shape } from './shape.ts';
import type { ScriptedNode } from './scripted-node.ts';

const model = 'scripted';
const turnLimitMs = 300_000;

/** What came of one program in one dialect. */
export interface Outcome {
  readonly failures: readonly string[];
  readonly shapes: readonly Shape[];
}

interface Run {
  readonly code: number | null;
  readonly output: string;
}

/** Runs one session of two turns with exactly what `ranch-hand connect` says, and checks it. */
export async function trySession(node: ScriptedNode, program: TriedProgram, api: string): Promise<Outcome> {
  await using recorder = await Recorder.start(node.agent.gatewayUrl);
  const root = makeTempFolder();
  try {
    const scene: Scene = { installed: installFolder(), home: join(root, 'home'), work: join(root, 'work'), model };
    mkdirSync(scene.home);
    mkdirSync(scene.work);
    const base = quietEnvironment(scene, program);
    const connected = await connect(node, recorder.url, program, api, { base, scene });
    const env = { ...base, ...connected.env };
    const failures: string[] = [];
    for (const line of connected.once.filter((each) => !each.includes(' install '))) {
      const { code, output } = await run(['sh', '-c', line], { env, cwd: scene.work });
      if (code !== 0) failures.push(`"${line}" ended with ${code}:\n${output}`);
    }
    const [first, second] = program.turns(scene, api);
    const spoken = [await run(first, { env, cwd: scene.work }), await run(second, { env, cwd: scene.work })];
    failures.push(...checkOutputs(spoken), ...checkProof(program, scene), ...checkAnswers(recorder));
    const folders = { [scene.work]: '/work', [scene.home]: '/home/user', [recorder.url]: 'http://127.0.0.1:8080' };
    return { failures, shapes: recorder.recorded.map((each) => shapeOf(each, folders)) };
  } finally {
    removeFolder(root);
  }
}

interface Connected {
  readonly env: Readonly<Record<string, string>>;
  readonly once: readonly string[];
}

async function connect(
  node: ScriptedNode,
  url: string,
  { name }: TriedProgram,
  api: string,
  { base, scene }: { readonly base: NodeJS.ProcessEnv; readonly scene: Scene },
): Promise<Connected> {
  const args = ['connect', name, '--api', api, '--url', url, '--model', scene.model, '--json'];
  const env = { ...base, RANCH_HAND_DATA_DIR: node.agent.dataDir };
  const cli = async (...more: string[]): Promise<Run> =>
    run([process.execPath, join(projectRoot, 'dist/cli.js'), ...args, ...more], { env, cwd: scene.work });
  const shown = await cli();
  const answer = JSON.parse(shown.output) as Connected & { readonly file: object | null };
  if (answer.file !== null) {
    const written = await cli('--write');
    if (written.code !== 0) throw new Error(`connect ${name} --write failed:\n${written.output}`);
  }
  return answer;
}

/** A home of its own, the installed programs first, and no way out of this machine. */
function quietEnvironment(scene: Scene, program: TriedProgram): NodeJS.ProcessEnv {
  const bins = [join(scene.installed, program.install.into, 'bin'), dirname(process.execPath)];
  const nowhere = 'http://127.0.0.1:9';
  const kept = ['PATH', 'LANG', 'TMPDIR'].flatMap((name) => {
    const value = cleanEnvironment()[name];
    return value === undefined ? [] : [[name, value]];
  });
  return {
    ...(Object.fromEntries(kept) as Record<string, string>),
    PATH: [...bins, process.env['PATH'] ?? ''].join(delimiter),
    HOME: scene.home,
    HTTP_PROXY: nowhere,
    HTTPS_PROXY: nowhere,
    ALL_PROXY: nowhere,
    NO_PROXY: '127.0.0.1,localhost',
    no_proxy: '127.0.0.1,localhost',
    DO_NOT_TRACK: '1',
    CI: '1',
    ...program.env(scene),
  };
}

async function run([program, ...args]: Line, { env, cwd }: { env: NodeJS.ProcessEnv; cwd: string }): Promise<Run> {
  const child = spawn(program, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => (output += piece.toString()));
  const timer = setTimeout(() => child.kill('SIGKILL'), turnLimitMs);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  clearTimeout(timer);
  return { code, output };
}

function checkOutputs(spoken: readonly Run[]): string[] {
  return [hello, remembered].flatMap((wanted, index) => {
    const turn = spoken[index];
    if (turn?.code === 0 && turn.output.includes(wanted)) return [];
    return [
      `Turn ${index + 1} ended with ${turn?.code ?? 'nothing'} and did not show "${wanted}":\n${turn?.output.slice(-3_000) ?? ''}`,
    ];
  });
}

function checkProof(program: TriedProgram, scene: Scene): string[] {
  const folders = [scene.work, ...(program.alsoWorks ? [program.alsoWorks(scene)] : [])];
  const file = folders.map((folder) => join(folder, proof.name)).find((path) => existsSync(path));
  if (file === undefined) return [`No tool made ${proof.name}.`];
  const text = readFileSync(file, 'utf8').trim();
  return text === proof.text ? [] : [`${proof.name} says "${text}".`];
}

/** Nothing that the program sent was refused, and it sent something. */
function checkAnswers({ recorded }: Recorder): string[] {
  if (recorded.length === 0) return ['It sent nothing.'];
  return recorded
    .filter(({ status }) => status < 200 || status >= 300)
    .map(
      ({ method, path, status, answer }) => `${method} ${path} was answered with ${status}: ${answer.slice(0, 500)}`,
    );
}
