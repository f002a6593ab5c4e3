// Routes of a gateway that runs, edited over its API: by programs, by two people at once, and beside an editor.

import { appendFile, readFile, writeFile } from 'node:fs/promises'
import t from 'tap'
import {
  type ApiAnswer,
  adminHost,
  openAdmin,
  program,
  textAt,
  valueAt,
} from '../fixtures/admin-visitor.ts'
import { type Backend, httpBackend } from '../fixtures/backends.ts'
import { type ClientResponse, http1 } from '../fixtures/clients.ts'
import { startGateway, testDomain } from '../fixtures/gateway.ts'
import { eventually } from '../fixtures/wake-house.ts'

const backend = await named('one')
const other = await named('two')
const third = await named('three')
const person = { id: 'diego', groups: ['admin'] }
const gateway = await startGateway({
  routes: `
    # What everybody may see.
    - { host: app, to: '${backend.origin}', access: public, prefix: true }   # the oldest
    - host: vault
      path: /vaultwarden
      to: ${other.origin}   # not for everybody
  `,
  undoMs: 1_500,
  people: [
    {
      ...person,
      tokens: [
        { label: 'writes', scopes: ['routes:write'] },
        { label: 'reads', scopes: ['routes:read'] },
        { label: 'sees machines', scopes: ['vms:read'] },
        { label: 'services' },
        { label: 'for git alone', scopes: ['admin:write'], hosts: [`git.${testDomain}`] },
        { label: 'is over', scopes: ['admin:write'], expiresAt: Date.now() - 1 },
      ],
    },
    { id: 'eve', groups: ['admin'] },
    { id: 'ana', tokens: [{ label: 'hers', scopes: ['admin:write'] }] },
  ],
})
t.teardown(() => Promise.all([gateway.close(), backend.close(), other.close(), third.close()]))
const token = (label: string) => gateway.known('diego').tokens[label] ?? ''
const writer = program(gateway, token('writes'))
const file = '/api/v1/routes/file'

t.test('what a token may do is written on it', async (t) => {
  const reader = program(gateway, token('reads'), 'x-gatehouse-token')
  const seen = await reader.call('GET', '/api/v1/routes')
  t.equal(seen.status, 200)
  t.same(
    [0, 1, 2, 3].map((i) => valueAt(seen, 'items', i, 'id')),
    ['auth/', 'proxy/', 'app/', 'vault/vaultwarden'],
  )
  const change = { kind: 'remove', id: 'app/' }
  const tried = await reader.call('POST', '/api/v1/routes/preview', { body: { change } })
  t.equal(tried.status, 200, 'trying something out changes nothing')
  const refused = await reader.call('DELETE', '/api/v1/routes/app~1', { ifMatch: seen.etag })
  t.equal(refused.status, 403)
  t.match(refused.json, { code: 'scope-missing', detail: /routes:write/ })
  const cases = [
    ['sees machines', 403],
    ['services', 401],
    ['for git alone', 401],
    ['is over', 401],
  ] as const
  for (const [label, status] of cases) {
    for (const header of ['authorization', 'x-gatehouse-token'] as const) {
      const answer = await program(gateway, token(label), header).call('GET', '/api/v1/routes')
      t.equal(answer.status, status, `${label} in ${header}`)
      t.notMatch(answer.text, 'vault', 'and nothing is told')
    }
  }
  const hers = program(gateway, gateway.known('ana').tokens.hers ?? '')
  t.equal((await hers.call('GET', '/api/v1/routes')).status, 403, 'of nobody who administers')
  const page = await writer.call('GET', '/', { headers: { accept: 'text/html' } })
  t.not(page.status, 200, 'a token opens no page')
})

