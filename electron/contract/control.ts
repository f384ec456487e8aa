import * as z from 'zod';

/** Paths of the control API, relative to `controlUrl`. */
export const controlPaths = {
  snapshot: '/control/v1/snapshot',
  events: '/control/v1/events',
  chat: '/control/v1/chat',
  queries: '/control/v1/queries/',
  commands: '/control/v1/commands/',
  /** POST with the token: makes a ticket `{ "ticket": "…", "url": "…" }` for one browser sign-in. */
  tickets: '/control/v1/tickets',
  /** GET with `?ticket=`: changes the ticket for a cookie and redirects to `/`. */
  signIn: '/sign-in',
} as const;

const settingKey = z.string().min(1).max(200);
const engineTarget = z.strictObject({ id: z.string().min(1).max(200) });

/** Bodies of `POST /control/v1/commands/:name`. Each answers 200 `{ "ok": true }`, or an error. */
export const commandSchemas = {
  'engines.start': engineTarget,
  'engines.stop': engineTarget,
  'engines.restart': engineTarget,
  /** Written to `config.json` for the next start. `text` is what a person typed: the agent finds the value it means. */
  'settings.update': z.union([
    z.strictObject({ key: settingKey, text: z.string().max(10_000) }),
    z.strictObject({ key: settingKey, value: z.unknown() }),
  ]),
  'agent.shutdown': z.strictObject({}),
} as const;
export type CommandName = keyof typeof commandSchemas;
export type CommandBody<Name extends CommandName> = z.infer<(typeof commandSchemas)[Name]>;

/** Query strings of `GET /control/v1/queries/:name`. `logs` with `follow=true` streams NDJSON, all others answer JSON. */
export const querySchemas = {
  logs: z.strictObject({
    engine: z.string().min(1).max(200),
    lines: z.coerce.number().int().min(1).max(5000).default(200),
    follow: z.stringbool().default(false),
  }),
  settings: z.strictObject({}),
} as const;
export type QueryName = keyof typeof querySchemas;

/** One line of an engine's log. */
export const logLineSchema = z.object({ at: z.string(), stream: z.enum(['stdout', 'stderr']), text: z.string() });
export type LogLine = z.infer<typeof logLineSchema>;

/** Settings that are paths of files or folders: full ones, since agent and client may run in different folders. */
export const pathSettings: readonly string[] = ['models.default', 'control.panelDir'];

/** One setting. A setting takes effect at a start, so what holds now and what the next start will take can differ. */
export const settingRowSchema = z.object({
  /** Dotted path, such as `gateway.port`. */
  key: z.string(),
  /** In force since the start. */
  value: z.unknown(),
  valueAfterRestart: z.unknown(),
  defaultValue: z.unknown(),
  /** Where the value in force comes from, strongest first. */
  origin: z.enum(['command line', 'environment', 'config.json', 'default']),
});
export type SettingRow = z.infer<typeof settingRowSchema>;

/** Answers of the queries (of `logs` without `follow`; with it, one {@link logLineSchema} a line). */
export const queryAnswerSchemas = {
  /** Oldest first. */
  logs: z.object({ lines: z.array(logLineSchema) }),
  /** The settings in force, by section, as `config.json` holds them, and each as a row. Secrets are never among them. */
  settings: z.object({ settings: z.record(z.string(), z.unknown()), rows: z.array(settingRowSchema) }),
} as const;
export type QueryParams<Name extends QueryName> = z.input<(typeof querySchemas)[Name]>;
export type QueryAnswer<Name extends QueryName> = z.infer<(typeof queryAnswerSchemas)[Name]>;

/** Every error of the control API. */
export const controlErrorSchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

/** Body of `POST /control/v1/tickets`' answer. */
export const ticketSchema = z.object({ ticket: z.string(), url: z.url() });
