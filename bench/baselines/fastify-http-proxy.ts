// @fastify/http-proxy as its README has it: HTTP/2 and HTTP/1.1 by ALPN, WebSockets on, no logger.
//   node bench/baselines/fastify-http-proxy.ts <port> <backend port> <certificate> <key>

import { readFileSync } from 'node:fs'
import httpProxy from '@fastify/http-proxy'
import fastify from 'fastify'

const [port = '0', backend = '0', certificate = '', key = ''] = process.argv.slice(2)
const server = fastify({
  http2: true,
  https: { cert: readFileSync(certificate), key: readFileSync(key), allowHTTP1: true },
  // Bodies pass through it; Fastify's own limit must not end a large upload.
  bodyLimit: Number.MAX_SAFE_INTEGER,
})
await server.register(httpProxy, {
  upstream: `http://127.0.0.1:${backend}`,
  websocket: true,
  undici: { connections: 128, pipelining: 1, keepAliveTimeout: 60_000, bodyTimeout: 0 },
})
await server.listen({ port: Number(port), host: '127.0.0.1' })
process.on('SIGTERM', () => process.exit(0))
