/** What `npm start` tells the operator once the node answers. */
export interface Announcement {
  readonly platform: NodeJS.Platform;
  /** Such as http://127.0.0.1:8080. */
  readonly gatewayUrl: string;
  /** Address that signs a browser in once. */
  readonly panelUrl: string;
  /** What a caller puts in `model`; undefined while there is no model. */
  readonly model: string | undefined;
  /** The node ran already, and goes on when this program ends. */
  readonly foundRunning: boolean;
  /** Why it cannot answer yet; undefined if it can. */
  readonly notYet: string | undefined;
  /** Why there is no tray; undefined if there is one. */
  readonly noTray: string | undefined;
}

/** A command that asks the gateway something and shows the answer as it comes, quoted for the platform's shell. */
export function curlCommand(platform: NodeJS.Platform, gatewayUrl: string, model: string | undefined): string {
  const body = JSON.stringify({
    ...(model === undefined ? {} : { model }),
    stream: true,
    messages: [{ role: 'user', content: 'Hello' }],
  });
  const url = `${gatewayUrl}/v1/chat/completions`;
  if (platform === 'win32') {
    const quoted = `"${body.replaceAll('"', '\\"')}"`;
    return `curl.exe -N ${url} -H "content-type: application/json" -d ${quoted}`;
  }
  return `curl -N ${url} -H 'content-type: application/json' -d '${body.replaceAll("'", `'\\''`)}'`;
}

/** The lines to print. */
export function announce(facts: Announcement): readonly string[] {
  const { platform, gatewayUrl, panelUrl, model, foundRunning, notYet, noTray } = facts;
  return [
    foundRunning ? 'Ranch Hand was running already and is left running.' : 'Ranch Hand runs. Stop it with Ctrl-C.',
    '',
    `  Panel  ${panelUrl}`,
    '         (works once; for another: npx ranch-hand panel)',
    `  API    ${gatewayUrl}/v1`,
    `  Try    ${curlCommand(platform, gatewayUrl, model)}`,
    ...(notYet === undefined ? [] : ['', `  It does not answer yet: ${notYet}`]),
    ...(noTray === undefined ? [] : ['', `  ${noTray}`]),
    '',
  ];
}
