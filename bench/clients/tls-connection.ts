// One TLS connection of a load client, speaking HTTP/1.1 by hand: what the client costs must not matter.

import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'

export const servername = 'app.bench.localhost'

export async function openTls(port: number): Promise<TLSSocket> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    servername,
    ALPNProtocols: ['http/1.1'],
    // The certificate is of a CA that was made for this run.
    rejectUnauthorized: false,
  })
  await once(socket, 'secureConnect')
  return socket
}

export function requestHead(method: string, path: string, fields: readonly string[] = []): string {
  return [`${method} ${path} HTTP/1.1`, `Host: ${servername}`, ...fields, '', ''].join('\r\n')
}

/** Reads up to the end of a head; what follows it is put back. Rejects when the connection ends first. */
export async function readHead(socket: TLSSocket): Promise<string> {
  let text = ''
  for (;;) {
    const chunk: Buffer | null = socket.read()
    if (chunk === null) {
      if (socket.readableEnded || socket.destroyed) throw new Error(`cut: ${text.slice(0, 80)}`)
      await new Promise<void>((resolve) => {
        const go = () => {
          socket.off('readable', go)
          socket.off('end', go)
          socket.off('close', go)
          resolve()
        }
        socket.once('readable', go)
        socket.once('end', go)
        socket.once('close', go)
      })
      continue
    }
    text += chunk.toString('latin1')
    const end = text.indexOf('\r\n\r\n')
    if (end >= 0) {
      const rest = text.slice(end + 4)
      if (rest !== '') socket.unshift(Buffer.from(rest, 'latin1'))
      return text.slice(0, end)
    }
  }
}

export function contentLength(head: string): number {
  return Number(/^content-length:\s*(\d+)/im.exec(head)?.[1] ?? Number.NaN)
}

export function status(head: string): number {
  return Number(head.slice(9, 12))
}

export async function discard(socket: TLSSocket, bytes: number): Promise<void> {
  let left = bytes
  if (left === 0) return
  await new Promise<void>((resolve, reject) => {
    const onData = (chunk: Buffer) => {
      left -= chunk.length
      if (left > 0) return
      socket.off('data', onData)
      socket.off('close', onClose)
      socket.pause()
      resolve()
    }
    const onClose = () => reject(new Error(`cut with ${left} bytes to come`))
    socket.on('data', onData)
    socket.on('close', onClose)
    socket.resume()
  })
}
