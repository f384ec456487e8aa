/** Chains of imports that lint, which sees one import at a time, cannot follow. */
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'A cycle means that two files are one thought: move what they share to a lower file.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'agent-never-reaches-the-shell',
      comment: 'The agent runs without Electron, so nothing in it may reach the shell or Electron by any chain.',
      severity: 'error',
      from: { path: '^electron/agent(/|-main)' },
      to: { path: '^electron/(shell/|main\\.ts)|(^|/)node_modules/electron(/|$)|^electron$', reachable: true },
    },
    {
      name: 'agent-never-loads-inference',
      comment: 'Inference code runs only in the engine child: the agent must survive whatever it does.',
      severity: 'error',
      from: { path: '^electron/agent-main\\.ts$' },
      to: { path: 'node_modules/(node-llama-cpp|@node-llama-cpp)', reachable: true },
    },
    {
      name: 'not-to-unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^electron$' },
    },
    {
      name: 'product-never-imports-tests',
      severity: 'error',
      from: { path: '^(electron|renderer|build)/' },
      to: { path: '^test/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