t.test('a route is tried, saved, and in force at the next request', async (t) => {
  const before = await readFile(gateway.routesFile, 'utf8')
  const read = await writer.call('GET', file)
  t.match(read.json, { text: before, etag: read.etag, inForce: true, pending: null })
  t.same(valueAt(read, 'problems'), [])
  t.equal((await ask('new')).status, 404)
  const route = { host: 'new', raw: { to: third.origin, access: 'public', prefix: true } }
  const change = { kind: 'add', ...route }
  const tried = await writer.call('POST', '/api/v1/routes/preview', { body: { change } })
  t.same([valueAt(tried, 'problems'), valueAt(tried, 'dangers')], [[], []])
  t.match(textAt(tried, 'text'), 'host: new')
  t.match(JSON.stringify(valueAt(tried, 'access')), /new/)
  t.equal(await readFile(gateway.routesFile, 'utf8'), before, 'nothing is written by that')
  const unseen = await writer.call('POST', '/api/v1/routes', { body: route })
  t.equal(unseen.status, 428)
  const wrong = await writer.call('POST', '/api/v1/routes', { body: route, ifMatch: 'something' })
  t.equal(wrong.status, 412)
  t.equal(await readFile(gateway.routesFile, 'utf8'), before)
  const saved = await writer.call('POST', '/api/v1/routes', { body: route, ifMatch: read.etag })
  t.equal(saved.status, 201, saved.text)
  t.equal((await ask('new')).text, 'three', 'the very next request')
  const after = await readFile(gateway.routesFile, 'utf8')
  t.equal(after, textAt(tried, 'text'), 'what was shown is what was written')
  t.match(after, '# What everybody may see.')
  t.match(after, '# the oldest')
  t.match((await writer.call('GET', file)).json, { inForce: true, text: after })
  const key = '/api/v1/routes/new~1'
  const { etag } = saved
  t.equal((await writer.call('DELETE', key, { ifMatch: etag })).status, 200)
  t.equal((await ask('new')).status, 404)
  t.equal(await readFile(gateway.routesFile, 'utf8'), before, 'and back, to the byte')
})

t.test('a change that weakens access is named, and in force once somebody saw it', async (t) => {
  const raw = { path: '/vaultwarden', to: other.origin, access: 'public', prefix: true }
  const edit = { kind: 'edit', id: 'vault/vaultwarden', raw: { host: 'vault', ...raw } }
  const tried = await writer.call('POST', '/api/v1/routes/preview', { body: { change: edit } })
  t.match(valueAt(tried, 'access'), [{ kind: 'weaker', sentence: /vault\/vaultwarden: .*→/ }])
  t.equal((await ask('vault', '/vaultwarden/')).status, 401)
  const key = '/api/v1/routes/vault~1vaultwarden'
  const { etag, json } = await writer.call('GET', key)
  const saved = await writer.call('PUT', key, { body: { raw: edit.raw }, ifMatch: etag })
  t.equal(saved.status, 200, saved.text)
  t.equal((await ask('vault', '/vaultwarden/')).text, 'two')
  const back = { body: { raw: json.raw }, ifMatch: saved.etag }
  t.equal((await writer.call('PUT', key, back)).status, 200)
  t.equal((await ask('vault', '/vaultwarden/')).status, 401)
})

t.test('with onWeakerAccess: hold a hand’s change is held, the editor’s is not', async (t) => {
  const read = await writer.call('GET', file)
  const was = textAt(read, 'text')
  const held = was.replace('\nroutes:', '\nonWeakerAccess: hold\nroutes:')
  const put = await writer.call('PUT', file, { body: { text: held }, ifMatch: read.etag })
  t.equal(put.status, 200, put.text)
  const open = held.replace('# not for everybody', '\n    access: public\n    prefix: true')
  await writeFile(gateway.routesFile, open)
  await gateway.running.reload('changed')
  t.equal((await ask('vault', '/vaultwarden/')).status, 401, 'held back')
  const now = await writer.call('GET', file)
  t.match(now.json, { inForce: false, held: [{ kind: 'weaker' }] })
  await writeFile(gateway.routesFile, held)
  await gateway.running.reload('changed')
  const { etag } = await writer.call('GET', file)
  const saved = await writer.call('PUT', file, { body: { text: open }, ifMatch: etag })
  t.equal(saved.status, 200, saved.text)
  t.equal((await ask('vault', '/vaultwarden/')).text, 'two', 'in force')
  const restored = await writer.call('PUT', file, { body: { text: was }, ifMatch: saved.etag })
  t.equal(restored.status, 200, restored.text)
  t.equal((await ask('vault', '/vaultwarden/')).status, 401)
})

