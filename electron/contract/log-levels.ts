/** What the setting `log.level` may be, the most talkative first. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
