// The pages of the admin: which there are.

import type { FastifyInstance } from 'fastify'
import type { AdminParts } from '../parts.ts'
import { registerAssets } from './assets.ts'
import { registerAuditLog } from './audit-log.ts'
import { registerCertificates } from './certificates.ts'
import { createDrafts, type Drafts } from './drafts.ts'
import { registerHouse } from './house.ts'
import { registerMachines } from './machines.ts'
import { registerPeople } from './people.ts'
import { registerPerson } from './person.ts'
import { registerProtection } from './protection.ts'
import { registerReview } from './review.ts'
import { registerRouteExplain } from './route-explain.ts'
import { registerRouteFile } from './route-file.ts'
import { registerRouteHistory } from './route-history.ts'
import { registerRoutePage } from './route-page.ts'
import { registerRouteTable } from './route-table.ts'
import { registerSessions } from './sessions.ts'
import { registerTokenNew } from './token-new.ts'
import { registerTokens } from './tokens.ts'

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
  registerPeople,
  registerPerson,
  registerSessions,
  registerTokens,
  registerTokenNew,
  registerCertificates,
  registerProtection,
  registerAuditLog,
  registerHouse,
]

/** Registers every page. */
export function registerPages(app: FastifyInstance, parts: AdminParts): void {
  app.decorate('admin', parts)
  const drafts = createDrafts(parts.context)
  for (const register of pages) register(app, drafts)
}
