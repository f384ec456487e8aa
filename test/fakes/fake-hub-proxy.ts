import { createServer, request as send } from 'node:http';
import { connect, type AddressInfo } from 'node:net';

// A proxy: `node fake-hub-proxy.ts` prints its port, then a line for each request: `GET http://…` or `CONNECT host:443`.
// Every tunnel leads to nowhere, every plain request to where it says, with the host `hub.test` on this machine.

const here = (hostname: string): string => (hostname.endsWith('.test') ? '127.0.0.1' : hostname);

const server = createServer((incoming, response) => {
  process.stdout.write(`${incoming.method ?? ''} ${incoming.url ?? ''}\n`);
  const { hostname, port, pathname, search } = new URL(incoming.url ?? '/', 'http://nowhere');
  const headers = { ...incoming.headers, connection: 'close' };
  const outgoing = send({ host: here(hostname), port, path: pathname + search, method: incoming.method, headers });
  outgoing.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  outgoing.on('error', () => response.destroy());
  outgoing.end();
});
server.on('connect', (incoming, socket) => {
  process.stdout.write(`CONNECT ${incoming.url ?? ''}\n`);
  const [hostname = '', port = ''] = (incoming.url ?? '').split(':');
  if (!hostname.endsWith('.test') && hostname !== '127.0.0.1') {
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    return;
  }
  const onward = connect(Number(port), here(hostname), () => {
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    onward.pipe(socket).pipe(onward);
  });
  for (const end of [onward, socket]) end.on('error', () => socket.destroy());
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
