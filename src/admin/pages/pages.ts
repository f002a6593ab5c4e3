// The pages of the admin: which there are.

import type { FastifyInstance } from 'fastify'
import type { AdminParts } from '../parts.ts'
import { registerAssets } from './assets.ts'
import { createDrafts, type Drafts } from './drafts.ts'
import { registerMachines } from './machines.ts'
import { registerReview } from './review.ts'
import { registerRouteExplain } from './route-explain.ts'
import { registerRouteFile } from './route-file.ts'
import { registerRouteHistory } from './route-history.ts'
import { registerRoutePage } from './route-page.ts'
import { registerRouteTable } from './route-table.ts'

export { refusePage } from './refusal.ts'

/** Every page. One more is a line more; the order does not matter. */
const pages: readonly ((app: FastifyInstance, drafts: Drafts) => void)[] = [
  registerAssets,
  registerRouteTable,
  registerRoutePage,
  registerRouteFile,
  registerRouteHistory,
  registerRouteExplain,
  registerReview,
  registerMachines,
]

/** Registers every page. */
export function registerPages(app: FastifyInstance, parts: AdminParts): void {
  app.decorate('admin', parts)
  const drafts = createDrafts(parts.context)
  for (const register of pages) register(app, drafts)
}
