// The attack: what the admin guards by itself is reached around it, through everything in front: cookies of other sites or cut into
// crumbs, forms that other sites post, headers that claim another method, path or host, and spellings of a path that the gateway,
// the router and the guard might read differently. Nobody is let in who is not, and nothing changes.

import { readFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import {
  type AdminBrowser,
  adminCookie,
  adminHost,
  adminOrigin,
  openAdmin,
  signedIn,
} from '../fixtures/admin-visitor.ts'
import { h2, rawClient } from '../fixtures/clients.ts'
import { startGateway, testDomain } from '../fixtures/gateway.ts'
import { sessionCookie } from '../fixtures/people.ts'

const gateway = await startGateway({
  routes: '- { host: app, to: "http://127.0.0.1:9", access: public, prefix: true }',
  people: [{ id: 'diego', groups: ['admin'] }, { id: 'eve', groups: ['admin'] }, { id: 'ana' }],
})
t.teardown(() => gateway.close())
const tls = { ca: gateway.ca.certPem, servername: adminHost }

/** What an attacker would like to have done: lockdown, another table, other people. */
async function isUntouched(t: Test, admin: AdminBrowser, table: string): Promise<void> {
  t.match((await admin.call('GET', '/api/v1/lockdown')).json, { on: false })
  t.equal(await readFile(gateway.routesFile, 'utf8'), table)
  const people = (await admin.call('GET', '/api/v1/users')).text
  t.notMatch(people, 'mallory')
}

t.test('forms and scripts of other sites change nothing, with every cookie sent', async (t) => {
  const admin = await openAdmin(gateway, 'diego')
  const table = await readFile(gateway.routesFile, 'utf8')
  // As if SameSite did not exist: siblings are the same site anyway.
  const cookie = admin.person.jar.header(adminHost, '/') ?? ''
  const sites = [
    [`https://app.${testDomain}`, 'same-site'],
    ['https://evil.example', 'cross-site'],
    ['null', 'cross-site'],
    [`http://${adminHost}`, 'cross-site'],
    [`https://auth.${testDomain}`, 'same-site'],
  ] as const
  const types = [
    'application/x-www-form-urlencoded',
    'text/plain',
    'multipart/form-data; boundary=x',
    'application/json',
    'text/plain; application/json',
    '',
  ]
  const targets = [
    ['/api/v1/users', '{"id":"mallory","groups":["admin"]}'],
    ['/api/v1/lockdown', '{"on":true}'],
    ['/review/x', '_csrf=x&confirm=x'],
    ['/route/act', 'id=app%2F&act=remove'],
  ] as const
  for (const [origin, site] of sites) {
    for (const type of types) {
      for (const [path, body] of targets) {
        for (const method of ['POST', 'PUT']) {
          const answer = await admin.person.request(`${adminOrigin}${path}`, {
            method,
            anonymous: true,
            headers: {
              ...{ cookie, origin, 'sec-fetch-site': site, 'sec-fetch-mode': 'no-cors' },
              // What a page could guess; the right one it cannot read.
              'x-csrf-token': 'x'.repeat(43),
              ...(type !== '' && { 'content-type': type }),
            },
            body,
          })
          t.ok(
            [400, 403, 404, 405, 415].includes(answer.status),
            `${answer.status} ${method} ${path} as ${type} from ${origin}`,
          )
        }
      }
    }
  }
  // The right token, sent by a sibling that got it somehow: its origin gives it away.
  const leaked = await admin.call('PUT', '/api/v1/lockdown', {
    body: { on: true },
    headers: { origin: `https://app.${testDomain}`, 'sec-fetch-site': 'same-site' },
  })
  t.equal(leaked.status, 403)
  await isUntouched(t, admin, table)
})

t.test('no CORS: a preflight is told nothing, and nothing can be read', async (t) => {
  const admin = await openAdmin(gateway, 'diego')
  for (const origin of [`https://app.${testDomain}`, 'https://evil.example', 'null']) {
    const preflight = await admin.person.request(`${adminOrigin}/api/v1/routes`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'PUT',
        'access-control-request-headers': 'x-csrf-token,authorization',
        'sec-fetch-site': 'same-site',
        'sec-fetch-mode': 'cors',
      },
    })
    t.ok(preflight.status >= 400, `${preflight.status}`)
    const names = Object.keys(preflight.headers)
    t.notOk(names.some((name) => name.startsWith('access-control-')))
    const read = await admin.call('GET', '/api/v1/routes', {
      headers: { origin, 'sec-fetch-site': 'same-site' },
    })
    t.equal(read.status, 403)
    t.notMatch(read.text, 'app/')
  }
})

