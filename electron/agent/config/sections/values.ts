import { isAbsolute } from 'node:path';
import * as z from 'zod';

/** Left to the program. */
export const automatic = z.literal('auto');
/** The agent's working folder is an accident, so a relative path would mean another file at the next start. */
export const fullPath = z
  .string()
  .min(1)
  .max(4_096)
  .refine((path) => path === '' || isAbsolute(path), 'be a full path');
/** 0 lets the system choose. */
export const port = z.int().min(0).max(65_535);
/** How an engine keeps keys and values. */
export const kvType = z.enum(['f16', 'q8_0', 'q4_0']);
