// The floor: the least a correct Node proxy over undici does. Frozen: results over time are compared with it.
// No routes, login, log, limits or timeouts; hop-by-hop fields go, everything else is passed on.
//   node bench/baselines/bare.ts <port> <backend port> <certificate> <key>

import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createSecureServer, type ServerHttp2Stream } from 'node:http2'
import type { Duplex, Readable } from 'node:stream'
import { createServer as createTlsServer } from 'node:tls'
import { type Dispatcher, Pool } from 'undici'

type Controller = Dispatcher.DispatchController
type Fields = Record<string, string | string[] | undefined>

const [port = '0', backend = '0', certificate = '', key = ''] = process.argv.slice(2)
const pem = { cert: readFileSync(certificate), key: readFileSync(key) }
const pool = new Pool(`http://127.0.0.1:${backend}`, {
  connections: 1100, // a pool's tunnels leave it, its waiting requests do not
  pipelining: 1,
  allowH2: false,
  keepAliveTimeout: 60_000,
  headersTimeout: 0,
  bodyTimeout: 0,
})

/** Hop-by-hop (RFC 9110 §7.6.1), and what undici sets or refuses. */
function isHopByHop(name: string): boolean {
  switch (name.length) {
    case 2:
    case 6:
    case 7:
    case 10:
    case 14:
    case 16:
    case 17:
      break
    default:
      return false
  }
  switch (name.toLowerCase()) {
    case 'te':
    case 'expect':
    case 'upgrade':
    case 'trailer':
    case 'connection':
    case 'keep-alive':
    case 'http2-settings':
    case 'proxy-connection':
    case 'transfer-encoding':
      return true
    default:
      return false
  }
}

/** Fields that `Connection` names go too; clients that name more than keep-alive, close and upgrade are rare. */
function namedByConnection(headers: readonly string[]): string[] | null {
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? ''
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue
    const value = (headers[i + 1] ?? '').toLowerCase()
    if (value === 'keep-alive' || value === 'close' || value === 'upgrade') continue
    return value.split(',').map((token) => token.trim())
  }
  return null
}

function copyRequest(headers: readonly string[]): string[] {
  const named = namedByConnection(headers)
  const out: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? ''
    const value = headers[i + 1] ?? ''
    if (name.charCodeAt(0) === 0x3a) {
      if (name === ':authority') out.push('host', value)
      continue
    }
    if (isHopByHop(name)) continue
    if (named?.includes(name.toLowerCase())) continue
    out.push(name, value)
  }
  return out
}

function copyResponse(fields: Fields): string[] {
  const out: string[] = []
  for (const name in fields) {
    if (isHopByHop(name)) continue
    const value = fields[name]
    if (typeof value === 'string') out.push(name, value)
    else if (value !== undefined) for (const each of value) out.push(name, each)
  }
  return out
}

function hasBody(headers: readonly string[]): boolean {
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? ''
    if (name.length === 14 && name.toLowerCase() === 'content-length') return true
    if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') return true
  }
  return false
}

class Http1Exchange implements Dispatcher.DispatchHandler {
  controller: Controller | null = null
  readonly res: ServerResponse
  constructor(res: ServerResponse) {
    this.res = res
    res.on('close', () => {
      if (!res.writableFinished) this.controller?.abort(new Error('client left'))
    })
  }
  onRequestStart(controller: Controller): void {
    this.controller = controller
    if (this.res.destroyed) controller.abort(new Error('client left'))
  }
  onResponseStart(_controller: Controller, status: number, fields: Fields): void {
    if (status >= 200) this.res.writeHead(status, copyResponse(fields))
  }
  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.res.write(chunk)) return
    controller.pause()
    this.res.once('drain', () => controller.resume())
  }
  onResponseEnd(): void {
    this.res.end()
  }
  onResponseError(): void {
    if (this.res.headersSent) this.res.destroy()
    else this.res.writeHead(502, ['content-length', '0']).end()
  }
}

class Http2Exchange implements Dispatcher.DispatchHandler {
  controller: Controller | null = null
  readonly stream: ServerHttp2Stream
  constructor(stream: ServerHttp2Stream) {
    this.stream = stream
    stream.on('error', ignore)
    stream.on('close', () => {
      if (!stream.writableFinished) this.controller?.abort(new Error('client left'))
    })
  }
  onRequestStart(controller: Controller): void {
    this.controller = controller
    if (this.stream.destroyed) controller.abort(new Error('client left'))
  }
  onResponseStart(_controller: Controller, status: number, fields: Fields): void {
    if (status < 200 || this.stream.destroyed) return
    const headers = copyResponse(fields)
    headers.push(':status', String(status))
    this.stream.respond(headers)
  }
  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.stream.destroyed || this.stream.write(chunk)) return
    controller.pause()
    this.stream.once('drain', () => controller.resume())
  }
  onResponseEnd(): void {
    if (!this.stream.destroyed) this.stream.end()
  }
  onResponseError(): void {
    if (!this.stream.destroyed) this.stream.close(2)
  }
}

function onRequest(req: IncomingMessage, res: ServerResponse): void {
  const body: Readable | null = hasBody(req.rawHeaders) ? req : null
  dispatch(req.method, req.url, copyRequest(req.rawHeaders), body, new Http1Exchange(res))
}

function onStream(stream: ServerHttp2Stream, headers: Fields, flags: number, raw: string[]): void {
  const endStream = (flags & 1) === 1
  const { ':method': method, ':path': path } = headers
  const body = endStream ? null : stream
  dispatch(String(method), String(path), copyRequest(raw), body, new Http2Exchange(stream))
}

function dispatch(
  method: string | undefined,
  path: string | undefined,
  headers: string[],
  body: Readable | null,
  exchange: Dispatcher.DispatchHandler,
): void {
  const options = { method: method as Dispatcher.HttpMethod, path: path ?? '/', headers, body }
  pool.dispatch(options, exchange)
}

function onUpgrade(req: IncomingMessage, client: Duplex, head: Buffer): void {
  client.on('error', ignore)
  pool.dispatch(
    {
      method: 'GET',
      path: req.url ?? '/',
      headers: copyRequest(req.rawHeaders),
      upgrade: 'websocket',
    },
    {
      onRequestStart() {},
      onResponseStart(controller) {
        controller.abort(new Error('no upgrade'))
      },
      onRequestUpgrade(_controller, _status, fields, upstream) {
        let answer =
          'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
        const headers = copyResponse(fields)
        for (let i = 0; i < headers.length; i += 2) answer += `${headers[i]}: ${headers[i + 1]}\r\n`
        client.write(`${answer}\r\n`, 'latin1')
        if (head.length > 0) upstream.write(head)
        upstream.on('error', ignore)
        upstream.on('close', () => client.destroy())
        client.on('close', () => upstream.destroy())
        upstream.pipe(client)
        client.pipe(upstream)
      },
      onResponseError() {
        client.destroy()
      },
    },
  )
}

function ignore(): void {}

const http1 = createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }, onRequest)
http1.on('upgrade', onUpgrade)
const http2 = createSecureServer({ ca: [] })
http2.on('stream', onStream)
const server = createTlsServer({ ...pem, ALPNProtocols: ['h2', 'http/1.1'] }, (socket) => {
  if (socket.alpnProtocol === 'h2') http2.emit('secureConnection', socket)
  else http1.emit('connection', socket)
})
server.listen(Number(port), '127.0.0.1', 4096)
process.on('SIGTERM', () => process.exit(0))
