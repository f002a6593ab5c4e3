// The backend all contestants forward to: constant cost, a process of its own, never measured.
// Small answers are written by hand, without an HTTP parser, so that it does not become the bottleneck.

import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTcpServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'

const smallBody = `${'The same ninety-seven bytes for every contestant, so that the work of the proxy is what remains.'.padEnd(96)}\n`
const chunk = Buffer.alloc(64 * 1024, 'gatehouse ')
const date = () => new Date().toUTCString()

/** The head is rebuilt once a second, as every server does with its Date. */
let small = Buffer.alloc(0)
const buildSmall = () => {
  small = Buffer.from(
    'HTTP/1.1 200 OK\r\nServer: backend\r\nContent-Type: text/plain; charset=utf-8\r\n' +
      `Content-Length: ${smallBody.length}\r\nCache-Control: no-store\r\nDate: ${date()}\r\n` +
      `Connection: keep-alive\r\nKeep-Alive: timeout=600\r\n\r\n${smallBody}`,
  )
}
buildSmall()
setInterval(buildSmall, 1000).unref()

const server = createServer({ keepAliveTimeout: 600_000, requestTimeout: 0, headersTimeout: 0 })
server.on('request', (req, res) => answer(req, res))
server.on('upgrade', (req, socket) => acceptWebSocket(req, socket))

/**
 * `/small` 97 bytes · `/bytes/N` N bytes with a length · `/sink` swallows an upload, answers its size ·
 * `/stall` reads one chunk of an upload and then nothing · `/headers` what arrived, as JSON.
 */
function answer(req: IncomingMessage, res: ServerResponse): void {
  const url = req.url ?? '/'
  if (url.startsWith('/bytes/')) {
    sendBytes(res, Number(url.slice(7)))
    return
  }
  if (url === '/sink') {
    let received = 0
    req.on('data', (part: Buffer) => {
      received += part.length
    })
    req.on('end', () => res.end(String(received)))
    return
  }
  if (url === '/stall') {
    req.once('data', () => req.pause())
    return
  }
  if (url === '/headers') {
    res.setHeader('content-type', 'application/json')
    res.end(JSON.stringify({ method: req.method, url, headers: req.rawHeaders }))
    return
  }
  res.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' })
  res.end(smallBody)
}

function sendBytes(res: ServerResponse, total: number): void {
  let left = total
  res.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': total })
  const more = () => {
    while (left > 0) {
      const part = left >= chunk.length ? chunk : chunk.subarray(0, left)
      left -= part.length
      if (!res.write(part)) return
    }
    res.end()
  }
  res.on('drain', more)
  more()
}

/** Echoes what comes, frame by frame; enough of RFC 6455 for unfragmented frames below 126 bytes. */
function acceptWebSocket(req: IncomingMessage, socket: Duplex): void {
  const key = req.headers['sec-websocket-key'] ?? ''
  const accept = createHash('sha1')
    .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64')
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
  )
  socket.on('data', (frame: Buffer) => {
    const length = (frame[1] ?? 0) & 0x7f
    const payload = Buffer.from(frame.subarray(6, 6 + length))
    for (let i = 0; i < payload.length; i++)
      payload[i] = (payload[i] ?? 0) ^ (frame[2 + (i % 4)] ?? 0)
    if (((frame[0] ?? 0) & 0x0f) === 8) socket.end()
    else socket.write(Buffer.concat([Buffer.from([frame[0] ?? 0x82, length]), payload]))
  })
  socket.on('error', () => socket.destroy())
  socket.on('end', () => socket.end())
}

const smallRequest = Buffer.from('GET /small ')
const endOfHead = Buffer.from('\r\n\r\n')

/** Small answers stay on this fast path for as long as the connection asks for nothing else. */
function serveConnection(socket: Socket): void {
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  const onData = (data: Buffer) => {
    const asksSmall = data.subarray(0, smallRequest.length).equals(smallRequest)
    if (asksSmall && data.subarray(-4).equals(endOfHead)) {
      socket.write(small)
      return
    }
    socket.removeListener('data', onData)
    socket.pause()
    socket.unshift(data)
    server.emit('connection', socket)
    socket.resume()
  }
  socket.on('data', onData)
}

createTcpServer(serveConnection).listen(
  Number(process.argv[2] ?? 0),
  '127.0.0.1',
  4096,
  function (this: {
    address(): unknown
  }) {
    process.stdout.write(`${JSON.stringify(this.address())}\n`)
  },
)