t.test('mistakes are named by line, and nothing is written', async (t) => {
  const read = await writer.call('GET', file)
  const was = textAt(read, 'text')
  const text = `${was}  - { host: bad, to: 'http://169.254.169.254/' }\n  - { hots: x }\n`
  const refused = await writer.call('PUT', file, { body: { text }, ifMatch: read.etag })
  t.equal(refused.status, 422)
  t.match(refused.json, { code: 'routes-invalid' })
  const lines = was.split('\n').length
  const problems = JSON.stringify(valueAt(refused, 'preview', 'problems'))
  t.match(problems, `"line":${lines}`)
  t.match(problems, `"line":${lines + 1}`)
  t.equal(await readFile(gateway.routesFile, 'utf8'), was)
})

t.test(
  'of two people who save at once one wins, and the other is shown what changed',
  async (t) => {
    const [diego, eve] = [await openAdmin(gateway, 'diego'), await openAdmin(gateway, 'eve')]
    const read = await diego.call('GET', file)
    const add = (who: typeof diego, name: string, ifMatch: string) =>
      who.call('POST', '/api/v1/routes', {
        body: { host: name, raw: { to: backend.origin, access: 'public', prefix: true } },
        ifMatch,
      })
    const names = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => `race-${name}`)
    const answers = await Promise.all(
      names.map((name, i) => add(i % 2 === 0 ? diego : eve, name, read.etag)),
    )
    const won = names.filter((_, i) => answers[i]?.status === 201)
    t.equal(won.length, 1)
    t.same(new Set(answers.map(({ status }) => status)), new Set([201, 412]))
    const lost = answers.find(({ status }) => status === 412)
    t.match(lost?.json, { code: 'precondition-failed', etag: String })
    for (const name of names) {
      t.equal((await ask(name)).status, won.includes(name) ? 200 : 404, name)
    }
    // Whoever lost looks again and tries again until he has it: nobody's is lost.
    const retry = async (who: typeof diego, name: string): Promise<ApiAnswer> => {
      const { etag } = await who.call('GET', file)
      const answer = await add(who, name, etag)
      return answer.status === 412 ? retry(who, name) : answer
    }
    const rest = names.filter((name) => !won.includes(name))
    const all = await Promise.all(rest.map((name, i) => retry(i % 2 === 0 ? diego : eve, name)))
    t.same(
      all.map(({ status }) => status),
      rest.map(() => 201),
    )
    const text = await readFile(gateway.routesFile, 'utf8')
    for (const name of names) {
      t.equal(text.split(`host: ${name}`).length, 2, `${name} once`)
      t.equal((await ask(name)).text, 'one')
    }
    const { etag } = await eve.call('GET', file)
    const back = { body: { text: textAt(read, 'text') }, ifMatch: etag }
    t.equal((await eve.call('PUT', file, back)).status, 200)
  },
)

