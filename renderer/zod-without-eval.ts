import * as z from 'zod';

// Schemas compile themselves with `new Function` where they may. The page's policy forbids that, and the attempt
// alone is reported as a violation. This file must be imported before any schema is built.
z.config({ jitless: true });
