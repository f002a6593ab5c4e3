// The local port: GET /health for a watchdog, GET /metrics for Prometheus. For this machine alone.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { GatehouseError } from './errors.ts'
import { expositionType } from './exposition.ts'
import { isLoopback } from './listen-address.ts'
import type { Metrics } from './metrics.ts'

export interface OpsOptions {
  /** A loopback address, `127.0.0.1` or `::1`. */
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** Listen on other addresses too: whoever reaches it reads host names, traffic and state without signing in. */
  readonly dangerouslyServeOpsToTheNetwork?: boolean
}

export interface OpsDeps {
  readonly metrics: Pick<Metrics, 'render'>
  readonly health: () => Health
}

/** What `/health` says. */
export interface Health {
  /** `degraded`: requests are served, but a person should look. `draining`: no new ones are. */
  readonly status: 'ok' | 'degraded' | 'draining'
  readonly version: string
  readonly uptimeSeconds: number
  readonly checks: readonly HealthCheck[]
}

export interface HealthCheck {
  readonly name: string
  readonly ok: boolean
  /** One sentence. */
  readonly detail: string
}

export interface OpsServer {
  /** Set once it listens. */
  readonly port: number
  /** Ends every connection at once: nobody waits for an answer here. */
  close(): Promise<void>
}

/**
 * @throws GatehouseError `ops-not-local` for an address that others can reach, `listen-failed` when the port cannot
 *   be had.
 */
export async function createOpsServer(options: OpsOptions, deps: OpsDeps): Promise<OpsServer> {
  const { host, port } = options
  const guarded = options.dangerouslyServeOpsToTheNetwork !== true
  if (guarded && !isLoopback(host)) {
    throw new GatehouseError('ops-not-local', `health and metrics cannot listen on ${host}`, {
      remedy: 'use 127.0.0.1 or ::1, and an SSH tunnel or WireGuard from elsewhere',
    })
  }
  const server = createServer(limits, (req, res) => {
    // A web page can make a browser on this machine ask here, under its own name (DNS rebinding).
    if (guarded && !isLocalName(req.headers.host ?? '')) {
      send(req, res, { status: 421, type: 'text/plain', body: 'Use a loopback address.\n' })
      return
    }
    answer(req, res, deps).catch(() => res.destroy())
  })
  server.maxConnections = 32
  server.maxRequestsPerSocket = 1000
  await listen(server, host, port)
  const address = server.address()
  return {
    port: address !== null && typeof address === 'object' ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Small and short: a scraper sends one line and some headers, and reads at once. */
const limits = {
  maxHeaderSize: 8192,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 5_000,
} as const

interface Reply {
  readonly status: number
  readonly type: string
  readonly body: string
}

async function answer(req: IncomingMessage, res: ServerResponse, deps: OpsDeps): Promise<void> {
  const path = (req.url ?? '').split('?', 1)[0]
  const known = path === '/health' || path === '/metrics'
  if (!known) {
    send(req, res, { status: 404, type: 'text/plain', body: '/health and /metrics are here.\n' })
  } else if (req.method !== 'GET' && req.method !== 'HEAD') {
    res.setHeader('allow', 'GET, HEAD')
    send(req, res, { status: 405, type: 'text/plain', body: 'GET and HEAD are offered.\n' })
  } else if (path === '/health') {
    const health = deps.health()
    const body = `${JSON.stringify(health, null, 2)}\n`
    // A load balancer looks at the status alone. `degraded` is no reason to take traffic away.
    const status = health.status === 'draining' ? 503 : 200
    send(req, res, { status, type: 'application/json', body })
  } else {
    send(req, res, { status: 200, type: expositionType, body: await deps.metrics.render() })
  }
}

function send(req: IncomingMessage, res: ServerResponse, reply: Reply): void {
  const { status, type, body } = reply
  res.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    // Nothing here takes a body: one that comes is not read, and the connection not kept.
    ...(hasBody(req) ? { connection: 'close' } : {}),
  })
  res.end(req.method === 'HEAD' ? undefined : body)
}

function hasBody(req: IncomingMessage): boolean {
  const length = req.headers['content-length']
  return req.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

function isLocalName(authority: string): boolean {
  const name = authority.replace(/:\d*$/, '').replace(/^\[|\]$/g, '')
  // RFC 6761 §6.3: the name that always means this machine.
  return name.toLowerCase() === 'localhost' || isLoopback(name)
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: Error) => {
      reject(
        new GatehouseError(
          'listen-failed',
          `health and metrics: ${host}:${port}: ${cause.message}`,
          {
            remedy: 'choose another port by --ops, or off',
            cause,
          },
        ),
      )
    }
    server.once('error', failed)
    server.listen(port, host, () => {
      server.off('error', failed)
      resolve()
    })
  })
}
