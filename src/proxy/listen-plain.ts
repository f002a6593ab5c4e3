// Port 80: everything is sent to https, and nothing is said about anything else.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { parseAuthority } from '../host.ts'
import type { Host } from '../model.ts'

/**
 * Answers a plain HTTP request with a redirect to the same host and path over https: 301 for GET and HEAD, 308 for all
 * else, which keeps method and body (RFC 9110 §15.4.9).
 *
 * The host goes into `Location` only after `host.ts` has read it and `known` has agreed: 400 for what is no
 * host, 404 for one that is not ours.
 *
 * @param publicPort the port visitors reach https on; 443 is left out of the address.
 */
export function redirectToHttps(
  req: IncomingMessage,
  res: ServerResponse,
  deps: { readonly publicPort: number; readonly known: (host: Host) => boolean },
): void {
  const target = readTarget(req)
  if (target === null || !deps.known(target.host)) {
    res.writeHead(target === null ? 400 : 404, ['content-length', '0', 'connection', 'close'])
    res.end()
    return
  }
  const port = deps.publicPort === 443 ? '' : `:${deps.publicPort}`
  const safe = req.method === 'GET' || req.method === 'HEAD'
  const headers = ['location', `https://${target.host}${port}${target.path}`, 'content-length', '0']
  // A body that is on its way would be read as the next request by nobody, but there is no reason to read it either.
  if (!safe) headers.push('connection', 'close')
  res.writeHead(safe ? 301 : 308, headers)
  res.end()
}

interface PlainTarget {
  readonly host: Host
  readonly path: string
}

/** RFC 9112 §3.2.1 and §3.2.2: in the absolute form the target's authority replaces `Host`. */
function readTarget(req: IncomingMessage): PlainTarget | null {
  const url = req.url ?? ''
  let authority = onlyHost(req.rawHeaders)
  let path = url
  if (/^http:\/\//i.test(url)) {
    const end = url.indexOf('/', 7)
    authority = end === -1 ? url.slice(7) : url.slice(7, end)
    path = end === -1 ? '/' : url.slice(end)
  }
  if (authority === null || !isPath(path)) return null
  const host = parseAuthority(authority)
  return host === null ? null : { host, path }
}

/** The one `Host` field; `null`: none, or several (RFC 9112 §3.2). */
function onlyHost(rawHeaders: readonly string[]): string | null {
  let found: string | null = null
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() !== 'host') continue
    if (found !== null) return null
    found = rawHeaders[i + 1] ?? null
  }
  return found
}

/** Printable ASCII from `/` on, without what some readers of `Location` take for the end of the path or the host. */
function isPath(text: string): boolean {
  return /^\/[\x21\x24-\x5b\x5d-\x7e]*$/.test(text)
}
