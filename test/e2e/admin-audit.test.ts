// What the audit log of a gateway that runs holds of everything that was done over the admin: before and after, by whom, and no secret.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import {
  type ApiRequest,
  adminCookie,
  adminHost,
  adminStateCookie,
  atAdmin,
  textAt,
  valueAt,
} from '../fixtures/admin-visitor.ts'
import { loginOrigin, startGateway } from '../fixtures/gateway.ts'
import { accountCookie, browserCookie, sessionCookie } from '../fixtures/people.ts'
import { createPerson } from '../fixtures/person.ts'
import { enterPassword, signInWithPassword } from '../fixtures/sign-in.ts'

const secret = 'a-secret-of-the-gateway-nobody-may-read'
const password = 'correct horse battery'
const gateway = await startGateway({
  routes: `
    - host: app
      to: http://127.0.0.1:9
      access: public
      prefix: true
      requestHeaders: { set: { X-Key: { secret: KEY } } }
  `,
  secrets: { KEY: secret },
  people: [
    {
      id: 'diego',
      groups: ['admin'],
      password,
      totp: true,
      recoveryCodes: true,
      tokens: [{ label: 'all', scopes: ['admin:write'] }],
    },
    { id: 'ana', password: 'battery staple', totp: true, recoveryCodes: true },
  ],
})
t.teardown(() => gateway.close())

/** Whatever must be written down nowhere, by what it is. */
const secrets = new Map<string, string>()
const person = createPerson(gateway)
await enterPassword(person, gateway.known('diego'), { password: 'not my password' })
secrets.set('a wrong password', 'not my password')
await signInWithPassword(person, gateway.known('diego'))
const admin = await atAdmin(person)

t.test('everything that can be done is done', async (t) => {
  const diego = gateway.known('diego')
  const login = new URL(loginOrigin).hostname
  for (const [host, name] of [
    [adminHost, sessionCookie],
    [adminHost, adminCookie],
    [login, accountCookie],
    [login, browserCookie],
  ] as const) {
    secrets.set(name, person.jar.value(host, name) ?? '')
  }
  secrets.set('csrf', admin.csrf['x-csrf-token'] ?? '')
  const done = async (method: string, path: string, request: ApiRequest = {}) => {
    const answer = await admin.call(method, `/api/v1/${path}`, request)
    t.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text.slice(0, 200)}`)
    return answer
  }
  const version = async (path: string) => (await admin.call('GET', `/api/v1/${path}`)).etag

  const bob = await done('POST', 'users', { body: { id: 'bob', email: 'bob@example.com' } })
  const body = { displayName: 'Bob the second', groups: ['family'] }
  await done('PATCH', 'users/bob', { body, ifMatch: bob.etag })
  const link = await done('POST', 'users/bob/invitation', { body: {} })
  secrets.set('an invitation', textAt(link, 'url').split('/').at(-1) ?? '')
  const made = await done('POST', 'tokens', { body: { user: 'bob', label: 'his' } })
  secrets.set('a new token', textAt(made, 'text'))
  await done('DELETE', `tokens/${textAt(made, 'token', 'id')}`)
  const own = await done('POST', 'tokens', { body: { label: 'mine', scopes: ['vms:read'] } })
  secrets.set('another new token', textAt(own, 'text'))
  await done('DELETE', 'tokens?user=diego')
  const anew = await done('POST', 'users/ana/reset', { body: {} })
  secrets.set('a link to begin anew', textAt(anew, 'url').split('/').at(-1) ?? '')
  const off = await done('POST', 'users/ana/disable', { ifMatch: await version('users/ana') })
  await done('POST', 'users/ana/enable', { ifMatch: off.etag })
  const sessions = await admin.call('GET', '/api/v1/sessions?user=diego')
  const others = [0, 1, 2]
    .map((i) => valueAt(sessions, 'items', i))
    .filter((each) => each !== undefined && JSON.stringify(each).includes('"current":false'))
  t.equal(others.length, 1)
  await done('DELETE', `sessions/${diego.session.ref}`)
  await done('DELETE', 'sessions')
  await done('PUT', 'lockdown', { body: { on: true } })
  await done('PUT', 'lockdown', { body: { on: false } })
  await done('POST', 'certificates/reload')

  let { etag } = await admin.call('GET', '/api/v1/routes/file')
  const saved = async (method: string, path: string, body: unknown) => {
    const answer = await done(method, path, { body, ifMatch: etag })
    etag = answer.etag
    return answer
  }
  const raw = { to: 'http://127.0.0.1:10', requestHeaders: { set: { 'X-Key': { secret: 'KEY' } } } }
  await saved('POST', 'routes', { host: 'new', raw })
  await saved('PUT', 'routes/new~1', { raw: { host: 'new', ...raw, webSocket: true } })
  await saved('POST', 'routes/new~1/disable', { note: 'while I look' })
  const file = await admin.call('GET', '/api/v1/routes/file')
  await saved('PUT', 'routes/file', { text: `${textAt(file, 'text')}# a comment\n` })
  const history = await admin.call('GET', '/api/v1/routes/history')
  await saved('POST', `routes/history/${textAt(history, 'items', 1, 'id')}/restore`, {})
  const same = textAt(await admin.call('GET', '/api/v1/routes/file'), 'text')
  await saved('PUT', 'routes/file', { text: same })
  await done('DELETE', 'routes/new~1', { ifMatch: etag })
  const refused = await admin.call('DELETE', '/api/v1/routes/app~1', { ifMatch: 'older' })
  t.equal(refused.status, 412)
  await done('DELETE', 'users/bob', { ifMatch: await version('users/bob') })
})

