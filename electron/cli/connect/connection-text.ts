import { shellWord, type ConfigFile, type Connection, type Places } from './connection.ts';

/** A connection as a person reads it, line by line: file, variables, what to run. */
export function connectionLines(title: string, made: Connection, platform: Places['platform']): string[] {
  const variables = Object.entries(made.env);
  const once = made.once.length === 0 ? [] : ['Run once:', ...indented(made.once), ''];
  return [
    title,
    '',
    ...(made.file === null ? [] : [`In ${made.file.path}:`, ...indented(fileLines(made.file)), '']),
    ...(variables.length === 0
      ? []
      : ['In the environment:', ...indented(variables.map((each) => variableLine(each, platform))), '']),
    ...once,
    ...(made.code.length === 0 ? [] : ['In a program:', ...indented(made.code), '']),
    'Try it:',
    ...indented([made.tryOut]),
  ];
}

/** What has to stand in the file, in its own format. */
export function fileLines(file: ConfigFile): string[] {
  switch (file.format) {
    case 'json':
      return JSON.stringify(file.settings, null, 2).split('\n');
    case 'yaml-keys':
      return Object.values(file.keys).flat();
    case 'yaml-list':
      return [...file.entries];
  }
}

function variableLine([name, value]: [string, string], platform: Places['platform']): string {
  return platform === 'win32'
    ? `$env:${name} = '${value.replaceAll("'", "''")}'`
    : `export ${name}=${shellWord(value)}`;
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
