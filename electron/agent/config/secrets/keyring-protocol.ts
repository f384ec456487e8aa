import * as z from 'zod';

/** One line on the child's standard input; never in its arguments, which every user of the machine can list. */
export type KeyringRequest =
  | { readonly op: 'get' | 'delete'; readonly account: string }
  | { readonly op: 'set'; readonly account: string; readonly value: string };

/** One line on its standard output. */
export const keyringReplySchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('value'), value: z.string() }),
  /** There is no such entry. */
  z.object({ kind: z.literal('none') }),
  z.object({ kind: z.literal('done') }),
  /** The library for this platform is not installed or cannot be loaded. */
  z.object({ kind: z.literal('no-library') }),
  /** What the system's keyring said; never a value of it. */
  z.object({ kind: z.literal('failed'), message: z.string() }),
]);
export type KeyringReply = z.infer<typeof keyringReplySchema>;

/** What entries of this program are filed under, so that an operator finds them in the system's own list. */
export const keyringService = 'ranch-hand';
