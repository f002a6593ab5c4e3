// The opening handshake of RFC 6455 §4 and RFC 8441 §5: what must hold before bytes may pass.

import { createHash, randomBytes } from 'node:crypto'
import type { ResponseFields } from './call.ts'
import type { Exchange } from './exchange.ts'
import type { RequestHead } from './request-head.ts'

/** RFC 6455 §1.3. */
const acceptSuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/**
 * The key to send to the backend: the client's own, or a new one for HTTP/2, which has none.
 *
 * @returns `null` when the client's handshake is not valid: another version than 13, or a key that is not 16 bytes
 *   in base64 (a proxy that takes such a request for a WebSocket can be made to tunnel anything).
 */
export function handshakeKey(exchange: Exchange, head: RequestHead): string | null {
  if (head.webSocketVersion !== '13') return null
  if (exchange.protocol === 'HTTP/2') return randomBytes(16).toString('base64')
  // RFC 9110 §7.8: `Upgrade` means nothing in HTTP/1.0.
  if (exchange.protocol !== 'HTTP/1.1') return null
  const key = head.webSocketKey
  if (exchange.method !== 'GET' || key === null || key.length !== 24) return null
  return Buffer.from(key, 'base64').toString('base64') === key && key.endsWith('==') ? key : null
}

/** Whether the backend's 101 answers this handshake (RFC 6455 §4.1). */
export function isAccepted(fields: ResponseFields, key: string): boolean {
  const { upgrade } = fields
  if (typeof upgrade !== 'string' || upgrade.toLowerCase() !== 'websocket') return false
  const expected = createHash('sha1')
    .update(key + acceptSuffix)
    .digest('base64')
  return fields['sec-websocket-accept'] === expected
}

/** The visitor's headers for an accepted WebSocket: HTTP/1.1 names the upgrade, HTTP/2 must not. */
export function acceptedProtocol(
  headers: readonly string[],
  protocol: Exchange['protocol'],
  fields: ResponseFields,
): string[] {
  const out: string[] = []
  const http2 = protocol === 'HTTP/2'
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    if (http2 && name === 'sec-websocket-accept') continue
    if (name === 'content-length') continue
    out.push(name, headers[i + 1] as string)
  }
  if (!http2) out.push('upgrade', String(fields.upgrade), 'connection', 'Upgrade')
  return out
}
