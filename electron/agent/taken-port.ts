import { freePortNear } from '../host/free-port.ts';
import { describeHolder, portHolder } from '../host/port-holder.ts';
import { AppError } from './base/errors.ts';
import type { Gateway } from './gateway/gateway.ts';

/** The gateway's address; a taken port is told with its holder and the way round it. Nothing is ended to get it. */
export async function listenOrTellHolder(gateway: Gateway): Promise<string> {
  try {
    return (await gateway.listen()).url;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'port_taken') throw error;
    const { host, port } = { host: String(error.context['host']), port: Number(error.context['port']) };
    const [holder, free] = await Promise.all([portHolder(port), freePortNear(host, port)]);
    const address = host.includes(':') ? `[${host}]` : host;
    const wayRound = free === null ? '' : `, or start this node on another port: --gateway ${address}:${free}`;
    throw new AppError(
      'port_taken',
      `The gateway cannot have port ${port}: ${describeHolder(holder)} listens there. Stop that program${wayRound}`,
      { cause: error, context: error.context },
    );
  }
}
