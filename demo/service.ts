// One small backend of the demo: an HTTP server on a free port of 127.0.0.1 that stands for a real service.

import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { sendAsset } from './page.ts'

/** What a service does; made anew for each start. */
export interface Service {
  /** Its key in `demo/routes.yaml`. */
  readonly name: string
  /** Requests other than those for the layout's own files. */
  handle(request: ServiceRequest): void
  /** Default: upgrades are refused. */
  upgrade?(req: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Ends streams that would never end by themselves. */
  finish?(): void
}

export interface ServiceRequest {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  /** Without query. */
  readonly path: string
  /** The service dies: every connection is cut and its port refuses until it starts again `goneForMs` later. */
  crash(): void
}

export interface RunningService {
  readonly name: string
  readonly port: number
  /** As `Service.finish`. */
  finish(): void
  /** Cuts what is open and stops. */
  close(): Promise<void>
}

/** How long a crashed service is gone: long enough to look at. */
export const goneForMs = 5000

/**
 * Starts the service. A handler that throws is 500, as in any framework.
 *
 * @param wanted port of 127.0.0.1; 0: any that is free.
 */
export async function startService(service: Service, wanted = 0): Promise<RunningService> {
  const server = http.createServer((req, res) => {
    const path = (req.url ?? '/').split('?', 1)[0] ?? '/'
    try {
      if (!sendAsset(path, res)) service.handle({ req, res, path, crash })
    } catch {
      if (res.headersSent) res.destroy()
      else res.writeHead(500).end()
    }
  })
  // Longer than the gateway keeps an idle connection, so that it is the one to close.
  server.keepAliveTimeout = 600_000
  // The gateway in front limits how long a request may take; an upload may take long.
  server.requestTimeout = 0
  if (service.upgrade !== undefined) server.on('upgrade', service.upgrade)
  let restart: NodeJS.Timeout | undefined
  let closed = false
  const port = await listen(wanted)

  return {
    name: service.name,
    port,
    finish: () => service.finish?.(),
    close: async () => {
      closed = true
      clearTimeout(restart)
      await stop()
    },
  }

  function crash(): void {
    void stop().then(() => {
      if (!closed) restart = setTimeout(() => void listen(port).catch(() => {}), goneForMs)
    })
  }

  function stop(): Promise<void> {
    return new Promise((resolve) => {
      // An error here means that it is not listening: crashed before, or closed twice.
      server.close(() => resolve())
      server.closeAllConnections()
      service.finish?.()
    })
  }

  function listen(at: number): Promise<number> {
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(at, '127.0.0.1', () => {
        server.off('error', reject)
        const address = server.address()
        if (address === null || typeof address === 'string') throw new Error('not a TCP port')
        resolve(address.port)
      })
    })
  }
}

/** The number after `?name=`, or `fallback` for everything that is none. */
export function numberIn(req: IncomingMessage, name: string, fallback: number): number {
  const query = new URLSearchParams((req.url ?? '').split('?')[1] ?? '')
  const value = Number(query.get(name) ?? Number.NaN)
  return Number.isFinite(value) && value >= 0 ? value : fallback
}
