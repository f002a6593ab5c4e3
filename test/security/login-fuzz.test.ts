// The attack: whatever bytes somebody sends. Cookies, targets, forms and JSON that are broken, huge, nested or mean something to
// somebody else: the answer is a page of ours, never a 5xx, never a session, never an exception that nobody caught.

import t, { type Test } from 'tap'
import { loginOrigin, type Seen, startLogin, type TestLogin } from '../fixtures/login-app.ts'
import { random } from '../fixtures/random.ts'

const pages = [
  '/',
  '/second-factor',
  '/recovery',
  '/sign-out',
  '/account',
  '/enrol',
  '/enrol/x',
  '/passkey',
  '/approve',
  '/approve/new',
  '/.well-known/jwks.json',
  '/.well-known/change-password',
  '/assets/login.js',
  '/nothing',
]
const actions = [
  '/password',
  '/second-factor',
  '/recovery',
  '/sign-out',
  '/sign-out-everywhere',
  '/passkey/options',
  '/passkey',
  '/security-key/options',
  '/security-key',
  '/enrol/x',
  '/enrol/passkey/options',
  '/enrol/passkey',
  '/provider/github',
  '/approve',
  '/approve/new',
  '/account/sessions',
  '/nothing',
]

/** Pieces that readers stumble over. */
const odd = [
  '',
  ' ',
  '=',
  ';',
  ',',
  '"',
  '\\',
  '%',
  '%0',
  '%zz',
  '%00',
  '%0d%0aX: y',
  '%ff%fe',
  '%c0%af',
  '%ed%a0%80',
  '\u00ff',
  '\u0000',
  '\u007f',
  '&',
  '&&',
  '=&=',
  'a=b=c',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'toString',
  '[]',
  '{}',
  '[object Object]',
  '../..',
  '<script>alert(1)</script>',
  '"><img src=x>',
  "' OR 1=1 --",
  '$2b$12$',
  'name',
  'password',
  '_csrf',
  'rd',
  'flow',
  'null',
  'true',
  '-1',
  '1e999',
  '9'.repeat(400),
  'x'.repeat(9000),
] as const

const cookieNames = [
  '__Secure-gatehouse',
  '__Host-gatehouse-account',
  '__Host-gatehouse-browser',
  '__Host-gatehouse-device',
  '__secure-gatehouse',
  'other',
  '',
]

function sensible(t: Test, seen: Seen, what: string): void {
  t.ok(seen.status < 500 && seen.status >= 200, `${what}: ${seen.status}`)
  const session = seen.setCookies.find((line) => /^__Secure-gatehouse=[^;]/.test(line))
  t.equal(session, undefined, `${what}: no session`)
  t.notMatch(seen.text, /<script>alert|<img src=x/, `${what}: nothing is repeated unescaped`)
}

function atTheEnd(t: Test, login: TestLogin): void {
  t.equal(login.context.sessions.size, 0)
  t.strictSame(
    login.logged.filter(({ level }) => level === 'error'),
    [],
    'nothing was a bug',
  )
}

t.test('cookie headers of any shape', async (t) => {
  const login = await startLogin(t, { people: [{ id: 'ada', session: false }] })
  const pick = random(1)
  for (let i = 0; i < 400; i++) {
    const parts = Array.from({ length: pick(5) + 1 }, () => {
      const name = cookieNames[pick(cookieNames.length)]
      const value = pick(3) === 0 ? 'A'.repeat(43) : (odd[pick(odd.length)] ?? '')
      return `${name}${pick(8) === 0 ? '' : '='}${value}`
    })
    const cookie = parts.join(pick(2) === 0 ? '; ' : ';')
    const target = pages[pick(pages.length)] ?? '/'
    sensible(
      t,
      await login.visitor().ask(target, { headers: { cookie } }),
      JSON.stringify(cookie.slice(0, 120)),
    )
  }
  atTheEnd(t, login)
})