t.test('what was written by hand meanwhile is shown, never overwritten', async (t) => {
  const diego = await openAdmin(gateway, 'diego')
  const read = await diego.call('GET', file)
  await appendFile(gateway.routesFile, `  - { host: hand, to: '${other.origin}' }   # by hand\n`)
  const byHand = await readFile(gateway.routesFile, 'utf8')
  const body = { text: `${textAt(read, 'text')}# mine\n` }
  const refused = await diego.call('PUT', file, { body, ifMatch: read.etag })
  t.equal(refused.status, 412)
  t.equal(await readFile(gateway.routesFile, 'utf8'), byHand)
  t.equal(valueAt(refused, 'text') ?? byHand, byHand)
  const now = await diego.call('GET', file)
  t.match(now.json, { text: byHand, inForce: true })
  t.equal(textAt(refused, 'etag'), now.etag)
  const merged = { text: `${byHand}# mine\n` }
  const saved = await diego.call('PUT', file, { body: merged, ifMatch: now.etag })
  t.equal(saved.status, 200)
  t.equal((await ask('hand')).status, 401)
  const history = await diego.call('GET', '/api/v1/routes/history')
  t.match(valueAt(history, 'items', 0), { by: 'diego' })
  t.match(valueAt(history, 'items', 1), { by: null, summary: /outside/ }, 'the hand is in it too')
  const first = textAt(history, 'items', 2, 'id')
  const restore = `/api/v1/routes/history/${first}/restore`
  const restored = await diego.call('POST', restore, { body: {}, ifMatch: saved.etag })
  t.equal(restored.status, 200, restored.text)
  t.equal(await readFile(gateway.routesFile, 'utf8'), textAt(read, 'text'), 'one step back')
})

t.test('losing the admin page takes its name, and undoes itself', async (t) => {
  const diego = await openAdmin(gateway, 'diego')
  const read = await diego.call('GET', file)
  const gone = '/api/v1/routes/proxy~1'
  const refused = await diego.call('DELETE', gone, { ifMatch: read.etag })
  t.equal(refused.status, 409)
  t.match(refused.json, { code: 'confirmation-required', dangers: [{ typed: adminHost }] })
  const wrong = await diego.call('DELETE', `${gone}?confirm=proxy`, { ifMatch: read.etag })
  t.equal(wrong.status, 409, 'another name')
  t.equal((await diego.call('GET', file)).etag, read.etag)
  const moved = textAt(read, 'text').replace('host: proxy', 'host: elsewhere')
  const body = { text: moved, confirm: adminHost }
  const saved = await diego.call('PUT', file, { body, ifMatch: read.etag })
  t.equal(saved.status, 200, saved.text)
  t.type(valueAt(saved, 'pending', 'token'), 'string')
  t.equal((await diego.call('GET', file)).status, 404, 'the page is gone')
  await eventually(async () => (await diego.call('GET', file)).status === 200, 'it is back')
  t.equal(await readFile(gateway.routesFile, 'utf8'), textAt(read, 'text'), 'to the byte')
  t.match((await diego.call('GET', file)).json, { inForce: true, pending: null })
  await eventually(() => gateway.events().some(({ event }) => event === 'routes-undone'), 'told')
  await eventually(async () => {
    const entries = await gateway.change(({ audit }) => audit.list({ event: 'routes-undone' }))
    return entries.some(({ actor, details }) => actor === 'gateway' && details.by !== undefined)
  }, 'in the audit log')
})

t.test('and stays when somebody says from a fresh request that he is still in', async (t) => {
  const diego = await openAdmin(gateway, 'diego')
  const read = await diego.call('GET', file)
  const text = textAt(read, 'text').replace(
    'groups: [admin]',
    'groups: [admin], with: second-factor',
  )
  const body = { text, confirm: adminHost }
  const saved = await diego.call('PUT', file, { body, ifMatch: read.etag })
  t.equal(saved.status, 200, saved.text)
  const pending = textAt(saved, 'pending', 'token')
  const wrong = await diego.call('POST', '/api/v1/routes/confirm', { body: { token: 'x' } })
  t.equal(wrong.status, 404)
  const kept = await diego.call('POST', '/api/v1/routes/confirm', { body: { token: pending } })
  t.equal(kept.status, 204)
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  t.equal(await readFile(gateway.routesFile, 'utf8'), text)
  const back = { text: textAt(read, 'text'), confirm: adminHost }
  t.equal((await diego.call('PUT', file, { body: back, ifMatch: saved.etag })).status, 200)
})

function ask(name: string, path = '/'): Promise<ClientResponse> {
  return http1(gateway.https, {
    host: `${name}.${testDomain}`,
    path,
    tls: { ca: gateway.ca.certPem },
  })
}

function named(name: string): Promise<Backend> {
  return httpBackend((_request, response) => void response.end(name))
}
