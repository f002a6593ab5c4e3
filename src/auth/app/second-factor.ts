// Being written.

import type { FastifyInstance } from 'fastify'
import type { AppContext } from './context.ts'

export function registerSecondFactor(_app: FastifyInstance, _context: AppContext): void {}
