// The request that `gatehouse explain` asks about: an address and flags → what would arrive at the gateway.

import { isIP } from 'node:net'
import { GatehouseError } from '../errors.ts'
import { parseAuthority } from '../host.ts'
import type { Identity, SessionRef, TableDefinition, UserId } from '../model.ts'
import { builtInCloudflareCidrs } from '../proxy/cloudflare.ts'
import type { Exchange } from '../proxy/exchange.ts'
import type { Peer } from '../proxy/peer.ts'
import { parseDuration } from '../routes-file/units.ts'
import { createTrust, type Trust } from './trust.ts'

export interface ExplainRequest {
  /** As it was written. */
  readonly url: string
  readonly scheme: 'http' | 'https'
  /** What a client puts into `Host`: not normalised, not checked. */
  readonly authority: string
  /** What a client puts into the request line: not normalised, not checked. */
  readonly rawTarget: string
  readonly method: string
  readonly identity: Identity | null
  readonly origin: string | null
  readonly fetchSite: string | null
  readonly webSocket: boolean
  /** Address of the visitor. */
  readonly from: string
  readonly cloudflare: boolean
}

/** Stands for "some address", RFC 5737 §3. */
const someAddress = '192.0.2.1'
/** RFC 9110 §5.6.2. */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/**
 * Reads the operand and flags. The address is split by hand: `new URL` would resolve `/a/../b` and decode
 * `%2e`, and then explain a request that nobody sent.
 *
 * @throws GatehouseError `explain-request` for flags that no client could send.
 */
export function readRequest(url: string, flags: ReadonlyMap<string, string>): ExplainRequest {
  const parts = /^(?:([A-Za-z][A-Za-z0-9+.-]*):\/\/)?([^/?#]*)([\s\S]*)$/.exec(url)
  const scheme = (parts?.[1] ?? 'https').toLowerCase()
  if (!['http', 'https', 'ws', 'wss'].includes(scheme)) {
    throw refusal(`the scheme ${scheme} is not served`, 'write https://host/path')
  }
  const rest = parts?.[3] ?? ''
  const method = flags.get('method') ?? 'GET'
  if (!token.test(method)) throw refusal('--method is not a method', 'write for example POST')
  const from = flags.get('from') ?? someAddress
  if (isIP(from) === 0) throw refusal('--from is not an IP address', 'write for example 192.0.2.1')
  const user = flags.get('user') ?? null
  for (const name of ['groups', 'with', 'age']) {
    if (user === null && flags.has(name)) {
      throw refusal(`--${name} needs a person`, 'add --user <name>')
    }
  }
  const proof = flags.get('with') ?? null
  if (proof !== null && proof !== 'passkey' && proof !== 'second-factor') {
    throw refusal(`--with ${proof} is no way to sign in`, 'write passkey or second-factor')
  }
  const age = flags.get('age') ?? '0s'
  const ageMs = parseDuration(age)
  if (ageMs === null) throw refusal('--age is not a duration', 'write for example 20m')
  for (const name of ['origin', 'fetch-site']) {
    const value = flags.get(name) ?? ''
    if (!/^[\x20-\x7e]*$/.test(value))
      throw refusal(`--${name} has characters no header may have`, 'write printable ASCII')
  }
  return {
    url,
    scheme: scheme === 'http' || scheme === 'ws' ? 'http' : 'https',
    authority: parts?.[2] ?? '',
    rawTarget: rest.startsWith('/') ? rest : `/${rest}`,
    method,
    identity: user === null ? null : person(user, flags.get('groups') ?? '', { proof, ageMs }),
    origin: flags.get('origin') ?? null,
    fetchSite: flags.get('fetch-site') ?? null,
    webSocket: flags.has('websocket') || scheme === 'ws' || scheme === 'wss',
    from,
    cloudflare: flags.has('cloudflare'),
  }
}

/** The connection such a request would come on. */
export function connectionOf(
  request: ExplainRequest,
  definition: TableDefinition,
): { readonly peer: Peer; readonly trust: Trust } {
  const trust = createTrust(definition.trustedProxies, () => request.cloudflare)
  const cloudflareAddress = (builtInCloudflareCidrs[0] ?? '').split('/')[0] ?? ''
  const address = request.cloudflare ? cloudflareAddress : request.from
  const asked = definition.originPullCaFile !== null
  const peer: Peer = {
    address,
    trustedProxy: trust.isTrusted(address),
    cloudflare: request.cloudflare,
    serverName: parseAuthority(request.authority),
    clientCertificate: asked ? (request.cloudflare ? 'valid' : 'absent') : 'unasked',
    tlsVersion: 'TLSv1.3',
    lastAuthority: '',
    lastHost: null,
  }
  return { peer, trust }
}

/** The request as the pipeline sees it. It can be admitted; it cannot be answered. */
export function exchangeOf(request: ExplainRequest, peer: Peer): Exchange {
  const headers = ['Host', request.authority]
  if (request.origin !== null) headers.push('Origin', request.origin)
  if (request.fetchSite !== null) headers.push('Sec-Fetch-Site', request.fetchSite)
  if (request.cloudflare) headers.push('CF-Connecting-IP', request.from)
  // Who presents nothing is not asked who he is.
  if (request.identity !== null) headers.push('Cookie', 'explain=1')
  if (request.webSocket) {
    const key = Buffer.alloc(16).toString('base64')
    headers.push('Connection', 'Upgrade', 'Upgrade', 'websocket')
    headers.push('Sec-WebSocket-Version', '13', 'Sec-WebSocket-Key', key)
  }
  const unanswerable = (): never => {
    throw new TypeError('an explained request has nobody to answer')
  }
  return {
    protocol: 'HTTP/1.1',
    method: request.method,
    rawTarget: request.rawTarget,
    rawAuthority: null,
    rawHeaders: headers,
    peer,
    webSocket: request.webSocket,
    declaredBytes: null,
    bytesIn: 0,
    bytesOut: 0,
    begun: false,
    closed: false,
    listen: unanswerable,
    inform: unanswerable,
    openBody: unanswerable,
    begin: unanswerable,
    write: unanswerable,
    end: unanswerable,
    answer: unanswerable,
    switchToWebSocket: unanswerable,
    abort: unanswerable,
  }
}

/** @param shown credentials, so long before time 0, which is when the request is made. */
function person(
  user: string,
  groups: string,
  shown: { readonly proof: 'passkey' | 'second-factor' | null; readonly ageMs: number },
): Identity {
  const names = groups.split(',').map((group) => group.trim())
  return {
    user: user as UserId,
    name: user,
    email: null,
    groups: names.filter((group) => group !== ''),
    session: 'explain' as SessionRef,
    via: 'session',
    passkey: shown.proof === 'passkey',
    secondFactor: shown.proof !== null,
    authenticatedAt: -shown.ageMs,
    mayWake: true,
  }
}

function refusal(what: string, remedy: string): GatehouseError {
  return new GatehouseError('explain-request', what, { remedy })
}
