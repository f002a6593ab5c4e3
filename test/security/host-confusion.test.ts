// The attack: two names of a host in one request, or one name in two spellings; the check takes the one, the backend the other.
// Authelia CVE-2026-48794 (mixed case); Traefik CVE-2026-53622; Node CVE-2026-48928; RFC 9110 §7.2, RFC 9112 §3.2, RFC 9113 §8.3.1.

import t from 'tap'
import { publicRow, recordingBackend, startEdge, statuses } from '../fixtures/edge.ts'

const open = await recordingBackend()
const secret = await recordingBackend()
t.teardown(() => Promise.all([open.close(), secret.close()]))
const edge = await startEdge(t, [
  publicRow('public', open.port),
  `  - { host: admin, to: 'http://127.0.0.1:${secret.port}' }`,
])
const name = 'admin.gate.test'
const other = 'public.gate.test'

async function ask(head: string, servername: string): Promise<number | undefined> {
  return statuses(await edge.exchange(`${head}\r\nConnection: close\r\n\r\n`, servername))[0]
}

t.test('every spelling of the private host is the private host', async (t) => {
  for (const host of [
    name,
    'ADMIN.Gate.Test',
    `${name}.`,
    `${name}:443`,
    `Admin.gate.test.:8443`,
    `${name}:`,
  ]) {
    t.equal(await ask(`GET / HTTP/1.1\r\nHost: ${host}`, name), 401, host)
  }
  for (const host of [
    `${other}@${name}`,
    `${name}@${other}`,
    `${name},${other}`,
    `${name} ${other}`,
    `${name}/`,
    `${name}#`,
    `${name}%00`,
    `${name}\\.${other}`,
  ]) {
    t.equal(await ask(`GET / HTTP/1.1\r\nHost: ${host}`, name), 400, host)
  }
})

t.test('a connection for one host carries no request for another', async (t) => {
  t.equal(await ask(`GET / HTTP/1.1\r\nHost: ${name}`, other), 421)
  t.equal(await ask(`GET / HTTP/1.1\r\nHost: ${other}`, name), 421)
  const client = await edge.h2(other)
  t.equal((await client.request({ host: name })).status, 421)
  t.equal((await client.request({ headers: { host: name } })).status, 400)
  t.equal(
    (await client.request({ host: other, headers: { host: 'PUBLIC.gate.test:443' } })).status,
    200,
  )
})

t.test('the absolute form wins over Host, for routing, policy and backend alike', async (t) => {
  const absolute = (host: string) => `GET http://${host}/ HTTP/1.1\r\nHost: ${other}`
  t.equal(await ask(absolute(name), name), 401)
  t.equal(await ask(absolute(name), other), 421)
  t.equal(await ask(absolute(`${other}@${name}`), name), 400)
  t.equal(await ask(`GET http://${other}/ HTTP/1.1\r\nHost: ${name}`, other), 200)
  t.same(open.requests.at(-1)?.field('host'), [other])
  t.equal(await ask(`GET / HTTP/1.1\r\nHost: ${other}\r\nX-Forwarded-Host: ${name}`, other), 200)
  t.same(open.requests.at(-1)?.field('x-forwarded-host'), [other])
})

t.test('the private backend heard of nothing', async (t) => {
  t.equal(secret.requests.length, 0)
})
