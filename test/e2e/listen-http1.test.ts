import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import t from 'tap'
import { type RawClient, rawClient } from '../fixtures/clients.ts'
import { startListener, type TestListener, until } from '../fixtures/listener.ts'

const host = 'a.gate.test'

function connect({ https, ca }: TestListener): Promise<RawClient> {
  return rawClient(https, { ca: ca.certPem, servername: host })
}

async function exchange(listener: TestListener, bytes: string): Promise<string> {
  const raw = await connect(listener)
  await raw.send(bytes)
  const answer = (await raw.readToEnd()).toString('latin1')
  raw.destroy()
  return answer
}

t.test(
  'a header that does not come to its end gets 408 and the end of the connection',
  async (t) => {
    const timeouts = { headersMs: 150, checkMs: 30 }
    const listener = await startListener(t, { listen: { timeouts } })
    const raw = await connect(listener)
    await raw.send(`GET / HTTP/1.1\r\nHost: ${host}\r\nX-Slow: `)
    // One byte now and then does not buy time.
    const drip = setInterval(() => void raw.send('a'), 20)
    const answer = (await raw.readToEnd()).toString('latin1')
    clearInterval(drip)
    t.match(answer, /^HTTP\/1\.1 408 Request Timeout\r\n/)
    t.match(answer, /\r\nConnection: close\r\n/)
    t.match(await listener.failure('ERR_HTTP_REQUEST_TIMEOUT'), {
      kind: 'http1',
      address: '127.0.0.1',
    })
    t.equal(listener.peers.length, 0)
  },
)

