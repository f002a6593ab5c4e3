// Signs requests to Oracle Cloud: HTTP Signatures (draft-cavage-http-signatures-08) with RSA-SHA256. Sends nothing.

import { createHash, type KeyObject, sign } from 'node:crypto'
import { promisify } from 'node:util'

/** Who signs. */
export interface OciIdentity {
  /** `<tenancy>/<user>/<fingerprint>`. */
  readonly keyId: string
  /** RSA. */
  readonly privateKey: KeyObject
}

/** What is signed. */
export interface OciRequest {
  readonly method: 'GET' | 'POST'
  /** As `Host` says it: with the port, unless it is the scheme's own. */
  readonly host: string
  /** Path and query, as they are sent. */
  readonly target: string
  /** `''`: none. A GET has none. */
  readonly body: string
}

/**
 * The headers of a signed request, `host` among them: all of them must be sent as they are. The names, their order and
 * their case are those of Oracle's own client, so that both make the same signature.
 *
 * @param now wall clock, milliseconds; the cloud accepts five minutes of difference.
 * @throws Error when the key is no RSA key.
 */
export async function signOciRequest(
  request: OciRequest,
  identity: OciIdentity,
  now: number,
): Promise<Record<string, string>> {
  const { method, host, target, body } = request
  const date = new Date(now).toUTCString()
  const names = ['x-date', '(request-target)', 'host']
  const headers: Record<string, string> = { 'x-date': date, host }
  const lines = [`x-date: ${date}`, `(request-target): ${method.toLowerCase()} ${target}`]
  lines.push(`host: ${host}`)
  if (method === 'POST') {
    // An empty body is signed too: nobody on the way can give the request another one.
    const more = {
      'Content-Type': 'application/json',
      'Content-Length': String(Buffer.byteLength(body)),
      'x-content-sha256': createHash('sha256').update(body).digest('base64'),
    }
    for (const [name, value] of Object.entries(more)) {
      names.push(name)
      headers[name.toLowerCase()] = value
      lines.push(`${name.toLowerCase()}: ${value}`)
    }
  }
  // In a thread of its own: an RSA signature takes milliseconds on a small machine.
  const signature = await signAside('sha256', Buffer.from(lines.join('\n')), identity.privateKey)
  headers.authorization =
    `Signature version="1",keyId="${identity.keyId}",algorithm="rsa-sha256",` +
    `headers="${names.join(' ')}",signature="${signature.toString('base64')}"`
  return headers
}

const signAside = promisify<string, NodeJS.ArrayBufferView, KeyObject, Buffer>(sign)
