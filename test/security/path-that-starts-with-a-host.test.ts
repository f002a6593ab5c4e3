// The attack: `GET //public/admin`. To the gateway it is the path /public/admin with a slash too many, below a public
// route. A backend that gives its request target to a URL parser (new URL in JavaScript, urlsplit in Python) reads a host
// `public` and the path /admin, which asks for a sign-in. Beside it: overlong UTF-8, whose `%c0%ae` careless
// decoders take for a dot and `%c0%af` for a slash.

import t from 'tap'
import { appHost, recordingBackend, startEdge } from '../fixtures/edge.ts'

t.test('a path that starts like a host leads to one route or to none', async (t) => {
  const backend = await recordingBackend()
  t.teardown(() => backend.close())
  const to = `to: 'http://127.0.0.1:${backend.port}'`
  const edge = await startEdge(t, [
    `  - { service: App, host: app, ${to} }`,
    `  - { service: App, host: app, path: /pub, ${to}, access: public, prefix: true, sharesUpstreamWith: [app/, open/admin] }`,
    `  - { service: Open, host: open, ${to}, access: public, prefix: true, sharesUpstreamWith: [app/, open/admin] }`,
    `  - { service: Open, host: open, path: /admin, ${to} }`,
  ])
  const statusOf = async (path: string, host: string) => {
    const answer = await edge.exchange(
      `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
      host,
    )
    return Number(answer.slice(9, 12))
  }
  const open = appHost.replace('app', 'open')
  for (const path of ['//pub', '//pub/admin', '///pub/admin', '//%70ub/admin', '//pub//admin']) {
    t.equal(await statusOf(path, appHost), 400, path)
  }
  for (const path of ['//x/admin', '//x@y:1/admin/z', '//admin/x', '////x//admin']) {
    t.equal(await statusOf(path, open), 400, path)
  }
  for (const path of [
    '/pub/%c0%ae%c0%ae/admin',
    '/pub%c0%af..%c0%afadmin',
    '/pub/%e0%80%ae%e0%80%ae/admin',
    '/pub/%f0%80%80%ae',
    '/pub/%C1%9C',
  ]) {
    t.equal(await statusOf(path, appHost), 400, path)
  }
  t.equal(backend.requests.length, 0, 'none of them was forwarded')
  t.equal(await statusOf('//x/y', open), 200, 'where all readings are one route it is not refused')
  t.equal(await statusOf('/pub/%c3%a9%e2%82%ac%f0%9f%98%80', appHost), 200, 'nor is UTF-8')
})
