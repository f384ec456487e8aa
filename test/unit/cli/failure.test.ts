import { describe, expect, it } from 'vitest';
import { CliError, failureOf, noAgent, wrongUsage } from '../../../electron/cli/failure.ts';
import { ControlError } from '../../../electron/client/control-error.ts';

describe('failureOf', () => {
  it("keeps the agent's own code and words", () => {
    expect(failureOf(new ControlError('model_not_found', 'There is no model x here.', 404))).toEqual({
      code: 'model_not_found',
      message: 'There is no model x here.',
      exitCode: 1,
    });
  });

  it('ends with 3 when no agent runs, whoever found out', () => {
    expect(failureOf(noAgent('/data')).exitCode).toBe(3);
    expect(failureOf(new ControlError('agent_not_running', 'No agent is running.')).exitCode).toBe(3);
  });

  it('ends with 2 for wrong usage and 1 for anything else', () => {
    expect(failureOf(wrongUsage('No.')).exitCode).toBe(2);
    expect(failureOf(new CliError('problems_found', 'Two.')).exitCode).toBe(1);
    expect(failureOf(Object.assign(new Error('EACCES: no'), { code: 'EACCES' }))).toEqual({
      code: 'EACCES',
      message: 'EACCES: no',
      exitCode: 1,
    });
    expect(failureOf('odd')).toEqual({ code: 'internal', message: 'odd', exitCode: 1 });
  });
});
