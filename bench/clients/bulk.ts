// One large transfer over one connection. Prints one line of JSON.
//   node bench/clients/bulk.ts <port> down|up <bytes>

import { once } from 'node:events'
import { contentLength, discard, openTls, readHead, requestHead, status } from './tls-connection.ts'

const [port = '', direction = 'down', size = '0'] = process.argv.slice(2)
const bytes = Number(size)
const socket = await openTls(Number(port))
const begun = performance.now()
let right = false
if (direction === 'down') {
  socket.write(requestHead('GET', `/bytes/${bytes}`))
  const head = await readHead(socket)
  await discard(socket, bytes)
  right = status(head) === 200
} else {
  socket.write(requestHead('PUT', '/sink', [`Content-Length: ${bytes}`]))
  const part = Buffer.alloc(64 * 1024, 'upload ')
  for (let left = bytes; left > 0; left -= part.length) {
    if (!socket.write(left >= part.length ? part : part.subarray(0, left)))
      await once(socket, 'drain')
  }
  const head = await readHead(socket)
  // The sink answers how much it got: nine digits for 256 MB, and no other answer is as long.
  right = status(head) === 200 && contentLength(head) === String(bytes).length
}
const seconds = (performance.now() - begun) / 1000
socket.destroy()
process.stdout.write(`${JSON.stringify({ seconds, wrong: right ? 0 : 1 })}\n`)