t.test('no header makes another method, path, host or person of a request', async (t) => {
  const admin = await openAdmin(gateway, 'diego')
  const table = await readFile(gateway.routesFile, 'utf8')
  const tricks: readonly Record<string, string>[] = [
    { 'x-http-method-override': 'DELETE' },
    { 'x-method-override': 'DELETE', 'x-http-method': 'DELETE' },
    { 'x-original-url': '/api/v1/sessions/panic', 'x-rewrite-url': '/api/v1/sessions/panic' },
    { 'x-forwarded-prefix': '/api', 'x-forwarded-uri': '/api/v1/users' },
    { 'gatehouse-ticket': '1', 'x-gatehouse-ticket': '1' },
  ]
  for (const headers of tricks) {
    const answer = await admin.call('GET', '/api/v1/users', { headers })
    t.equal(answer.status, 200, JSON.stringify(headers))
    t.match(answer.json, { items: [{ id: String }, { id: String }, { id: String }] })
    const form = await admin.call('POST', '/api/v1/users', { headers, body: { _method: 'DELETE' } })
    t.equal(form.status, 422)
  }
  const nobody = signedIn(gateway, 'ana')
  const claims: readonly Record<string, string>[] = [
    { 'remote-user': 'diego', 'remote-groups': 'admin' },
    { 'x-forwarded-user': 'diego', 'x-forwarded-groups': 'admin' },
    { 'x-forwarded-host': adminHost, 'x-forwarded-for': '127.0.0.1', forwarded: 'for=127.0.0.1' },
    { 'x-gatehouse-assertion': 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJkaWVnbyJ9.' },
    { 'x-original-url': '/.entrance', 'x-http-method-override': 'GET' },
  ]
  for (const headers of claims) {
    const answer = await nobody.request(`${adminOrigin}/api/v1/users`, { headers })
    t.equal(answer.status, 403, JSON.stringify(headers))
    const stranger = await nobody.request(`${adminOrigin}/api/v1/users`, {
      headers,
      anonymous: true,
    })
    t.equal(stranger.status, 401)
  }
  await isUntouched(t, admin, table)
})

t.test('several cookies of one name, and cookies in crumbs', async (t) => {
  const admin = await openAdmin(gateway, 'diego')
  const { jar } = admin.person
  const own = jar.value(adminHost, adminCookie) ?? ''
  const session = jar.value(adminHost, sessionCookie) ?? ''
  const hers = gateway.known('ana').session.token
  const eve = await openAdmin(gateway, 'eve')
  const eves = eve.person.jar.value(adminHost, adminCookie) ?? ''
  const none = 'x'.repeat(43)
  const cases: readonly (readonly [string, readonly string[], number])[] = [
    ['as it should be', [`${sessionCookie}=${session}`, `${adminCookie}=${own}`], 200],
    ['no cookie of the host', [`${sessionCookie}=${session}`], 401],
    ['no session', [`${adminCookie}=${own}`], 401],
    [
      'a made-up one first',
      [`${sessionCookie}=${session}`, `${adminCookie}=${none}`, `${adminCookie}=${own}`],
      401,
    ],
    [
      'a made-up one last',
      [`${sessionCookie}=${session}`, `${adminCookie}=${own}`, `${adminCookie}=${none}`],
      401,
    ],
    ['of another administrator', [`${sessionCookie}=${session}`, `${adminCookie}=${eves}`], 401],
    ['a session that may not', [`${sessionCookie}=${hers}`, `${adminCookie}=${own}`], 403],
    ['in quotes', [`${sessionCookie}=${session}`, `${adminCookie}="${own}"`], 401],
    [
      'in other letters',
      [`${sessionCookie}=${session}`, `${adminCookie.toUpperCase()}=${own}`],
      401,
    ],
    ['of another prefix', [`${sessionCookie}=${session}`, `gatehouse-admin=${own}`], 401],
    ['with blanks', [`${sessionCookie}=${session}`, ` ${adminCookie} =${own}`], 401],
  ]
  const client = await h2(gateway.https, tls)
  t.teardown(() => client.close())
  for (const [what, crumbs, status] of cases) {
    const plain = await admin.person.request(`${adminOrigin}/api/v1/users`, {
      anonymous: true,
      headers: { cookie: crumbs.join('; ') },
    })
    t.equal(plain.status, status, what)
    // RFC 9113 §8.2.3: HTTP/2 may send each by itself.
    const crumbed = await new Promise<number>((resolve, reject) => {
      const stream = client.open({
        ...{ ':method': 'GET', ':scheme': 'https', ':authority': adminHost },
        ...{ ':path': '/api/v1/users', cookie: [...crumbs] },
      })
      stream.on('response', (headers) => resolve(headers[':status'] ?? 0)).on('error', reject)
      stream.resume().end()
    })
    t.equal(crumbed, status, `${what}, in crumbs`)
  }
})

t.test('no spelling of a path is the API to one reader and a page to another', async (t) => {
  const ana = signedIn(gateway, 'ana')
  const half = signedIn(gateway, 'diego')
  const admin = await openAdmin(gateway, 'diego')
  const spellings = [
    ...['//api/v1/users', '/api//v1/users', '/api/v1//users', '/api/v1/users/', '/API/v1/users'],
    ...[
      '/api/V1/users',
      '/Api/v1/Users',
      '/%61pi/v1/users',
      '/api%2fv1%2fusers',
      '/api/v1%2Fusers',
    ],
    ...['/api/v1/users%00', '/api/v1/users;x=y', '/api;/v1/users', '/./api/v1/users'],
    ...[
      '/x/../api/v1/users',
      '/api/v1/x/%2e%2e/users',
      '/api/v1/users%2f..%2fusers',
      '/api\\v1\\users',
    ],
    ...[
      '/api/v1/users?',
      '/api/v1/users#',
      '/api/v1/users%23',
      '/api/v1/users%3fx',
      '/api/v1/us%65rs',
    ],
    ...['/.entrance/../api/v1/users', '/.entrance%2f..%2fapi/v1/users', '/.entrance;/api/v1/users'],
    ...['/.entrance/api/v1/users', '/assets/../api/v1/users', '/assets/%2e%2e/api/v1/users'],
    `https://${adminHost}/api/v1/users`,
    `https://auth.${testDomain}/api/v1/users`,
  ]
  const cookies = (jar: typeof half.jar) => jar.header(adminHost, '/') ?? ''
  const csrf = admin.csrf['x-csrf-token'] ?? ''
  for (const path of spellings) {
    for (const [who, cookie] of [
      ['a stranger', ''],
      ['half signed in', cookies(half.jar)],
      ['ana', cookies(ana.jar)],
    ] as const) {
      const answer = await raw('GET', path, [`Cookie: ${cookie}`, 'Accept: text/html'])
      t.not(answer.status, 200, `${path} for ${who}`)
      t.notMatch(answer.body, '"displayName"', `${path} for ${who}`)
    }
    // For an administrator it is what it is, or nothing; a form is never read as a change of the API.
    const own = await raw('GET', path, [`Cookie: ${cookies(admin.person.jar)}`])
    t.ok([200, 303, 400, 401, 403, 404, 421, 422].includes(own.status), `${own.status} ${path}`)
    const form = await raw(
      'POST',
      path,
      [
        `Cookie: ${cookies(admin.person.jar)}`,
        `Origin: https://app.${testDomain}`,
        `X-CSRF-Token: ${csrf}`,
        'Content-Type: application/x-www-form-urlencoded',
      ],
      `_csrf=${csrf}&id=mallory`,
    )
    t.ok(form.status >= 400, `${form.status} POST ${path}`)
  }
  t.notMatch((await admin.call('GET', '/api/v1/users')).text, 'mallory')
})

/** A target as it stands, which no client of Node's would send. */
async function raw(method: string, target: string, headers: readonly string[], body = '') {
  const client = await rawClient(gateway.https, tls)
  try {
    const lines = [
      `${method} ${target} HTTP/1.1`,
      `Host: ${adminHost}`,
      ...headers,
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
    ]
    await client.send(`${lines.join('\r\n')}\r\n\r\n${body}`)
    const { status, body: bytes } = await client.response(method)
    return { status, body: bytes.toString() }
  } finally {
    client.destroy()
  }
}
