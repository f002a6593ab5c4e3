// What every handler of the admin finds: the desks, the operations' way in, and who asks. Types, and what Fastify calls them.

import type { StreamAnswer } from '../app.ts'
import type { AdminContext } from './context.ts'
import type { Desks } from './desks/types.ts'
import type { Caller } from './guard.ts'
import type { Perform } from './operation.ts'

export interface AdminParts {
  readonly context: AdminContext
  readonly desks: Desks
  readonly perform: Perform
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who came in. Not there on the entrance. */
    caller: Caller
    /** Set by a handler whose answer goes on; what it sends otherwise is thrown away. */
    stream: StreamAnswer | null
  }
  interface FastifyContextConfig {
    /** The entrance: the cookie of this host is not there yet. */
    entrance?: boolean
    /** A POST that changes nothing (a preview): needs no recent login, but a CSRF token all the same. */
    readOnly?: boolean
  }
}
