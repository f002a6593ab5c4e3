// The attack: `Connection: close, X-Forwarded-Host` makes a proxy take away, as hop-by-hop, the very header it has just set,
// and the application falls back to the client's word or to no check at all.
// Traefik CVE-2024-45410 and its bypass in lower case CVE-2026-29054; Apache CVE-2022-31813; Fabio CVE-2025-48865.

import t from 'tap'
import { appHost, publicRow, recordingBackend, request, startEdge } from '../fixtures/edge.ts'

const backend = await recordingBackend()
t.teardown(() => backend.close())
const edge = await startEdge(t, [
  publicRow('app', backend.port, 'requestHeaders: { set: { X-Api-Key: ours } }'),
])

t.test('no spelling of a nomination takes away what the gateway sets', async (t) => {
  const ours = [
    'x-forwarded-for',
    'x-forwarded-host',
    'x-forwarded-proto',
    'x-forwarded-port',
    'x-real-ip',
    'x-request-id',
    'host',
    'via',
    'x-api-key',
  ]
  for (const connection of [
    `Connection: close, ${ours.join(', ')}`,
    `connection: close,${ours.join(',').toUpperCase()}`,
    ...ours.map((name) => `Connection: close,\t${name} ,`),
    ours.map((name) => `Connection: ${name}`).join('\r\n'),
  ]) {
    await edge.exchange(request('GET /', connection, 'Connection: close', 'X-Api-Key: theirs'))
    for (const name of ours) {
      t.equal(
        backend.requests.at(-1)?.field(name).length,
        1,
        `${name} after ${connection.slice(0, 60)}`,
      )
    }
    t.same(backend.requests.at(-1)?.field('x-api-key'), ['ours'])
    t.same(backend.requests.at(-1)?.field('x-forwarded-host'), [appHost])
  }
})

t.test('nor can framing be named away', async (t) => {
  const before = backend.requests.length
  await edge.exchange(
    `${request('POST /', 'Connection: close, content-length', 'Content-Length: 38')}GET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n`,
  )
  t.equal(backend.requests.length, before + 1)
  t.match(backend.requests.at(-1)?.body, /^GET \/smuggled/)
})
