// The attack: a service on a sibling host is broken into, and its page makes the browser of an administrator ask the admin. For the
// browser both are the same site: it sends all cookies. The page can post forms and fetch without reading; it cannot read a token
// of ours, and cannot lie in Origin and Sec-Fetch-Site.

import t from 'tap'
import { adminOrigin, startAdmin } from '../fixtures/admin-app.ts'
import { loginDomain } from '../fixtures/login-app.ts'

const sibling = `https://cloud.${loginDomain}`

t.test('no change without our origin, our site and our token', async (t) => {
  const admin = await startAdmin(t)
  const browser = await admin.browser()
  const csrf = await browser.csrf()
  const attempt = (headers: Record<string, string>) =>
    admin.ask('/api/v1/users', {
      method: 'POST',
      headers: {
        cookie: browser.jar.header(`proxy.${loginDomain}`, '/') ?? '',
        'content-type': 'application/json',
        ...headers,
      },
      body: '{"id":"mallory","groups":["admin"]}',
    })
  const own = { origin: adminOrigin, 'sec-fetch-site': 'same-origin', 'x-csrf-token': csrf }
  const cases: readonly (readonly [string, Record<string, string>, string])[] = [
    ['a sibling', { ...own, origin: sibling, 'sec-fetch-site': 'same-site' }, 'cross-origin'],
    ['a sibling that says no site', { origin: sibling, 'x-csrf-token': csrf }, 'cross-origin'],
    ['same site, our origin', { ...own, 'sec-fetch-site': 'same-site' }, 'cross-origin'],
    ['another site', { ...own, 'sec-fetch-site': 'cross-site' }, 'cross-origin'],
    [
      'typed into the address bar',
      { 'sec-fetch-site': 'none', 'x-csrf-token': csrf },
      'cross-origin',
    ],
    ['a sandboxed frame', { ...own, origin: 'null' }, 'cross-origin'],
    ['no origin, no site', { 'x-csrf-token': csrf }, 'cross-origin'],
    ['plain HTTP', { ...own, origin: adminOrigin.replace('https', 'http') }, 'cross-origin'],
    ['another port', { ...own, origin: `${adminOrigin}:8443` }, 'cross-origin'],
    ['no token', { origin: adminOrigin, 'sec-fetch-site': 'same-origin' }, 'stale-page'],
    ['a made-up token', { ...own, 'x-csrf-token': 'A'.repeat(43) }, 'stale-page'],
    ['an empty token', { ...own, 'x-csrf-token': '' }, 'stale-page'],
  ]
  for (const [what, headers, code] of cases) {
    const told = await attempt(headers)
    t.equal(told.status, 403, what)
    t.match(told.json, { code }, what)
  }
  t.equal(await admin.login.store.users.user('mallory' as never), null)
  t.equal((await attempt(own)).status, 201, 'and with all of it')
})

t.test('a token of somebody else’s page, or of the session before, is none', async (t) => {
  const admin = await startAdmin(t, {
    people: [
      { id: 'ada', groups: ['admin'] },
      { id: 'eve', groups: ['admin'] },
    ],
  })
  const [browser, other] = [await admin.browser('ada'), await admin.browser('eve')]
  const told = await browser.fetch('/api/v1/certificates/reload', {
    method: 'POST',
    headers: { 'x-csrf-token': await other.csrf() },
  })
  t.match(told.json, { code: 'stale-page' })
  t.equal((await browser.fetch('/api/v1/certificates/reload', { method: 'POST' })).status, 200)
})

t.test('what a sibling fetches is refused, what a person follows is shown', async (t) => {
  const admin = await startAdmin(t)
  const browser = await admin.browser()
  const cookie = browser.jar.header(`proxy.${loginDomain}`, '/') ?? ''
  const get = (target: string, headers: Record<string, string>) =>
    admin.ask(target, { headers: { cookie, accept: 'text/html', ...headers } })
  for (const site of ['same-site', 'cross-site']) {
    for (const mode of ['no-cors', 'cors', 'websocket', 'navigate']) {
      const told = await get('/api/v1/users', { 'sec-fetch-site': site, 'sec-fetch-mode': mode })
      t.equal(told.status, 403, `API from ${site}, ${mode}`)
    }
    const fetched = await get('/api', { 'sec-fetch-site': site, 'sec-fetch-mode': 'no-cors' })
    t.equal(fetched.status, 403, `page fetched from ${site}`)
    const framed = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }
    t.equal((await get('/api', { 'sec-fetch-site': site, ...framed })).status, 403, 'framed')
    const followed = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    t.equal((await get('/api', { 'sec-fetch-site': site, ...followed })).status, 200, 'a link')
  }
  const page = await get('/api', {})
  t.equal(page.headers['cross-origin-resource-policy'], 'same-origin')
  t.equal(page.headers['x-frame-options'], 'DENY')
  t.match(page.headers['content-security-policy'], /frame-ancestors 'none'/)
  t.match(page.headers['content-security-policy'], /default-src 'none'/)
  t.equal(page.headers['access-control-allow-origin'], undefined)
})

t.test(
  'a form cannot be an operation, and no header or field makes another method of a POST',
  async (t) => {
    const admin = await startAdmin(t)
    const browser = await admin.browser()
    const csrf = await browser.csrf()
    const form = await browser.fetch('/api/v1/users', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `id=mallory&_csrf=${csrf}`,
    })
    t.equal(form.status, 415)
    for (const type of ['text/plain', 'multipart/form-data; boundary=x', 'application/xml', '']) {
      const told = await browser.fetch('/api/v1/users', {
        method: 'POST',
        headers: type === '' ? {} : { 'content-type': type },
        body: '{"id":"mallory"}',
      })
      t.equal(told.status, 415, type)
    }
    for (const header of ['x-http-method-override', 'x-method-override', 'x-http-method']) {
      const told = await browser.fetch('/api/v1/users/bob', {
        method: 'POST',
        headers: { [header]: 'DELETE', 'if-match': '*' },
      })
      t.equal(told.status, 405, header)
      const got = await browser.fetch('/api/v1/users/bob', { headers: { [header]: 'DELETE' } })
      t.equal(got.status, 200)
    }
    const asked = await browser.fetch('/api/v1/users/bob?_method=DELETE')
    t.equal(asked.status, 422)
    t.ok(await admin.login.store.users.user('bob' as never), 'bob is still there')
  },
)

t.test('whoever signed in too long ago looks, and changes nothing', async (t) => {
  const admin = await startAdmin(t)
  const browser = await admin.browser()
  await browser.csrf()
  admin.login.advance(600_001)
  t.equal((await browser.fetch('/api/v1/users')).status, 200)
  const told = await browser.fetch('/api/v1/users', { method: 'POST', json: { id: 'dora' } })
  t.equal(told.status, 403)
  t.match(told.json, { code: 'recent-login-required', signIn: /reason=not-recent$/ })
  const preview = { change: { kind: 'disable', id: 'git.login-test.example/git' } }
  const tried = await browser.fetch('/api/v1/routes/preview', { method: 'POST', json: preview })
  t.equal(tried.status, 200, 'a preview changes nothing')
  const blind = await browser.fetch('/api/v1/routes/preview', {
    method: 'POST',
    json: preview,
    headers: { 'x-csrf-token': 'x' },
  })
  t.equal(blind.status, 403, 'but needs a token of the page')
  admin.login.advance(-2_000_000)
  const back = await browser.fetch('/api/v1/users', { method: 'POST', json: { id: 'dora' } })
  t.equal(back.status, 403, 'a clock that was set back proves nothing')
})
