// The attack: a token gets lost: out of a script, a backup, a log. What it may do is written on it. It must not do more, not in its
// owner's name and not by making something stronger of itself: an administrator, a link for one, another token.

import t from 'tap'
import { operations } from '../../src/admin/api/operations.ts'
import { scopesCover, tokenScopeNames } from '../../src/auth/token-scopes.ts'
import { startAdmin } from '../fixtures/admin-app.ts'

const people = [
  { id: 'ada', groups: ['admin'] },
  { id: 'eve', groups: ['admin'] },
  { id: 'bob' },
] as const

t.test('each operation opens for the scopes that cover it and for no other', async (t) => {
  const admin = await startAdmin(t, { people })
  for (const scope of tokenScopeNames) {
    const program = await admin.program([scope])
    for (const { id, method, path, scope: needed } of operations) {
      if (needed === null || scopesCover([scope], needed)) continue
      const told = await program(path.replaceAll(/\{\w+\}/g, 'x~1y'), { method })
      t.equal(told.status, 403, `${id} with ${scope}`)
      t.match(told.json, { code: 'scope-missing' })
    }
  }
  t.notOk(operations.some(({ scope, method }) => scope === null && method !== 'GET'))
})

t.test('what a scope means', (t) => {
  const all = (scopes: readonly string[]) =>
    tokenScopeNames.filter((needed) => scopesCover(scopes, needed))
  t.same(all(['vm:wake']), ['vm:wake'])
  t.same(all(['vms:write']), ['vms:read', 'vms:write', 'vm:wake'])
  t.same(all(['admin:write']), tokenScopeNames)
  t.same(all(['admin:read']), [
    'admin:read',
    'routes:read',
    'vms:read',
    'people:read',
    'audit:read',
  ])
  t.same(all(['people:write']), ['people:read', 'people:write'])
  t.same(all([]), [])
  t.same(all(['admin', '*', 'ADMIN:WRITE', ' admin:write', 'admin:write,']), [])
  t.end()
})

t.test(
  'a token without a scope, or of somebody who may not administer, opens nothing',
  async (t) => {
    const admin = await startAdmin(t, { people })
    const tries: readonly (readonly [readonly string[], string, number])[] = [
      [[], 'ada', 401],
      [['photos:read'], 'ada', 401],
      [['admin:write'], 'bob', 403],
      [['admin:write'], 'ada', 200],
    ]
    for (const [scopes, user, status] of tries) {
      const program = await admin.program(scopes, user)
      t.equal((await program('/api/v1/health')).status, status, `${scopes.join()} of ${user}`)
    }
    const program = await admin.program(['admin:write'], 'eve')
    t.equal((await program('/api/v1/users')).status, 200)
    const eve = await admin.login.store.users.changeUser('eve' as never, { groups: [] })
    if (eve !== null) admin.context.sessions.userChanged(eve)
    t.equal((await program('/api/v1/users')).status, 403, 'when he is no administrator any more')
  },
)

t.test('a token is for the API alone, and not for scripts of another site', async (t) => {
  const admin = await startAdmin(t, { people })
  const program = await admin.program(['admin:write'])
  t.equal((await program('/', { headers: { accept: 'text/html' } })).status, 403)
  t.equal((await program('/people')).status, 403)
  for (const site of ['same-site', 'cross-site', 'cross', '']) {
    const headers = { 'sec-fetch-site': site }
    t.equal((await program('/api/v1/users', { headers })).status, 403, `read, ${site}`)
    const change = { method: 'POST', headers, json: { id: 'dora' } }
    t.equal((await program('/api/v1/users', change)).status, 403, `change, ${site}`)
  }
  const foreign = {
    method: 'POST',
    headers: { origin: 'https://evil.example' },
    json: { id: 'dora' },
  }
  t.equal((await program('/api/v1/users', foreign)).status, 403)
})

t.test('a token for people makes no administrator, and touches none', async (t) => {
  const admin = await startAdmin(t, { people })
  const program = await admin.program(['people:write'])
  const json = (value: unknown) => ({ json: value, headers: { 'if-match': '*' } })
  const tries: readonly (readonly [string, string, unknown?])[] = [
    ['POST', '/users', { id: 'mallory', groups: ['admin'] }],
    ['PATCH', '/users/bob', { groups: ['admin'] }],
    ['PATCH', '/users/eve', { email: 'mallory@example.com' }],
    ['POST', '/users/eve/invitation', {}],
    ['POST', '/users/eve/reset', {}],
    ['POST', '/users/eve/disable'],
    ['DELETE', '/users/eve'],
    ['DELETE', '/users/eve/credentials/password/-'],
  ]
  for (const [method, path, body] of tries) {
    const told = await program(`/api/v1${path}`, {
      method,
      headers: { 'if-match': '*' },
      ...(body === undefined ? {} : json(body)),
    })
    t.equal(told.status, 403, `${method} ${path}`)
    t.match(told.json, { code: 'administrator-only' })
  }
  // One who is disabled now would be an administrator again.
  const eve = await admin.login.store.users.changeUser('eve' as never, { disabled: true })
  if (eve !== null) admin.context.sessions.userChanged(eve)
  t.equal((await program('/api/v1/users/eve/invitation', { method: 'POST', json: {} })).status, 403)
  t.equal((await program('/api/v1/users/eve/enable', { method: 'POST' })).status, 403)
  const token = { method: 'POST', json: { label: 'more', scopes: ['admin:write'] } }
  t.equal((await program('/api/v1/tokens', token)).status, 403)
  t.equal((await program('/api/v1/users', { method: 'POST', json: { id: 'dora' } })).status, 201)
  t.equal((await program('/api/v1/users/bob/invitation', { method: 'POST', json: {} })).status, 201)
})
