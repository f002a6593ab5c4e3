// Being written.

import type { FastifyInstance } from 'fastify'
import type { AppContext } from './context.ts'

export function registerRecovery(_app: FastifyInstance, _context: AppContext): void {}