t.test('the limit holds for the second request of a kept connection as well', async (t) => {
  const timeouts = { headersMs: 150, checkMs: 30 }
  const listener = await startListener(t, { listen: { timeouts } })
  const raw = await connect(listener)
  await raw.send(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  t.equal((await raw.response()).status, 200)
  await raw.send('GET / HTTP/1.1\r\n')
  t.match((await raw.readToEnd()).toString('latin1'), /^HTTP\/1\.1 408 /)
})

t.test('a slow body is no slow header', async (t) => {
  const timeouts = { headersMs: 100, checkMs: 20 }
  const listener = await startListener(t, {
    listen: { timeouts },
    handlers: {
      request(req, res) {
        let bytes = 0
        req.on('data', (chunk) => {
          bytes += chunk.length
        })
        req.on('end', () => {
          res.writeHead(200)
          res.end(String(bytes))
        })
      },
    },
  })
  const raw = await connect(listener)
  await raw.send(`POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 10\r\n\r\n`)
  for (let i = 0; i < 10; i++) {
    await new Promise((resolve) => setTimeout(resolve, 40))
    await raw.send('x')
  }
  t.equal((await raw.response()).body.toString(), '10')
  raw.destroy()
})

t.test('idle connections end after their time, Cloudflare’s much later', async (t) => {
  const timeouts = { otherIdleMs: 50, cloudflareIdleMs: 60_000 }
  let cloudflare = false
  const listener = await startListener(t, {
    listen: { timeouts },
    isCloudflare: () => cloudflare,
  })
  const request = `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`
  const other = await connect(listener)
  await other.send(request)
  const hint = await other.response()
  cloudflare = true
  const trusted = await connect(listener)
  await trusted.send(request)
  const longHint = await trusted.response()
  await other.readToEnd()
  t.equal(other.ended(), 'end')
  t.equal(trusted.ended(), null)
  await trusted.send(request)
  t.equal((await trusted.response()).status, 200)
  trusted.destroy()
  t.match(hint.status, 200)
  t.match(longHint.status, 200)
})

t.test('what is no HTTP gets 400, once, and never reaches the gateway', async (t) => {
  const listener = await startListener(t)
  const cases = [
    'GARBAGE\r\n\r\n',
    `GET / HTTP/1.1\r\nHost : ${host}\r\n\r\n`,
    `GET / HTTP/1.1\nHost: ${host}\n\n`,
    `GET / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    `GET / HTTP/9.9\r\nHost: ${host}\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: ${host}\r\nX: a\u0000b\r\n\r\n`,
  ]
  for (const bytes of cases) {
    const answer = await exchange(listener, bytes)
    t.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/, JSON.stringify(bytes.slice(0, 40)))
    t.equal(answer.split('HTTP/1.1 ').length, 2, 'one answer')
    t.match(answer, /\r\nContent-Length: 16\r\n\r\n400 Bad Request\n$/)
  }
  t.equal(listener.peers.length, 0)
  t.ok(listener.failures.every(({ kind, code }) => kind === 'http1' && code.startsWith('HPE_')))
})

t.test('no Host on HTTP/1.1 is 400 (RFC 9112 §3.2)', async (t) => {
  const listener = await startListener(t)
  t.match(await exchange(listener, 'GET / HTTP/1.1\r\n\r\n'), /^HTTP\/1\.1 400 /)
  t.equal(listener.peers.length, 0)
})

t.test('a header above 32 KB is 431; one of 30 KB passes', async (t) => {
  const listener = await startListener(t)
  const head = `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nX: `
  t.match(await exchange(listener, `${head}${'a'.repeat(33 * 1024)}\r\n\r\n`), /^HTTP\/1\.1 431 /)
  t.match(await exchange(listener, `${head}${'a'.repeat(30 * 1024)}\r\n\r\n`), /^HTTP\/1\.1 200 /)
})

t.test('no header field is dropped, however many there are (CVE-2026-58044)', async (t) => {
  let seen = 0
  const listener = await startListener(t, {
    handlers: {
      request(req, res) {
        seen = req.rawHeaders.length / 2
        res.end()
      },
    },
  })
  const fields = Array.from({ length: 3000 }, (_, i) => `a${i}:\r\n`).join('')
  await exchange(listener, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${fields}\r\n`)
  t.equal(seen, 3002)
})

t.test('CONNECT is 405 (RFC 9110 §9.3.6)', async (t) => {
  const listener = await startListener(t)
  const answer = await exchange(listener, `CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  t.match(answer, /^HTTP\/1\.1 405 Method Not Allowed\r\nAllow: GET, /)
  t.equal(listener.peers.length, 0)
})

t.test(
  '100 is never said before the gateway was asked, and other expectations are 417',
  async (t) => {
    const asked: boolean[] = []
    const listener = await startListener(t, {
      handlers: {
        request(_req: IncomingMessage, res: ServerResponse, _peer, continueExpected: boolean) {
          asked.push(continueExpected)
          res.writeHead(403, ['content-length', '0'])
          res.end()
        },
      },
    })
    const head = `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 5\r\n`
    const refused = await exchange(listener, `${head}Expect: 100-Continue\r\n\r\n`)
    t.match(refused, /^HTTP\/1\.1 403 /, 'no 100 before it')
    t.match(refused, /connection: close/i, 'the body may still come: not another request')
    t.match(await exchange(listener, `${head}Expect: cake\r\n\r\n`), /^HTTP\/1\.1 417 /)
    t.same(asked, [true])
  },
)

t.test('only the token websocket, without a body, upgrades', async (t) => {
  const upgrades: string[] = []
  const listener = await startListener(t, {
    handlers: {
      upgrade(req: IncomingMessage, socket: Duplex) {
        upgrades.push(String(req.headers.upgrade))
        socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n')
      },
    },
  })
  const head = `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: upgrade, close\r\n`
  t.match(await exchange(listener, `${head}Upgrade: WebSocket\r\n\r\n`), /^HTTP\/1\.1 101 /)
  for (const more of [
    'Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n',
    'Upgrade: TLS/1.0\r\n',
    'Upgrade: websocket, h2c\r\n',
    'Upgrade: h2c\r\nUpgrade: websocket\r\n',
    'Upgrade: websocket\r\nContent-Length: 0\r\n',
    'Upgrade: websocket\r\nTransfer-Encoding: chunked\r\n',
  ]) {
    const body = more.includes('chunked') ? '0\r\n\r\n' : ''
    const answer = await exchange(listener, `${head}${more}\r\n${body}`)
    t.match(answer, /^HTTP\/1\.1 200 /, JSON.stringify(more))
  }
  t.same(upgrades, ['WebSocket'])
})

t.test(
  'an upgraded connection stays open for what is left to say after the client’s FIN',
  async (t) => {
    const listener = await startListener(t, {
      handlers: {
        upgrade(_req, socket) {
          socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n')
          socket.on('error', () => {})
          socket.resume()
          socket.on('end', () => setImmediate(() => socket.end('last words')))
        },
      },
    })
    const raw = await connect(listener)
    await raw.send(
      `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n`,
    )
    await raw.readUntil('\r\n\r\n')
    raw.end()
    t.equal((await raw.readToEnd()).toString(), 'last words')
    await until(() => listener.listener.stats().open.http1 === 0, 'the connection is gone')
  },
)

t.test('a broken chunk gets 400 while nothing was answered, and silence after that', async (t) => {
  const responses: ServerResponse[] = []
  const listener = await startListener(t, {
    handlers: {
      request(req, res) {
        responses.push(res)
        res.on('error', () => {})
        req.on('error', () => {})
        req.resume()
        if (req.url === '/early') res.write('partial')
      },
    },
  })
  const chunked = `Host: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n`
  const before = await exchange(listener, `POST /late HTTP/1.1\r\n${chunked}zz\r\n`)
  t.match(before, /^HTTP\/1\.1 400 /)
  const raw = await connect(listener)
  await raw.send(`POST /early HTTP/1.1\r\n${chunked}1\r\na\r\n`)
  await raw.readUntil('partial')
  await raw.send('zz\r\n')
  const rest = (await raw.readToEnd()).toString('latin1')
  t.notMatch(rest, /HTTP\/1\.1/, 'no second status line inside an answer')
  t.notMatch(rest, /0\r\n\r\n/, 'the answer does not look complete')
})

t.test('garbage behind a request in flight is not answered in its place', async (t) => {
  const listener = await startListener(t, {
    handlers: { request: (_req, res) => void res.on('error', () => {}) },
  })
  const answer = await exchange(
    listener,
    `GET /slow HTTP/1.1\r\nHost: ${host}\r\n\r\nGARBAGE\r\n\r\n`,
  )
  t.equal(answer, '')
})

t.test('a handler that throws loses its own connection and nothing else', async (t) => {
  const listener = await startListener(t, {
    handlers: {
      request(req, res) {
        if (req.url === '/bug') throw new TypeError('a bug')
        res.end('ok')
      },
      upgrade() {
        throw new TypeError('a bug')
      },
    },
  })
  t.equal(await exchange(listener, `GET /bug HTTP/1.1\r\nHost: ${host}\r\n\r\n`), '')
  const upgrade = 'Connection: upgrade\r\nUpgrade: websocket\r\n'
  t.equal(await exchange(listener, `GET /bug HTTP/1.1\r\nHost: ${host}\r\n${upgrade}\r\n`), '')
  t.match(await listener.failure('bug'), { kind: 'handler', detail: /TypeError: a bug/ })
  const answer = await exchange(
    listener,
    `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
  )
  t.match(answer, /^HTTP\/1\.1 200 /)
})

t.test('requests in flight are counted to the end, pipelined and aborted ones too', async (t) => {
  const held: ServerResponse[] = []
  const listener = await startListener(t, {
    handlers: {
      request(_req, res) {
        res.on('error', () => {})
        held.push(res)
      },
    },
  })
  const { stats } = listener.listener
  const raw = await connect(listener)
  const request = `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`
  await until(() => stats().idle === 1, 'idle before the first request')
  await raw.send(request + request)
  await until(() => held.length === 2, 'both are here')
  t.equal(stats().idle, 0)
  held[0]?.end('one')
  await raw.response()
  t.equal(stats().idle, 0)
  held[1]?.end('two')
  await raw.response()
  await until(() => stats().idle === 1, 'idle again')
  await raw.send(request)
  await until(() => held.length === 3, 'third')
  raw.destroy()
  const res = held[2]
  if (res !== undefined && !res.closed) await once(res, 'close')
  await until(() => stats().open.http1 === 0, 'gone')
  t.equal(stats().idle, 0)
})

t.test('a client that never waits for answers is cut off', async (t) => {
  let requests = 0
  const listener = await startListener(t, { handlers: { request: () => void requests++ } })
  const raw = await connect(listener)
  await raw.send(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`.repeat(300))
  await raw.readToEnd()
  t.equal(requests, 100)
  t.match(await listener.failure('pipeline'), { kind: 'http1', address: '127.0.0.1' })
})

t.test(
  'chunk extensions beyond 16 KB are 413 (.NET’s CVE-2025-55315 is their other danger)',
  async (t) => {
    const listener = await startListener(t, {
      handlers: {
        request(req, res) {
          res.on('error', () => {})
          req.on('error', () => {})
          req.resume()
        },
      },
    })
    const head = `POST / HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n`
    t.match(await exchange(listener, `${head}1;${'a'.repeat(20_000)}\r\nx\r\n`), /^HTTP\/1\.1 413 /)
    t.match(await exchange(listener, `${head}2;\nxx\r\n0\r\n\r\n`), /^HTTP\/1\.1 400 /)
  },
)

t.test('a connection that never brings a request ends, whoever it is', async (t) => {
  const listener = await startListener(t, {
    listen: { timeouts: { headersMs: 100, checkMs: 20 } },
    isCloudflare: () => true,
  })
  const raw = await connect(listener)
  await raw.readToEnd()
  await until(() => listener.listener.stats().open.http1 === 0, 'gone')
})
