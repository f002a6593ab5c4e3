// Does a port answer? One question to it, over a real connection.

import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect, isIP, type LookupFunction } from 'node:net'

/** What is asked. */
export interface ProbeTarget {
  /** Name or address. */
  readonly address: string
  readonly port: number
  readonly scheme: 'http' | 'https'
  /** A path that answers below 500 when ready; `null`: taking a connection is enough. */
  readonly readyPath: string | null
}

/**
 * What came of it. `refused`: the system is up, the service is not. `failing`: it takes connections and cannot serve.
 * `silent`: nothing came in time. `forbidden`: that address is never dialled.
 */
export type ProbeResult = 'ready' | 'refused' | 'failing' | 'silent' | 'forbidden'

/** Never rejects. */
export type Probe = (target: ProbeTarget) => Promise<ProbeResult>

export interface ProbeDeps {
  /** Resolves names, as `dns.lookup` does; fails with `FORBIDDEN_ADDRESS` for what must not be dialled. */
  readonly lookup: LookupFunction
  /** Why an address is not dialled; `null`: it is fine. Asked for addresses that need no lookup. */
  readonly forbidden: (address: string) => string | null
  /** For a connection: a round trip, and a second one when the first packet was lost. Default 2 s. */
  readonly connectMs?: number
  /** For an answer on it: a service that has just come up is slow. Default 5 s. */
  readonly answerMs?: number
}

/**
 * Asks over a connection of its own that is closed at once. A TCP connection alone says little: a forwarded port takes
 * connections for a service that is not there; hence `readyPath`. Certificates are not judged: nothing is sent that
 * anybody may not read.
 */
export function createProbe(deps: ProbeDeps): Probe {
  return (target) => {
    if (isIP(target.address) !== 0 && deps.forbidden(target.address) !== null) {
      return Promise.resolve('forbidden')
    }
    const { readyPath } = target
    const asked =
      readyPath === null ? askPort(target, deps) : askPath({ ...target, readyPath }, deps)
    // Node refuses a port beyond 65535 or a path with a blank before it asks: nothing answers there.
    return asked.catch(() => 'silent')
  }
}

function askPort(
  { address, port }: ProbeTarget,
  { lookup, connectMs = 2_000 }: ProbeDeps,
): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, lookup })
    const end = (result: ProbeResult) => {
      socket.destroy()
      resolve(result)
    }
    // A process that ends does not wait for an answer.
    socket.unref()
    socket.setTimeout(connectMs, () => end('silent'))
    socket.on('connect', () => end('ready'))
    socket.on('error', (error) => end(resultOf(error, false)))
  })
}

function askPath(
  target: ProbeTarget & { readonly readyPath: string },
  { lookup, connectMs = 2_000, answerMs = 5_000 }: ProbeDeps,
): Promise<ProbeResult> {
  const { address, port, scheme, readyPath } = target
  return new Promise((resolve) => {
    const options = {
      host: address,
      port,
      path: readyPath,
      lookup,
      agent: false,
      headers: { 'User-Agent': 'gatehouse-probe', Accept: '*/*', Connection: 'close' },
    } as const
    const ask =
      scheme === 'http'
        ? httpRequest(options)
        : httpsRequest({ ...options, rejectUnauthorized: false })
    let connected = false
    const timers: NodeJS.Timeout[] = []
    const end = (result: ProbeResult) => {
      for (const timer of timers) clearTimeout(timer)
      ask.destroy()
      resolve(result)
    }
    timers.push(setTimeout(() => connected || end('silent'), connectMs).unref())
    timers.push(setTimeout(() => end('failing'), connectMs + answerMs).unref())
    ask.on('socket', (socket) => {
      socket.unref()
      socket.once('connect', () => {
        connected = true
      })
    })
    ask.on('response', (response) => {
      const status = response.statusCode ?? 500
      end(status < 500 ? 'ready' : 'failing')
    })
    // A service that speaks something else entirely has answered too, but not what was asked for.
    ask.on('upgrade', () => end('ready'))
    ask.on('error', (error) => end(resultOf(error, connected)))
    ask.end()
  })
}

function resultOf(error: Error, connected: boolean): ProbeResult {
  const code = 'code' in error ? error.code : null
  if (code === 'ECONNREFUSED') return 'refused'
  if (code === 'FORBIDDEN_ADDRESS') return 'forbidden'
  if (connected) return 'failing'
  // Its system answered: there is one.
  if (code === 'ECONNRESET') return 'failing'
  return error instanceof AggregateError && error.errors.some(wasRefused) ? 'refused' : 'silent'
}

function wasRefused(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED'
}
