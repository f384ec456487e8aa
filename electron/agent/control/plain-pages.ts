import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { contentPolicy, send } from './answers.ts';

/** The few pages that are not the panel: what to do to get to see it. */

const style =
  ':root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem}' +
  'pre{padding:.75rem 1rem;border:1px solid;border-radius:.5rem}';

const styleHash = createHash('sha256').update(style).digest('base64');

/** What a browser that is not signed in gets to see. */
export function sendSignInPage(response: ServerResponse): void {
  const how = 'Choose <b>Open panel</b> in the tray, or run this in a terminal:';
  sendPage(response, 401, 'Open the panel from here', `This browser is not signed in to this node. ${how}`, 'panel');
}

/** For a sign-in link that is no longer good. */
export function sendUsedLinkPage(response: ServerResponse): void {
  const how = 'For a new one, choose <b>Open panel</b> in the tray, or run this in a terminal:';
  const text = `A link to the panel works once, for a minute. ${how}`;
  sendPage(response, 401, 'This link has been used, or is too old', text, 'panel');
}

/** When the panel's files are missing. */
export function sendUnbuiltPage(response: ServerResponse): void {
  const text = 'The node runs, but the files of its panel are missing. The same figures, in a terminal:';
  sendPage(response, 503, 'The panel is not here', text, 'status --watch');
}

function sendPage(response: ServerResponse, status: number, title: string, text: string, verb: string): void {
  response.setHeader('content-security-policy', contentPolicy(`style-src 'sha256-${styleHash}'`));
  const page =
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Ranch Hand</title>' +
    `<meta name="viewport" content="width=device-width,initial-scale=1"><style>${style}</style></head>` +
    `<body><h1>${title}</h1><p>${text}</p><pre>ranch-hand ${verb}</pre>` +
    '<p>In a checkout of Ranch Hand, type it in its folder, with <code>npx</code> in front.</p></body></html>\n';
  send(response, status, 'text/html; charset=utf-8', page);
}
