// The admin's operations: what each changes, what is written down, and what is refused although it is well-formed.

import t, { type Test } from 'tap'
import type { AuditEntry } from '../../src/auth/audit.ts'
import { type AdminBrowser, startAdmin, type TestAdmin } from '../fixtures/admin-app.ts'
import { isSchema } from '../fixtures/schema-values.ts'

async function withAda(t: Test) {
  const admin = await startAdmin(t, {
    people: [
      { id: 'ada', displayName: 'Ada Lovelace', groups: ['admin'] },
      { id: 'eve', groups: ['admin'], password: 'four random words here', totp: true },
      { id: 'bob', tokens: [{ label: 'git' }] },
    ],
  })
  const browser = await admin.browser()
  return { admin, browser, last: () => lastEntry(admin) }
}

async function lastEntry({ login }: TestAdmin): Promise<AuditEntry | undefined> {
  await login.store.audit.flush()
  return (await login.store.audit.list({ limit: 1 }))[0]
}

const post = (json: unknown = undefined, headers: Record<string, string> = {}) => ({
  method: 'POST',
  headers,
  ...(json === undefined ? {} : { json }),
})

async function etagOf(browser: AdminBrowser, target: string): Promise<string> {
  const { headers } = await browser.fetch(target)
  return headers.etag ?? ''
}

t.test(
  'a person is added, invited, changed, disabled, enabled, removed; each is written down',
  async (t) => {
    const { admin, browser, last } = await withAda(t)
    const added = await browser.fetch(
      '/api/v1/users',
      post({ id: 'dora', displayName: 'Dora', email: 'dora@example.com', groups: ['family'] }),
    )
    t.equal(added.status, 201)
    t.match(added.json, { id: 'dora', groups: ['family'], administers: false, sessions: 0 })
    t.match(await last(), {
      event: 'user-added',
      actor: 'ada',
      user: 'dora',
      client: '192.0.2.7',
      request: /^test-/,
      details: { after: /"groups":\["family"\]/ },
    })
    t.equal((await browser.fetch('/api/v1/users', post({ id: 'dora' }))).status, 409)
    const odd = await browser.fetch('/api/v1/users', post({ id: 'Dora L' }))
    t.match(odd.json, { errors: [{ path: 'body.id', message: /^Write lower-case letters/ }] })

    const invited = await browser.fetch('/api/v1/users/dora/invitation', post({ lifeMinutes: 60 }))
    t.equal(invited.status, 201)
    t.match(invited.json, { url: /^https:\/\/auth\.login-test\.example\/enrol\/[\w-]{43}$/ })
    const entry = await last()
    t.equal(entry?.event, 'link-made')
    t.notMatch(JSON.stringify(entry), /enrol/, 'the link is not in the log')

    const etag = await etagOf(browser, '/api/v1/users/dora')
    const change = (json: unknown, ifMatch: string | null) =>
      browser.fetch('/api/v1/users/dora', {
        method: 'PATCH',
        json,
        headers: ifMatch === null ? {} : { 'if-match': ifMatch },
      })
    t.equal((await change({ displayName: 'D.' }, null)).status, 428)
    t.equal((await change({ displayName: 'D.' }, '"other"')).status, 412)
    t.equal((await change({ displayName: 'D.' }, `W/${etag}`)).status, 412, 'weak')
    const changed = await change({ displayName: 'D.', email: null }, `"x", ${etag}`)
    t.equal(changed.status, 200)
    t.not(changed.headers.etag, etag)
    t.match(await last(), {
      event: 'user-changed',
      details: { before: /"displayName":"Dora"/, after: /"displayName":"D."/ },
    })
    t.equal((await change({ displayName: 'E.' }, etag)).status, 412, 'somebody was quicker')
    t.equal((await change({}, '*')).status, 422)

    t.match((await browser.fetch('/api/v1/users/bob/disable', post())).json, { disabled: true })
    t.match(await last(), { event: 'user-disabled', user: 'bob', details: { sessions: 1 } })
    t.equal(admin.context.sessions.list('bob' as never).length, 0)
    const before = await last()
    t.equal((await browser.fetch('/api/v1/users/bob/disable', post())).status, 200)
    t.same(await last(), before, 'nothing changed, nothing is written down')
    t.match((await browser.fetch('/api/v1/users/bob/enable', post())).json, { disabled: false })

    const gone = { method: 'DELETE', headers: { 'if-match': '*' } }
    t.equal((await browser.fetch('/api/v1/users/bob', gone)).status, 204)
    t.match(await last(), { event: 'user-removed', user: 'bob', details: { before: /"tokens":1/ } })
    t.equal((await browser.fetch('/api/v1/users/bob', gone)).status, 404)
    t.equal(admin.context.tokens.list('bob' as never).length, 0)
  },
)