t.test('queries of any shape', async (t) => {
  const login = await startLogin(t)
  const pick = random(2)
  const names = ['rd', 'reason', 'name', 'flow', 'code', 'state', 'id', '__proto__', '']
  for (let i = 0; i < 400; i++) {
    const query = Array.from({ length: pick(4) }, () => {
      const value = (odd[pick(odd.length)] ?? '').replace(/[^\x21-\x7e]|#/g, '')
      return `${names[pick(names.length)]}=${value}`
    }).join('&')
    const target = `${pages[pick(pages.length)]}?${query}`
    sensible(t, await login.visitor().ask(target), target.slice(0, 120))
  }
  atTheEnd(t, login)
})

t.test('bodies of any shape, from a page with a good token', { timeout: 60_000 }, async (t) => {
  const login = await startLogin(t, { people: [{ id: 'ada', session: false }] })
  const pick = random(3)
  const piece = () => odd[pick(odd.length)] ?? ''
  const types = [
    'application/x-www-form-urlencoded',
    'application/x-www-form-urlencoded; charset=utf-16',
    'application/json',
    'application/json; charset=latin1',
    'APPLICATION/JSON',
    'multipart/form-data; boundary=x',
    'text/plain',
    'application/xml',
    'application/json, text/plain',
    '',
    ';',
    '/',
  ]
  for (let i = 0; i < 500; i++) {
    const visitor = login.visitor(`192.0.2.${i % 250}`)
    const first = await visitor.ask('/')
    const csrf = /csrf-token" content="([^"]+)"/.exec(first.text)?.[1] ?? ''
    const type = pick(2) === 0 ? (types[pick(2) * 2] ?? '') : (types[pick(types.length)] ?? '')
    const fields = Array.from({ length: pick(6) }, () => `${piece()}=${piece()}`)
    const form = [`_csrf=${csrf}`, ...fields].join('&')
    const json = jsonLike(pick, piece, csrf)
    const raw = Buffer.from(Array.from({ length: pick(300) }, () => pick(256)))
    const body = [form, form, json, json, raw][pick(5)] ?? ''
    const target = actions[pick(actions.length)] ?? '/'
    const seen = await visitor.ask(target, {
      body,
      headers: {
        ...(pick(20) === 0 ? {} : { 'content-type': type }),
        'x-csrf-token': csrf,
        origin: loginOrigin,
        'sec-fetch-site': 'same-origin',
      },
    })
    sensible(t, seen, `${target} ${type} ${JSON.stringify(String(body).slice(0, 120))}`)
  }
  atTheEnd(t, login)
})

t.test(
  'JSON that nests a hundred thousand deep, and one that is as long as it may be',
  async (t) => {
    const login = await startLogin(t)
    const visitor = login.visitor()
    const first = await visitor.ask('/')
    const csrf = /csrf-token" content="([^"]+)"/.exec(first.text)?.[1] ?? ''
    const headers = {
      'content-type': 'application/json',
      'x-csrf-token': csrf,
      origin: loginOrigin,
      'sec-fetch-site': 'same-origin',
    }
    const deep = `{"response":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
    const long = JSON.stringify({ response: { id: 'x'.repeat(250_000) } })
    const tooLong = JSON.stringify({ response: 'x'.repeat(300_000) })
    for (const [body, status] of [
      [deep, 409],
      [long, 409],
      [tooLong, 413],
    ] as const) {
      const seen = await visitor.ask('/passkey', { body, headers })
      sensible(t, seen, body.slice(0, 30))
      t.equal(seen.status, status)
    }
    atTheEnd(t, login)
  },
)

t.test('every POST asks for a token of this browser, whatever it is for', async (t) => {
  const login = await startLogin(t, { people: [{ id: 'ada', session: false }] })
  for (const target of actions.filter((path) => path !== '/nothing')) {
    for (const type of ['application/x-www-form-urlencoded', 'application/json']) {
      const visitor = login.visitor()
      await visitor.ask('/')
      const body = type.endsWith('json') ? '{"_csrf":"x"}' : '_csrf=x'
      const headers = { 'content-type': type, origin: loginOrigin, 'sec-fetch-site': 'same-origin' }
      const seen = await visitor.ask(target, { body, headers })
      t.ok([403, 404].includes(seen.status), `${target} ${type}: ${seen.status}`)
    }
  }
  atTheEnd(t, login)
})

t.test('headers of any shape beside them', async (t) => {
  const login = await startLogin(t)
  const pick = random(4)
  const names = [
    'accept',
    'origin',
    'sec-fetch-site',
    'user-agent',
    'referer',
    'accept-encoding',
    'range',
    'if-none-match',
    'expect',
    'gatehouse-ticket',
    'content-length',
    'transfer-encoding',
    '__proto__',
    'x-http-method-override',
    'x-csrf-token',
    'host',
  ]
  for (let i = 0; i < 200; i++) {
    const headers: Record<string, string> = Object.create(null)
    for (let j = pick(5); j >= 0; j--) {
      headers[names[pick(names.length)] ?? ''] = (odd[pick(odd.length)] ?? '').replace(/\0/g, '')
    }
    const target = pages[pick(pages.length)] ?? '/'
    sensible(
      t,
      await login.visitor().ask(target, { headers }),
      JSON.stringify(headers).slice(0, 120),
    )
  }
  atTheEnd(t, login)
})

/** Something like JSON: often valid, sometimes cut off. */
function jsonLike(pick: (below: number) => number, piece: () => string, csrf: string): string {
  const value = (depth: number): unknown => {
    switch (pick(depth > 3 ? 5 : 7)) {
      case 0:
        return null
      case 1:
        return pick(2) === 0
      case 2:
        return pick(1000) - 500
      case 3:
      case 4:
        return piece()
      case 5:
        return Array.from({ length: pick(4) }, () => value(depth + 1))
      default:
        return Object.fromEntries(
          Array.from({ length: pick(5) }, () => [keys[pick(keys.length)] ?? '', value(depth + 1)]),
        )
    }
  }
  const text = JSON.stringify({
    _csrf: csrf,
    ...Object.fromEntries(keys.map((key) => [key, value(0)])),
  })
  return pick(6) === 0 ? text.slice(0, pick(text.length)) : text
}

const keys = [
  'flow',
  'response',
  'name',
  'rd',
  'reason',
  'remember',
  'step',
  'enrolment',
  'label',
  'id',
  'rawId',
  'type',
  '__proto__',
  'constructor',
  'clientDataJSON',
  'authenticatorData',
  'signature',
  'userHandle',
  'attestationObject',
  'transports',
]
