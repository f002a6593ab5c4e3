// The two clients that make a careless proxy buffer: one that hardly reads, one whose upload nobody reads.
//   node bench/clients/crawl.ts <port> slow-download|stalled-upload <bytes>

import { openTls, requestHead } from './tls-connection.ts'

const [port = '', kind = 'slow-download', size = '0'] = process.argv.slice(2)
const bytesPerSecond = 10_000
const socket = await openTls(Number(port))
let moved = 0
socket.on('close', () => {
  process.stdout.write(`${JSON.stringify({ cut: true, moved })}\n`)
  process.exit(1)
})
socket.on('error', () => {})

if (kind === 'slow-download') {
  socket.write(requestHead('GET', `/bytes/${size}`))
  // Not `data`: that would read as fast as it comes into a buffer of this process.
  setInterval(() => {
    const part: Buffer | null = socket.read(bytesPerSecond / 10) ?? socket.read()
    moved += part?.length ?? 0
  }, 100)
} else {
  socket.write(requestHead('PUT', '/stall', [`Content-Length: ${size}`]))
  const part = Buffer.alloc(64 * 1024, 'upload ')
  const push = () => {
    while (moved < Number(size)) {
      moved += part.length
      if (!socket.write(part)) return
    }
  }
  socket.on('drain', push)
  push()
}
process.on('SIGTERM', () => {
  process.stdout.write(`${JSON.stringify({ cut: false, moved })}\n`)
  process.exit(0)
})