t.test('groups apply at once; nobody saws off the branch he sits on', async (t) => {
  const { admin, browser } = await withAda(t)
  const patch = (id: string, groups: readonly string[]) =>
    browser.fetch(`/api/v1/users/${id}`, {
      method: 'PATCH',
      json: { groups },
      headers: { 'if-match': '*' },
    })
  t.match((await patch('ada', ['family'])).json, { code: 'yourself' })
  t.equal((await patch('ada', ['admin', 'family'])).status, 200)
  const eve = await admin.browser('eve')
  t.equal((await eve.fetch('/api/v1/users')).status, 200)
  t.equal((await patch('eve', [])).status, 200)
  t.equal((await eve.fetch('/api/v1/users')).status, 403, 'at the next request')
  for (const [method, path] of [
    ['POST', '/disable'],
    ['POST', '/reset'],
    ['DELETE', ''],
  ] as const) {
    const told = await browser.fetch(`/api/v1/users/ada${path}`, {
      method,
      headers: { 'if-match': '*' },
      ...(path === '/reset' ? { json: {} } : {}),
    })
    t.match(told.json, { code: 'yourself' }, path)
  }
  const program = await admin.program(['admin:write'], 'ada')
  t.equal((await program('/api/v1/users/ada/disable', post())).status, 409)
})

t.test('the last administrator stays', async (t) => {
  const admin = await startAdmin(t, {
    people: [
      { id: 'ada', groups: ['admin'] },
      { id: 'eve', groups: ['admin'] },
    ],
  })
  const browser = await admin.browser('ada')
  // Meanwhile, by a command, ada is none any more in the store; this request is the last that still passes.
  await admin.login.store.users.changeUser('ada' as never, { groups: [] })
  t.match((await browser.fetch('/api/v1/users/eve/disable', post())).json, {
    code: 'last-administrator',
  })
})

t.test('two administrators who disable each other at once: one of them stays', async (t) => {
  const admin = await startAdmin(t, {
    people: [
      { id: 'ada', groups: ['admin'] },
      { id: 'eve', groups: ['admin'] },
    ],
  })
  const [ada, eve] = [await admin.browser('ada'), await admin.browser('eve')]
  await Promise.all([ada.csrf(), eve.csrf()])
  const told = await Promise.all([
    ada.fetch('/api/v1/users/eve/disable', post()),
    eve.fetch('/api/v1/users/ada/disable', post()),
  ])
  t.strictSame(told.map(({ status }) => status).toSorted(), [200, 409])
  const left = (await admin.login.store.users.users()).filter(({ disabled }) => !disabled)
  t.equal(left.length, 1)
})

