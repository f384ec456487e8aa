import { callerHeaders } from '../../../contract/routing.ts';
import { AppError } from '../../base/errors.ts';
import { headerValues } from '../../base/local-request.ts';

/** More nodes than any honest request passes. */
const mostHops = 4;
const nodeIdForm = /^[\x21-\x2b\x2d-\x7e]{1,128}$/;

/**
 * Ids of the nodes that a request has passed on its way here.
 *
 * @throws AppError `loop_detected` when this node is among them or there are too many, `invalid_request` for what is no
 *   list of ids
 */
export function readHops(rawHeaders: readonly string[], nodeId: string): readonly string[] {
  const values = headerValues(rawHeaders, callerHeaders.hops);
  if (values.length === 0) return [];
  const hops = values.flatMap((value) => value.split(',')).map((hop) => hop.trim());
  if (hops.some((hop) => !nodeIdForm.test(hop))) {
    throw new AppError('invalid_request', 'The X-Ranch-Hops header is no list of node ids. Leave it out.');
  }
  if (hops.includes(nodeId)) {
    throw new AppError('loop_detected', 'The request has come back to a node that it passed. It is not sent on.');
  }
  if (hops.length > mostHops) {
    throw new AppError('loop_detected', `The request has passed more than ${mostHops} nodes. It is not sent on.`);
  }
  return hops;
}
