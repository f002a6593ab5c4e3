// Everything a running gateway says: logs, pages, metrics, and the local port that shows them.

import type { Config } from '../config.ts'
import type { Flights } from '../flights.ts'
import { health } from '../health.ts'
import { type AccessEntry, createLogs, type EventLog } from '../log.ts'
import type { MachineFacts } from '../metric-machines.ts'
import type { PeopleCounts } from '../metric-sources.ts'
import { createMetrics, type Metrics } from '../metrics.ts'
import { createOpsServer, type Health } from '../ops.ts'
import { createPages, type Pages } from '../pages.ts'
import type { Certificates } from '../proxy/certificates.ts'
import type { Listener } from '../proxy/listen.ts'
import type { ConnectionFailure } from '../proxy/listen-http1.ts'
import type { Upstreams } from '../proxy/upstreams.ts'
import type { Reloader } from '../routes-file/reload.ts'
import type { ServeDeps } from './serve-types.ts'

export interface Output {
  readonly log: EventLog
  readonly record: (entry: AccessEntry) => void
  readonly pages: Pages
  readonly metrics: Metrics
  readonly connectionFailure: (event: ConnectionFailure) => void
  /** Opens `/health` and `/metrics`, which read from these parts. `port` is `null` when they are off. */
  readonly listen: (parts: OutputParts) => Promise<{ port: number | null; closeNow: () => void }>
  /** The access log's file is opened anew. */
  readonly reopen: () => void
  /** What `/health` says. */
  readonly health: () => Health
  /** `/health` says so from now on, and readiness checks fail. */
  readonly draining: () => void
  /** Flushes the logs. */
  readonly close: () => Promise<void>
}

/** Whose state is shown. */
export interface OutputParts {
  readonly certificates: Certificates
  readonly flights: Flights
  readonly listener: Listener
  readonly people: { readonly bans: () => number; readonly counts: () => PeopleCounts }
  readonly reloader: Reloader
  readonly upstreams: Upstreams
  readonly wake: {
    readonly stats: () => { readonly held: number }
    readonly facts: () => MachineFacts
  }
}

export function createOutput(config: Config, deps: ServeDeps): Output {
  const { access, events: log } = createLogs(config, deps)
  const metrics = createMetrics()
  let draining = false

  function connect({
    certificates,
    flights,
    listener,
    people,
    reloader,
    upstreams,
    wake,
  }: OutputParts): void {
    metrics.connect({
      version: () => deps.version,
      requestsInFlight: () => flights.size,
      connections: () => listener.stats(),
      upstreams: () =>
        upstreams.list().map((upstream) => ({ name: upstream.name, ...upstream.state() })),
      reloads: () => {
        const counters = reloader.counters()
        const { problems, heldChanges } = counters
        const bad = problems.some(({ severity }) => severity === 'error')
        return { ...counters, inForce: !bad && heldChanges.length === 0 }
      },
      certificates: () => certificates.status(),
      heldRequests: () => wake.stats().held,
      machines: wake.facts,
      bans: people.bans,
      people: people.counts,
      logs: () => access.stats(),
      process: () => {
        const memory = deps.memoryUsage()
        const cpu = deps.cpuUsage()
        return {
          cpuSeconds: (cpu.user + cpu.system) / 1e6,
          residentBytes: memory.rss,
          heapUsedBytes: memory.heapUsed,
          heapTotalBytes: memory.heapTotal,
          externalBytes: memory.external,
          startedAt: deps.startedAt,
        }
      },
    })
  }

  function healthNow(): Health {
    return health({
      version: deps.version,
      now: deps.now(),
      startedAt: deps.startedAt,
      draining,
      sources: metrics.sources(),
    })
  }

  async function listen(parts: OutputParts): ReturnType<Output['listen']> {
    connect(parts)
    if (config.ops === null) return { port: null, closeNow: () => {} }
    const { host, port } = config.ops
    const server = await createOpsServer(
      { host: host ?? '127.0.0.1', port },
      {
        metrics,
        health: healthNow,
      },
    )
    return { port: server.port, closeNow: () => void server.close() }
  }

  return {
    log,
    record: access.write,
    pages: createPages({ publicPort: config.publicPort ?? config.https?.port ?? 443 }),
    metrics,
    connectionFailure(event) {
      metrics.connectionFailure(event.kind, event.code)
      // A handler that threw is a bug of ours; the rest is the noise of the internet.
      log[event.kind === 'handler' ? 'error' : 'debug']('connection-failed', { ...event })
    },
    listen,
    health: healthNow,
    reopen: access.reopen,
    draining: () => {
      draining = true
    },
    close: access.close,
  }
}
