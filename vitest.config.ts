import { defineConfig } from 'vitest/config';
import { CountingReporter } from './test/fixtures/counting-reporter.ts';

// Two kinds of tests: `unit` is pure and quick and part of `npm run check`; the rest opens sockets, starts processes
// and browsers, and runs file by file so that one does not starve another on a small machine. No limit is there to say how
// quick something is, which the benches do, but to end what hangs: a machine that is busy with other things must not fail.
export default defineConfig({
  test: {
    reporters: ['default', new CountingReporter()],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.{ts,tsx}'],
          setupFiles: ['test/fixtures/fixed-seed.ts'],
          testTimeout: 30_000,
          expect: { poll: { timeout: 20_000 } },
        },
      },
      {
        test: {
          name: 'real',
          include: ['test/{compliance,integration,e2e}/**/*.test.{ts,tsx}'],
          globalSetup: ['test/fixtures/global-setup.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          expect: { poll: { timeout: 30_000 } },
        },
      },
    ],
  },
});
