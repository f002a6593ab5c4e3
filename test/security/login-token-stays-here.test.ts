// The attack: a service that a program talks to keeps the program's token and uses it on other services; or somebody reads it in
// a log, in a Referer, in a page. However a token came (Bearer, Basic, its own header, a segment of the path), the backend
// receives the request without it, and no log of ours holds it.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { webSocketBackend } from '../fixtures/backends.ts'
import {
  appHost,
  privateRow,
  publicRow,
  recordingBackend,
  request,
  startEdge,
  statuses,
} from '../fixtures/edge.ts'
import { testDomain } from '../fixtures/gateway.ts'
import { cookieOf } from '../fixtures/people.ts'
import { createPerson } from '../fixtures/person.ts'

const backend = await recordingBackend()
const sockets = await webSocketBackend()
t.teardown(() => Promise.all([backend.close(), sockets.close()]))
const edge = await startEdge(
  t,
  [
    privateRow('app', backend.port),
    publicRow('open', backend.port, 'sharesUpstreamWith: [app/]'),
    privateRow('chat', sockets.port, 'access: login, webSocket: true'),
  ],
  {
    people: [
      { id: 'diego', tokens: [{ label: 'all' }, { label: 'other', hosts: ['chat.gate.test'] }] },
    ],
  },
)
const { all: token = '', other = '' } = edge.gateway.known('diego').tokens
const basic = (user: string, password: string) =>
  `Authorization: Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

/** Line and fields of a request, and the target the backend must see. */
const ways: readonly (readonly [line: string, fields: readonly string[], target: string])[] = [
  ['GET /x?y=1', [`Authorization: Bearer ${token}`], '/x?y=1'],
  ['GET /x', [`authorization: bearer ${token}`], '/x'],
  ['GET /x', [`Authorization: BEARER  ${token}`], '/x'],
  ['GET /x', [basic('diego', token)], '/x'],
  ['GET /x', [basic('', token)], '/x'],
  ['GET /x', [`X-Gatehouse-Token: ${token}`], '/x'],
  ['GET /x', [`x-gatehouse-TOKEN: ${token}`], '/x'],
  [`GET /.gatehouse/t/${token}/x?y=1`, [], '/x?y=1'],
  [`GET /.gatehouse/t/${token}/`, [], '/'],
  [`GET /.gatehouse/t/${token}`, [], '/'],
  [`PROPFIND /.gatehouse/t/${token}/cal/diego/`, [], '/cal/diego/'],
  [`GET /.gatehouse/t/${token}/x`, [`Authorization: Bearer ${token}`, basicToken()], '/x'],
]

function basicToken(): string {
  return `X-Gatehouse-Token: ${token}`
}

function leaks(head: string): boolean {
  return (
    head.includes(token) ||
    head.includes(Buffer.from(`diego:${token}`).toString('base64')) ||
    /gth_/.test(head)
  )
}

t.test('each way signs in, and none arrives', async (t) => {
  for (const [line, fields, target] of ways) {
    const bytes = request(line, ...fields, 'Connection: close')
    t.same(statuses(await edge.exchange(bytes)), [200], line)
    const arrived = backend.requests.at(-1)
    t.match(arrived?.head, new RegExp(`^\\w+ ${target.replace('?', '\\?')} HTTP`))
    t.notOk(leaks(arrived?.head ?? ''), `${line} ${fields.join(' ')}\n${arrived?.head}`)
    t.same(arrived?.field('authorization'), [])
    t.same(arrived?.field('x-gatehouse-token'), [])
    t.same(arrived?.field('remote-user'), ['diego'])
  }
})

t.test('over HTTP/2, and in a WebSocket’s handshake', async (t) => {
  const client = await edge.h2()
  for (const headers of [
    { authorization: `Bearer ${token}` },
    { 'x-gatehouse-token': token },
    { authorization: basic('diego', token).slice('Authorization: '.length) },
  ]) {
    t.equal((await client.request({ headers })).status, 200)
    t.notOk(leaks(backend.requests.at(-1)?.head ?? ''))
  }
  t.equal((await client.request({ path: `/.gatehouse/t/${token}/y` })).status, 200)
  t.notOk(leaks(backend.requests.at(-1)?.head ?? ''))
  const person = createPerson(edge.gateway)
  for (const [path, headers] of [
    ['/', { authorization: `Bearer ${token}` }],
    [`/.gatehouse/t/${token}/ws`, {}],
  ] as const) {
    const socket = await person.webSocket(`https://chat.${testDomain}${path}`, headers)
    const upgrade = sockets.upgrades.at(-1)
    t.notOk(leaks(JSON.stringify(upgrade?.rawHeaders) + upgrade?.url), path)
    socket.destroy()
  }
})

