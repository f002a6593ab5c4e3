// A stranger opens many requests to a public page, and reads none of the answers or lets a slow backend take its time.
// With a bounded pool and a plain queue, everybody else then waits behind him: a denial of service that needs one
// laptop. A quarter of the connections is kept for others. (CWE-770; nginx leaves it to limit_conn, which few set.)

import { lookup } from 'node:dns'
import t from 'tap'
import type { UpstreamListener } from '../../src/proxy/call.ts'
import { createUpstream } from '../../src/proxy/upstream.ts'
import { httpBackend } from '../fixtures/backends.ts'

t.test('a client with hundreds of slow requests does not keep another one out', async (t) => {
  const held: (() => void)[] = []
  const backend = await httpBackend((req, res) => {
    if (req.url === '/slow') held.push(() => res.end('late'))
    else res.end('quick')
  })
  const upstream = createUpstream(
    {
      kind: 'upstream',
      scheme: 'http',
      hostname: '127.0.0.1',
      port: backend.port,
      vm: null,
      tls: null,
    },
    { connectMs: 5_000, serverName: null },
    { readFile: () => Buffer.alloc(0), lookup },
  )
  t.teardown(async () => {
    upstream.close()
    await backend.close()
  })

  const ask = (client: string, path: string) =>
    new Promise<string>((resolve) => {
      let body = ''
      const listener: UpstreamListener = {
        upstreamInterim() {},
        upstreamHead() {},
        upstreamData: (chunk) => {
          body += chunk.toString()
        },
        upstreamEnd: () => resolve(body),
        upstreamSwitched() {},
        upstreamFailed: (code) => resolve(code),
      }
      const request = { method: 'GET', path, headers: [], body: null, client } as const
      upstream.send({ ...request, headers: [], webSocket: false, repeatable: true }, listener, 0)
    })

  const slow = Array.from({ length: 300 }, () => ask('203.0.113.1', '/slow'))
  t.equal(await ask('203.0.113.2', '/quick'), 'quick', 'the other is served at once')
  const { active, waiting } = upstream.state()
  t.equal(active + waiting, 300, 'nobody was refused')
  t.ok(active < 128, `${active} of 128 connections are held`)
  t.ok(active > 32, 'and more than a quarter, while nobody else needs them')

  // And he is served too, in the end.
  const answers = Promise.all(slow)
  const release = setInterval(() => {
    for (const answer of held.splice(0)) answer()
  }, 5)
  t.teardown(() => clearInterval(release))
  t.strictSame(new Set(await answers), new Set(['late']))
  t.equal(upstream.state().waiting, 0)
})
