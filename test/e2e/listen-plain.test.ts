import t from 'tap'
import { rawClient } from '../fixtures/clients.ts'
import { startListener } from '../fixtures/listener.ts'

async function ask(port: number, bytes: string) {
  const raw = await rawClient(port)
  await raw.send(bytes)
  const answer = await raw.readUntil('\r\n\r\n')
  raw.destroy()
  const text = answer.toString('latin1')
  return {
    status: Number(text.slice(9, 12)),
    location: /\r\nlocation: ([^\r]*)/i.exec(text)?.[1] ?? null,
  }
}

t.test(
  'port 80 sends to https: 301 for GET and HEAD, 308 for all else (RFC 9110 §15.4.9)',
  async (t) => {
    const { http } = await startListener(t)
    for (const [method, status] of [
      ['GET', 301],
      ['HEAD', 301],
      ['POST', 308],
      ['PUT', 308],
      ['DELETE', 308],
      ['OPTIONS', 308],
    ] as const) {
      const got = await ask(
        http,
        `${method} /a%20b?q=1 HTTP/1.1\r\nHost: A.Gate.TEST:80\r\nContent-Length: 0\r\n\r\n`,
      )
      t.same(got, { status, location: 'https://a.gate.test/a%20b?q=1' }, method)
    }
  },
)

t.test('the port visitors use is in the address, unless it is 443', async (t) => {
  const { http } = await startListener(t, { listen: { publicPort: 8443 } })
  const got = await ask(http, 'GET / HTTP/1.1\r\nHost: a.gate.test\r\n\r\n')
  t.equal(got.location, 'https://a.gate.test:8443/')
})

t.test('an absolute target names the host (RFC 9112 §3.2.2)', async (t) => {
  const { http } = await startListener(t)
  const got = await ask(http, 'GET http://b.gate.test/x HTTP/1.1\r\nHost: a.gate.test\r\n\r\n')
  t.equal(got.location, 'https://b.gate.test/x')
  const bare = await ask(http, 'GET http://b.gate.test HTTP/1.1\r\nHost: a.gate.test\r\n\r\n')
  t.equal(bare.location, 'https://b.gate.test/')
})

t.test('nobody is sent to a host that is not ours, or is no host', async (t) => {
  const { http } = await startListener(t)
  for (const host of ['evil.test', 'a.gate.test.evil.test', '127.0.0.1'])
    t.same(
      await ask(http, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`),
      { status: 404, location: null },
      host,
    )
  for (const host of [
    'a.gate.test@evil.test',
    'a.gate.test/evil',
    '',
    'a..gate.test',
    '[::1]',
    'a.gate.test:99999',
    'a b',
    'a.gate.test, evil.test',
    'ä.gate.test',
  ])
    t.same(
      await ask(http, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`),
      { status: 400, location: null },
      host,
    )
  t.equal(
    (await ask(http, 'GET / HTTP/1.1\r\nHost: a.gate.test\r\nHost: evil.test\r\n\r\n')).status,
    400,
  )
  t.equal((await ask(http, 'GET / HTTP/1.0\r\n\r\n')).status, 400)
  t.equal((await ask(http, 'GET / HTTP/1.1\r\n\r\n')).status, 400)
})

t.test('a target that could be read as another host is refused', async (t) => {
  const { http } = await startListener(t)
  for (const target of [
    '*',
    '/a#b',
    '/\\evil.test',
    '/a"b',
    'http://a.gate.test@evil.test/',
    'https://evil.test/',
  ])
    t.equal(
      (await ask(http, `GET ${target} HTTP/1.1\r\nHost: a.gate.test\r\n\r\n`)).status,
      400,
      target,
    )
  const double = await ask(http, 'GET //evil.test/x HTTP/1.1\r\nHost: a.gate.test\r\n\r\n')
  t.equal(double.location, 'https://a.gate.test//evil.test/x')
})

t.test('whoever answers for the plain port answers alone', async (t) => {
  const { http } = await startListener(t, {
    handlers: {
      plain(req, res, peer) {
        if (!req.url?.startsWith('/.well-known/acme-challenge/')) return false
        t.match(peer, { tlsVersion: null, serverName: null, clientCertificate: 'unasked' })
        res.end('token')
        return true
      },
    },
  })
  const acme = 'GET /.well-known/acme-challenge/x HTTP/1.1\r\nHost: new.test\r\n\r\n'
  t.equal((await ask(http, acme)).status, 200)
  t.equal((await ask(http, 'GET / HTTP/1.1\r\nHost: a.gate.test\r\n\r\n')).status, 301)
})

t.test('an upgrade, an expectation and CONNECT open nothing on the plain port', async (t) => {
  const { http } = await startListener(t)
  const head = 'HTTP/1.1\r\nHost: a.gate.test\r\n'
  const upgrade = `GET / ${head}Connection: upgrade\r\nUpgrade: websocket\r\n\r\n`
  t.equal((await ask(http, upgrade)).status, 301)
  const expect = `POST / ${head}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n`
  t.equal((await ask(http, expect)).status, 308)
  t.equal((await ask(http, `CONNECT a.gate.test:443 ${head}\r\n`)).status, 405)
  t.equal((await ask(http, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')).status, 400)
})
