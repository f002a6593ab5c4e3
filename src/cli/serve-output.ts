// Everything a running gateway says: logs, pages, metrics and the local port that shows them.

import type { Config } from '../config.ts'
import { type AccessEntry, createLogs, type EventLog } from '../log.ts'
import { createPages } from '../pages.ts'
import type { ServeDeps } from './serve-types.ts'

export interface Output {
  readonly log: EventLog
  readonly record: (entry: AccessEntry) => void
}

export function createOutput(config: Config, deps: ServeDeps) {
  const { access, events: log } = createLogs(config, deps)
  const pages = createPages({ publicPort: config.publicPort ?? config.https?.port ?? 443 })
  return {
    log,
    pages,
    record: access.write,
    metrics: { request() {} },
    routes(_table: object) {},
    connectionFailure(event: {
      kind: string
      code: string
      address: string | null
      detail: string
    }) {
      log.debug('connection-failed', { ...event })
    },
    async listen(_parts: object) {
      return { port: null, closeNow() {} }
    },
    reopen: access.reopen,
    draining() {},
    close: () => access.close(),
  }
}
