// Every operation of the API. One more is one line more in its subject's file.

import type { Operation } from '../operation.ts'
import { auditOperations } from './audit.ts'
import { houseOperations } from './house.ts'
import { routeFileOperations } from './route-file.ts'
import { routeQuestions } from './route-questions.ts'
import { routeOperations } from './routes.ts'
import { serviceOperations } from './services.ts'
import { sessionOperations } from './sessions.ts'
import { tokenOperations } from './tokens.ts'
import { userAccessOperations } from './user-access.ts'
import { userOperations } from './users.ts'
import { vmOperations } from './vms.ts'

/** In the order in which they are described. */
export const operations: readonly Operation[] = [
  ...routeOperations,
  ...routeFileOperations,
  ...routeQuestions,
  ...serviceOperations,
  ...vmOperations,
  ...userOperations,
  ...userAccessOperations,
  ...sessionOperations,
  ...tokenOperations,
  ...auditOperations,
  ...houseOperations,
]
