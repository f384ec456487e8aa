import * as z from 'zod';

/** `agent.json` in the data folder: exists (mode 0600) while the agent runs, and tells clients of this user where it is. */
export const agentFileSchema = z.object({
  pid: z.number().int().positive(),
  version: z.string(),
  startedAt: z.string(),
  /** Such as http://127.0.0.1:45123, no trailing slash. */
  controlUrl: z.url(),
  controlToken: z.string().min(32),
  gatewayUrl: z.url(),
});
export type AgentFile = z.infer<typeof agentFileSchema>;
