// A WebSocket opened by hand and used once. For load clients and for the check of correct answers.

import { once } from 'node:events'
import type { TLSSocket } from 'node:tls'
import { readHead, requestHead, servername, status } from './tls-connection.ts'

/** Rejects when it is refused or when a two-byte message does not come back. */
export async function openWebSocket(socket: TLSSocket, port: string): Promise<void> {
  const fields = [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    `Origin: https://${servername}:${port}`,
  ]
  socket.write(requestHead('GET', '/websocket', fields))
  const head = await readHead(socket)
  if (status(head) !== 101) throw new Error(`answer: ${head}`)
  // The answer RFC 6455 §1.3 gives for this key.
  if (!head.includes('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=')) throw new Error(`wrong accept: ${head}`)
  // A masked binary frame of two bytes; its echo comes back unmasked (RFC 6455 §5.2).
  socket.write(Buffer.from([0x82, 0x82, 0, 0, 0, 0, 1, 2]))
  const [frame] = (await once(socket, 'data')) as [Buffer]
  if (frame.toString('hex') !== '82020102') throw new Error(`echo: ${frame.toString('hex')}`)
}
