// A store that refuses, said once in the log and not with every attempt.

import { GatehouseError } from '../errors.ts'
import type { EventLog } from '../log.ts'

export interface StoreTrouble {
  failed(error: unknown): void
  worked(): void
}

/** @param what that could not be written, for the log. */
export function createStoreTrouble(log: EventLog, what: string): StoreTrouble {
  let failing = false
  return {
    failed(error) {
      if (failing) return
      failing = true
      log.warn('store-refuses', { what, ...inWords(error) })
    },
    worked() {
      if (!failing) return
      failing = false
      log.info('store-works-again', { what })
    },
  }
}

function inWords(error: unknown): { code: string; detail: string } {
  if (error instanceof GatehouseError) return { code: error.code, detail: error.message }
  return { code: 'unexpected', detail: error instanceof Error ? error.message : String(error) }
}