t.test('nor where everyone may enter, or with another token beside it', async (t) => {
  const host = `open.${testDomain}`
  for (const [line, fields] of ways) {
    const bytes = request(line, ...fields, 'Connection: close').replace(appHost, host)
    t.same(statuses(await edge.exchange(bytes, host)), [200], line)
    t.notOk(leaks(backend.requests.at(-1)?.head ?? ''), line)
  }
})

t.test('a page behind a secret path does not tell it on', async (t) => {
  const answer = await edge.exchange(request(`GET /.gatehouse/t/${token}/x`, 'Connection: close'))
  t.match(answer, /^referrer-policy: no-referrer\r$/im)
  t.notMatch(answer, token)
})

t.test('where WebDAV is to move something is an address without it', async (t) => {
  const base = `https://${appHost}/.gatehouse/t/${token}`
  for (const [field, value, expected] of [
    ['Destination', `${base}/cal/b.ics`, `https://${appHost}/cal/b.ics`],
    ['Destination', `/.gatehouse/t/${token}/cal/b.ics`, '/cal/b.ics'],
    ['Destination', base, `https://${appHost}`],
    [
      'If',
      `<${base}/a> (<urn:x>) <${base}/b?c> (["e"])`,
      `<https://${appHost}/a> (<urn:x>) <https://${appHost}/b?c> (["e"])`,
    ],
    ['Destination', `https://${appHost}/cal/c.ics`, `https://${appHost}/cal/c.ics`],
  ] as const) {
    await edge.exchange(
      request(`MOVE /.gatehouse/t/${token}/cal/a.ics`, `${field}: ${value}`, 'Connection: close'),
    )
    const arrived = backend.requests.at(-1)
    t.match(arrived?.head, /^MOVE \/cal\/a\.ics HTTP/)
    t.strictSame(arrived?.field(field), [expected])
    t.notOk(leaks(arrived?.head ?? ''))
  }
})

t.test('nor does it arrive in an Authorization that somebody wrote wrongly', async (t) => {
  const encoded = (text: string) => Buffer.from(text).toString('base64')
  const session = `Cookie: ${cookieOf(edge.gateway.known('diego'))}`
  const before = backend.requests.length
  for (const value of [
    `Bearer x, Bearer ${token}`,
    `Bearer "${token}"`,
    `bearer,${token}`,
    `Bearer=${token}`,
    `Token token=${token}`,
    `Digest username="diego", response="${token}"`,
    `AWS4-HMAC-SHA256 Credential=${token}/20261121, Signature=y`,
    `Basic ${encoded(`diego:x:${token}`)}`,
    `Basic ${encoded(`diego: ${token}`)}`,
    `Basic ${encoded(`x ${token}`)}`,
    `Basic diego:${token}`,
    `Bearer ${token}.`,
    `${token} Bearer`,
  ]) {
    for (const fields of [[], [session]]) {
      const bytes = request('GET /x', `Authorization: ${value}`, ...fields, 'Connection: close')
      t.same(statuses(await edge.exchange(bytes)), [401], value)
    }
  }
  t.equal(backend.requests.length, before)
})

t.test('it is not in the Referer that a page behind the path sends', async (t) => {
  const referer = `Referer: https://${appHost}/.gatehouse/t/${token}/page`
  const fields = [`Authorization: Bearer ${token}`, referer, 'Connection: close']
  await edge.exchange(request('GET /x', ...fields))
  t.notOk(leaks(backend.requests.at(-1)?.head ?? ''), 'in the head')
})

t.test('no log of ours holds it', async (t) => {
  await edge.exchange(request(`GET /.gatehouse/t/gth_${'A'.repeat(43)}/x`, 'Connection: close'))
  await edge.exchange(
    request(`GET /x/${other}/y`, `Authorization: Bearer ${token}`, 'Connection: close'),
  )
  await edge.exchange(
    request(`GET /x?token=${other}`, `Authorization: Bearer ${token}`, 'Connection: close'),
  )
  await edge.gateway.accessLines()
  const access = await readFile(join(edge.gateway.directory, 'access.log'), 'utf8')
  const all = access + JSON.stringify(edge.gateway.events())
  t.notMatch(all, token)
  t.notMatch(all, other)
  t.notMatch(all, 'A'.repeat(43))
  t.match(access, '/.gatehouse/t/***/', 'masked, not left out')
})