t.test('credentials are taken away one by one, never the last, or all by a reset', async (t) => {
  const { admin, browser, last } = await withAda(t)
  const { json } = await browser.fetch('/api/v1/users/eve')
  const credentials = isSchema(json) && isSchema(json.credentials) ? json.credentials : {}
  t.match(credentials, { password: { createdAt: String }, authenticatorApps: [{ label: 'phone' }] })
  const gone = { method: 'DELETE' }
  const password = await browser.fetch('/api/v1/users/eve/credentials/password/-', gone)
  t.match(password.json, { code: 'last-credential' })
  t.equal((await browser.fetch('/api/v1/users/eve/credentials/passkey/x', gone)).status, 404)
  t.equal((await browser.fetch('/api/v1/users/eve/credentials/password/x', gone)).status, 404)
  t.equal((await browser.fetch('/api/v1/users/eve/credentials/nothing/x', gone)).status, 422)
  const reset = await browser.fetch('/api/v1/users/eve/reset', post({}))
  t.equal(reset.status, 201)
  t.match(reset.json, { url: /\/enrol\//, ended: 1 })
  t.match(await last(), { event: 'user-reset', user: 'eve', details: { sessions: 1 } })
  t.equal((await admin.login.store.users.credentials('eve' as never)).password, null)
})

t.test('sessions: listed, ended one by one, by person, and all but the own', async (t) => {
  const { admin, browser, last } = await withAda(t)
  const listed = await browser.fetch('/api/v1/sessions')
  const items = isSchema(listed.json) && Array.isArray(listed.json.items) ? listed.json.items : []
  t.equal(items.length, 3)
  t.equal(items.filter(({ current }) => current).length, 1)
  t.notMatch(listed.text, /[Hh]ash/)
  const { ref } = admin.login.known('bob').session
  t.equal((await browser.fetch(`/api/v1/sessions/${ref}`, { method: 'DELETE' })).status, 204)
  t.match(await last(), { event: 'session-revoked', user: 'bob', details: { what: 'one', ref } })
  t.equal((await browser.fetch(`/api/v1/sessions/${ref}`, { method: 'DELETE' })).status, 404)
  t.same((await browser.fetch('/api/v1/sessions', { method: 'DELETE' })).json, { ended: 1 })
  t.equal((await browser.fetch('/api/v1/sessions')).status, 200, 'the own one stays')
  t.equal((await browser.fetch('/api/v1/sessions/panic', post({ confirm: 'yes' }))).status, 422)
  const panicked = await browser.fetch('/api/v1/sessions/panic', post({ confirm: 'panic' }))
  t.match(panicked.json, { sessions: 1, tokens: 1 })
  t.equal((await browser.fetch('/api/v1/sessions')).status, 401)
})

t.test('a token is made, shown once, and revoked; nonsense is told place by place', async (t) => {
  const { browser, last } = await withAda(t)
  const wish = { label: 'watcher', scopes: ['vms:read'], hosts: ['proxy.login-test.example'] }
  const made = await browser.fetch('/api/v1/tokens', post(wish))
  t.equal(made.status, 201)
  t.match(made.json, { text: /^gth_[\w-]{43}$/, token: { user: 'ada', scopes: ['vms:read'] } })
  const entry = await last()
  t.equal(entry?.event, 'token-added')
  t.notMatch(JSON.stringify(entry), /gth_/)
  const id = isSchema(made.json) && isSchema(made.json.token) ? String(made.json.token.id) : ''
  t.equal((await browser.fetch(`/api/v1/tokens/${id}`)).status, 200)
  t.equal((await browser.fetch(`/api/v1/tokens/${id}`, { method: 'DELETE' })).status, 204)
  t.equal((await browser.fetch(`/api/v1/tokens/${id}`)).status, 404)
  const wrong: readonly (readonly [object, string])[] = [
    [{ scopes: ['admin'] }, 'body.scopes.0'],
    [{ scopes: ['vms:read'], user: 'bob' }, 'body.scopes'],
    [{ user: 'nobody' }, 'body.user'],
    [{ hosts: ['nowhere.example'] }, 'body.hosts.0'],
    [{ hosts: ['auth.login-test.example'] }, 'body.hosts.0'],
    [{ hosts: [] }, 'body.hosts'],
    [{ paths: ['no-slash'] }, 'body.paths.0'],
    [{ methods: ['get'] }, 'body.methods.0'],
    [{ label: ' x' }, 'body.label'],
    [{ lifeDays: 0 }, 'body.lifeDays'],
  ]
  for (const [part, path] of wrong) {
    const told = await browser.fetch('/api/v1/tokens', post({ label: 'x', ...part }))
    t.equal(told.status, 422, path)
    t.match(told.json, { code: 'invalid', errors: [{ path, message: String }] })
  }
})

t.test(
  'routes: a change needs the version that was seen, and says what it would cost',
  async (t) => {
    const { admin, browser, last } = await withAda(t)
    const list = await browser.fetch('/api/v1/routes')
    const etag = list.headers.etag ?? ''
    t.match(list.json, {
      items: [
        { id: 'cloud.login-test.example/', key: 'cloud.login-test.example~1' },
        { activity: { lastError: { code: 'upstream-refused' }, target: { state: 'failing' } } },
      ],
    })
    const put = (text: string, more: object = {}, ifMatch = etag) =>
      browser.fetch('/api/v1/routes/file', {
        method: 'PUT',
        json: { text, ...more },
        headers: { 'if-match': ifMatch },
      })
    const broken = await put('BROKEN')
    t.equal(broken.status, 422)
    t.match(broken.json, { code: 'routes-invalid', preview: { problems: [{ line: 3 }] } })
    const danger = await put('NO-LOGIN')
    t.equal(danger.status, 409)
    t.match(danger.json, { dangers: [{ typed: 'auth.login-test.example' }] })
    const sure = await put('NO-LOGIN', { confirm: 'auth.login-test.example', note: 'away with it' })
    t.equal(sure.status, 200)
    t.match(sure.json, { pending: { token: 'pending-token', until: String } })
    t.match(await last(), { event: 'routes-saved', details: { note: 'away with it' } })
    t.equal((await put('x')).status, 412)
    const confirm = await browser.fetch('/api/v1/routes/confirm', post({ token: 'pending-token' }))
    t.equal(confirm.status, 204)
    const restored = await browser.fetch(
      '/api/v1/routes/history/v1/restore',
      post({}, { 'if-match': '*' }),
    )
    t.equal(restored.status, 200)
    t.match(admin.house.routes.text(), /^# table of a test/)

    const key = 'git.login-test.example~1git'
    const disable = await browser.fetch(
      `/api/v1/routes/${key}/disable`,
      post({}, { 'if-match': '*' }),
    )
    t.equal(disable.status, 200)
    t.match(await last(), {
      event: 'route-changed',
      details: { change: 'disable', route: 'git.login-test.example/git', before: /3000/ },
    })
    const move = await browser.fetch(`/api/v1/routes/${key}/move`, post({}, { 'if-match': '*' }))
    t.equal(move.status, 422)
    t.equal((await browser.fetch('/api/v1/routes/git.login-test.example~1nothing')).status, 404)
  },
)

t.test('machines: woken by a small token, put to sleep, kept awake', async (t) => {
  const { admin, browser, last } = await withAda(t)
  const program = await admin.program(['vm:wake'])
  const woken = await program('/api/v1/vms/oci-p-flex_1/wake', { method: 'POST' })
  t.match(woken, { status: 202, json: { state: 'starting', wokenBy: 'ada' } })
  t.match(await last(), {
    event: 'vm-wake',
    actor: 'ada',
    details: { vm: 'oci-p-flex_1', before: /asleep/, after: /starting/, by: /^token:/ },
  })
  t.equal((await program('/api/v1/vms')).status, 403)
  t.equal((await browser.fetch('/api/v1/vms/oci-p-flex_1/sleep', post())).status, 202)
  t.equal((await browser.fetch('/api/v1/vms/nothing/sleep', post())).status, 404)
  const keep = (until: string | null) =>
    browser.fetch('/api/v1/vms/oci-p-flex_1/keep', { method: 'PUT', json: { until } })
  t.equal((await keep('2026-11-20T00:00:00Z')).status, 422)
  t.match((await keep('2026-11-22T00:00:00Z')).json, { keptUntil: '2026-11-22T00:00:00.000Z' })
  t.match((await keep(null)).json, { keptUntil: null })
})

t.test('bans, lockdown, certificates', async (t) => {
  const { browser, last } = await withAda(t)
  const key = '2001:db8:1:2::~164'
  t.equal((await browser.fetch(`/api/v1/bans/${key}`, { method: 'DELETE' })).status, 204)
  t.match(await last(), { event: 'ban-lifted', details: { network: '2001:db8:1:2::/64' } })
  t.equal((await browser.fetch(`/api/v1/bans/${key}`, { method: 'DELETE' })).status, 404)
  const lock = (on: boolean) => browser.fetch('/api/v1/lockdown', { method: 'PUT', json: { on } })
  t.match((await lock(true)).json, { on: true, by: 'ada' })
  t.match(await last(), {
    event: 'lockdown',
    details: { before: '{"on":false}', after: '{"on":true}' },
  })
  t.match((await lock(false)).json, { on: false, by: null })
  t.match((await browser.fetch('/api/v1/certificates')).json, {
    items: [{ daysLeft: 10 }],
    problems: [{ code: 'key-missing' }],
  })
})

t.test(
  'the audit log is read page by page, without gaps, also within one millisecond',
  async (t) => {
    const { admin, browser } = await withAda(t)
    for (let i = 0; i < 25; i++) {
      if (i % 10 === 0) admin.login.advance(1)
      const entry = { actor: 'cli', user: null, client: null, request: null } as const
      admin.login.store.audit.write({
        ...entry,
        at: admin.login.now(),
        event: 'test',
        details: { i },
      })
    }
    const seen: number[] = []
    let cursor: string | null = null
    do {
      const query: string = cursor === null ? '' : `&cursor=${cursor}`
      const told = await browser.fetch(`/api/v1/audit?event=test&limit=4${query}`)
      if (!isSchema(told.json) || !Array.isArray(told.json.items)) throw new Error(told.text)
      for (const { details } of told.json.items) seen.push(details.i)
      cursor = typeof told.json.next === 'string' ? told.json.next : null
    } while (cursor !== null)
    t.same(
      seen.toSorted((a, b) => a - b),
      [...Array(25).keys()],
    )
    const exported = await browser.fetch('/api/v1/audit/export?event=test&actor=cli')
    t.equal(exported.text.trim().split('\n').length, 25)
    t.equal(
      (await browser.fetch('/api/v1/audit?actor=ada&event=test')).text,
      '{"items":[],"next":null}',
    )
  },
)

t.test('lists go on where they stopped', async (t) => {
  const { browser } = await withAda(t)
  const first = await browser.fetch('/api/v1/users?limit=2')
  if (!isSchema(first.json)) throw new Error(first.text)
  t.match(first.json, { items: [{ id: 'ada' }, { id: 'bob' }] })
  const second = await browser.fetch(`/api/v1/users?limit=2&cursor=${first.json.next}`)
  t.match(second.json, { items: [{ id: 'eve' }], next: null })
})

t.test(
  'refusals are problem details with the request’s id; 405 names what is offered',
  async (t) => {
    const { browser } = await withAda(t)
    const told = await browser.fetch('/api/v1/nothing')
    t.equal(told.status, 404)
    t.match(told.headers['content-type'], /^application\/problem\+json/)
    t.match(told.json, {
      type: 'urn:gatehouse:failure:not-found',
      status: 404,
      code: 'not-found',
      instance: /^test-\d+$/,
    })
    const wrong = await browser.fetch('/api/v1/users', { method: 'PUT', json: {} })
    t.equal(wrong.status, 405)
    t.equal(wrong.headers.allow, 'GET, HEAD, POST')
    const head = await browser.fetch('/api/v1/users', { method: 'HEAD' })
    t.equal(head.status, 200)
    t.equal(head.text, '')
    t.equal((await browser.fetch('/api/v1/users', { method: 'OPTIONS' })).status, 405)
  },
)

t.test('a store that fails grants nothing and is told as 503', async (t) => {
  const { admin, browser } = await withAda(t)
  await browser.csrf()
  await admin.login.store.close()
  const told = await browser.fetch('/api/v1/users', post({ id: 'dora' }))
  t.equal(told.status, 503)
  t.match(told.json, { code: 'unavailable' })
  t.equal(told.headers['retry-after'], '5')
})

t.test(
  'events: everything at first, then what has changed; nothing runs with nobody there',
  async (t) => {
    const { admin, browser } = await withAda(t)
    t.equal(admin.ticking(), 0)
    const told = await browser.fetch('/api/v1/events')
    t.equal(told.headers['content-type'], 'text/event-stream; charset=utf-8')
    const sent: string[] = []
    const close = told.stream?.open({ send: (text) => void sent.push(text), end() {} })
    const settle = () => new Promise((resolve) => setImmediate(resolve))
    await settle()
    const names = () => sent.flatMap((text) => /^event: (\w+)/.exec(text)?.[1] ?? [])
    t.same(names().toSorted(), [
      'bans',
      'health',
      'lockdown',
      'routes',
      'sessions',
      'targets',
      'vms',
    ])
    sent.length = 0
    admin.tick()
    await settle()
    t.same(names(), [])
    await browser.fetch('/api/v1/lockdown', { method: 'PUT', json: { on: true } })
    admin.tick()
    await settle()
    t.same(names(), ['lockdown'])
    t.equal(admin.ticking(), 1)
    close?.()
    t.equal(admin.ticking(), 0)

    const program = await admin.program(['vms:read'])
    const small = await program('/api/v1/events')
    sent.length = 0
    const leave = small.stream?.open({ send: (text) => void sent.push(text), end() {} })
    await settle()
    t.same(names(), ['vms'], 'a token hears what it may read')
    leave?.()

    let ended = 0
    const eves = await (await admin.browser('eve')).fetch('/api/v1/events')
    eves.stream?.open({
      send() {},
      end() {
        ended += 1
      },
    })
    await settle()
    const eve = await admin.login.store.users.changeUser('eve' as never, { groups: [] })
    if (eve !== null) admin.context.sessions.userChanged(eve)
    admin.tick()
    await settle()
    t.equal(ended, 1, 'whoever administers no more hears no more')
  },
)
