// A request target that two readers take differently leads past whoever checked it.
//
// HTTP/2: `:path` is a path, never a whole URL (RFC 9113 §8.3.1). nghttp2 checks that only where `:scheme` is http or
// https; with another scheme a URL came through, and its authority replaced `:authority`.
//
// Redirects that keep the path: `//old/x` and `/%6fld/x` match the route `/old`, but cutting four characters off them left
// `d/x` and `ld/x`, which went into the location as if they had been asked for.

import { connect } from 'node:http2'
import t from 'tap'
import { echoBackend } from '../fixtures/backends.ts'
import { http1 } from '../fixtures/clients.ts'
import { startGateway, testDomain } from '../fixtures/gateway.ts'

const backend = await echoBackend()
const gateway = await startGateway({
  routes: `
  - { host: open, to: '${backend.origin}', access: public, prefix: true }
  - { host: moved, path: /old, to: { redirect: 'https://new.example', keepPath: true }, access: public, prefix: true }
`,
})
t.teardown(async () => {
  await gateway.close()
  await backend.close()
})
const ca = gateway.ca.certPem

/** Status of one request over HTTP/2 with these pseudo-headers. */
function statusOf(pseudo: { ':scheme': string; ':path': string }): Promise<number> {
  const authority = `open.${testDomain}`
  const session = connect(`https://127.0.0.1:${gateway.https}`, { ca, servername: authority })
  t.teardown(() => session.destroy())
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':authority': authority, ...pseudo })
    stream.on('response', (headers) => resolve(Number(headers[':status'])))
    stream.on('error', reject)
  })
}

t.test('a whole URL in :path is refused, whatever :scheme says (RFC 9113 §8.3.1)', async (t) => {
  t.equal(await statusOf({ ':scheme': 'https', ':path': '/x' }), 200)
  const url = `https://open.${testDomain}/x`
  t.equal(await statusOf({ ':scheme': 'other', ':path': url }), 400)
})

t.test(
  'a redirect that keeps the path cuts the route off where it stands, or not at all',
  async (t) => {
    const ask = (path: string) =>
      http1(gateway.https, { host: `moved.${testDomain}`, path, tls: { ca } })
    t.equal((await ask('/old/x?y')).headers.location, 'https://new.example/x?y')
    t.equal((await ask('/old')).headers.location, 'https://new.example')
    for (const path of ['//old/x', '/%6fld/x', '/ol%64/x'])
      t.equal((await ask(path)).status, 400, path)
  },
)