const expected = [
  ...['user-added', 'user-changed', 'user-disabled', 'user-enabled', 'user-removed', 'user-reset'],
  ...['link-made', 'token-added', 'token-revoked', 'session-revoked', 'lockdown'],
  ...['certificates-reloaded', 'route-added', 'route-changed', 'route-removed'],
  ...['routes-saved', 'routes-restored'],
]

t.test('each of it is written down, once, with before and after', async (t) => {
  const entries: Record<string, unknown>[] = []
  for (let cursor = ''; ; ) {
    const part = await admin.call('GET', `/api/v1/audit?limit=7${cursor}`)
    for (let i = 0; valueAt(part, 'items', i) !== undefined; i++) {
      entries.push({ ...(valueAt(part, 'items', i) as object) })
    }
    const next = valueAt(part, 'next')
    if (typeof next !== 'string') break
    cursor = `&cursor=${next}`
  }
  const events = new Set(entries.map(({ event }) => event))
  t.same(
    expected.filter((event) => !events.has(event)),
    [],
    'every kind',
  )
  const details = (event: string) => entries.filter((each) => each.event === event)
  for (const each of entries.filter(({ event }) => expected.includes(String(event)))) {
    t.match(each, { actor: 'diego', client: '127.0.0.1', request: String, at: String })
  }
  t.match(details('user-changed'), [
    { user: 'bob', details: { before: /"groups":\[\]/, after: /"groups":\["family"\]/ } },
  ])
  t.match(details('lockdown'), [
    { details: { before: '{"on":true}', after: '{"on":false}' } },
    { details: { before: '{"on":false}', after: '{"on":true}' } },
  ])
  const changes = details('route-changed')
  t.match(changes[1], { details: { before: /"to":/, after: /"webSocket":true/, route: 'new/' } })
  t.match(changes[0], { details: { change: 'disable', note: 'while I look', before: /"to":/ } })
  t.match(details('routes-saved'), [{ details: { before: /"etag"/, after: /"etag"/ } }])
  t.equal(details('routes-saved').length, 1, 'a save that changes nothing is none')
  t.equal(details('routes-restored').length, 1)
  t.equal(details('route-removed').length, 1, 'what was refused was not done')
  t.match(details('token-added')[0], { details: { after: /"label":"mine"/ } })
})

t.test('no secret is in it, nor in any log, nor in an answer that lists things', async (t) => {
  for (const id of ['diego', 'ana']) {
    const known = gateway.known(id)
    secrets.set(`password of ${id}`, known.password ?? '')
    secrets.set(`authenticator of ${id}`, known.totpSecret)
    secrets.set(`session of ${id}`, known.session.token)
    secrets.set(`account of ${id}`, known.session.accountToken)
    for (const [i, code] of known.recoveryCodes.entries()) secrets.set(`code ${i} of ${id}`, code)
    for (const [label, text] of Object.entries(known.tokens)) secrets.set(label, text)
  }
  secrets.set('KEY', secret)
  const places = new Map<string, string>()
  for (const path of [
    ...['audit?limit=500', 'audit/export', 'users', 'users/diego', 'users/ana', 'sessions'],
    ...['tokens', 'routes', 'routes/file', 'routes/history', 'house', 'health', 'metrics', 'bans'],
  ]) {
    const answer = await admin.call('GET', `/api/v1/${path}`)
    t.equal(answer.status, 200, path)
    places.set(path, answer.text)
  }
  places.set('the event log', JSON.stringify(gateway.events()))
  places.set('the access log', JSON.stringify(await gateway.accessLines()))
  const database = await readFile(join(gateway.directory, 'data/gatehouse.db'), 'latin1')
  places.set('the database', database)
  t.match(places.get('audit/export'), 'user-changed')
  for (const [what, text] of secrets) {
    t.ok(text.length >= 10, `${what} is known`)
    for (const [place, content] of places) {
      if (content.includes(text)) t.fail(`${what} is in ${place}`)
    }
  }
  const state = admin.person.jar.value(adminHost, adminStateCookie)
  t.equal(state, null, 'and the secret of the way in is gone')
})
