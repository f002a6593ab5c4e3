// How connections to a backend are made: time-outs, TLS, name lookup. Names no library.

import type { LookupFunction } from 'node:net'
import type { UpstreamTarget } from '../model.ts'

/** Below the 5 s after which Node's own servers close an idle connection: the race is lost by closing first. */
const keepAliveMs = 4_000
/** What a backend's `Keep-Alive: timeout` hint may raise it to. */
const keepAliveMaxMs = 600_000
/** Response header section, bytes. */
const maxResponseHeaderBytes = 32_768

export interface UpstreamDeps {
  readonly readFile: (path: string) => Buffer
  /** Name resolution for connections; refuses forbidden addresses. Shaped as `dns.lookup`. */
  readonly lookup: LookupFunction
}

/** Settings of the client library, as far as they are not its defaults. */
export interface UpstreamOptions {
  readonly connect: Readonly<Record<string, unknown>>
  readonly pipelining: number
  readonly allowH2: boolean
  /** Milliseconds. */
  readonly keepAliveTimeout: number
  readonly keepAliveMaxTimeout: number
  /** Bytes. */
  readonly maxHeaderSize: number
  /** Milliseconds; 0: none of the library's. */
  readonly headersTimeout: number
  readonly bodyTimeout: number
  readonly strictContentLength: boolean
}

/** @param connection `serverName` for TLS instead of the target's own; `null`: the target's. */
export function upstreamOptions(
  target: UpstreamTarget,
  { connectMs, serverName }: { readonly connectMs: number; readonly serverName: string | null },
  deps: UpstreamDeps,
): UpstreamOptions {
  const connect: Record<string, unknown> = { timeout: connectMs, lookup: deps.lookup }
  const tls = target.tls
  if (tls !== null) {
    connect.servername = serverName ?? tls.serverName ?? undefined
    connect.rejectUnauthorized = !tls.insecureSkipUpstreamTlsVerify
    connect.ALPNProtocols = ['http/1.1']
    if (tls.caFile !== null) connect.ca = deps.readFile(tls.caFile)
    if (tls.clientCertificate !== null) {
      connect.cert = deps.readFile(tls.clientCertificate.certFile)
      connect.key = deps.readFile(tls.clientCertificate.keyFile)
    }
  }
  return {
    connect,
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMaxMs,
    maxHeaderSize: maxResponseHeaderBytes,
    // Ours are counted from the last byte of the request and in both directions; see flights.ts.
    headersTimeout: 0,
    bodyTimeout: 0,
    strictContentLength: true,
  }
}
