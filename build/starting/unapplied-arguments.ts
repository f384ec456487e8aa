/** Arguments without `--data-dir`, which chooses the node and so has had its effect. */
function withoutDataDir(args: readonly string[]): readonly string[] {
  return args.filter((arg, at) => {
    const isOption = arg === '--data-dir' || arg.startsWith('--data-dir=');
    return !isOption && args[at - 1] !== '--data-dir';
  });
}

/**
 * What to tell somebody who gave a start arguments that a node which runs already (`pid`) did not get: that they had
 * no effect, and how to start with them. No lines when nothing was lost.
 */
export function tellUnapplied(args: readonly string[], pid: number, platform: NodeJS.Platform): readonly string[] {
  const lost = withoutDataDir(args);
  if (lost.length === 0) return [];
  const stop = platform === 'win32' ? `taskkill /PID ${pid} /T /F` : `kill ${pid}`;
  return [
    `Not applied, because the node runs already (pid ${pid}): ${lost.join(' ')}`,
    `To start with it, first stop that node: Ctrl-C where it was started, or ${stop}`,
  ];
}
