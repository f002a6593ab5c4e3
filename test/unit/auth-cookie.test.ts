// Our cookies: read exactly, never sent to a backend in any spelling, never set by one.

import t from 'tap'
import {
  accountCookieName,
  browserCookieName,
  clearCookie,
  cookieValues,
  deviceCookieName,
  guardedSetCookie,
  sessionCookieName,
  setCookie,
  withoutOwnCookies,
} from '../../src/auth/cookie.ts'
import { random } from '../fixtures/random.ts'
import { cookieHeader, storedCookie } from '../fixtures/set-cookie-reader.ts'

const value = 'AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE'
const other = 'zzzzEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE'
const own = `${sessionCookieName}=${value}`
const host = 'app.example.com'

t.test('the cookie a browser sends is found, wherever it stands', async (t) => {
  for (const header of [
    own,
    `${own}; a=1`,
    `a=1; ${own}`,
    `a=1; ${own}; b=2`,
    `a=1;${own};b=2`,
    `a=1 ; \t${own}\t ; b=2`,
    `;;${own};;`,
  ]) {
    t.strictSame(cookieValues(header, sessionCookieName), [value], header)
  }
})

t.test('all values of one name are found, in order', async (t) => {
  const header = `${own}; ${sessionCookieName}=${other}; ${own}`
  t.strictSame(cookieValues(header, sessionCookieName), [value, other, value])
})

t.test('what has not exactly our name and shape is not our cookie', async (t) => {
  for (const header of [
    '',
    'a=1',
    sessionCookieName,
    `${sessionCookieName}=`,
    `${sessionCookieName}=${value.slice(1)}`,
    `${sessionCookieName}=${value}x`,
    `${sessionCookieName}="${value}"`,
    `${sessionCookieName} =${value}`,
    `${sessionCookieName}= ${value}`,
    `${sessionCookieName}=${value} x`,
    `${sessionCookieName}=${value.slice(1)}+`,
    `${sessionCookieName}=${value.slice(1)}\u0080`,
    `x${own}`,
    `=${own}`,
    `"${own}"`,
    `a=${own}`,
    `a=1, ${own}`,
    `a=1 ${own}`,
    `__secure-gatehouse=${value}`,
    `__SECURE-GATEHOUSE=${value}`,
    `${sessionCookieName}-x=${value}`,
    `${sessionCookieName}=%00;;=; ${sessionCookieName}="\u0080`,
  ]) {
    t.strictSame(cookieValues(header, sessionCookieName), [], header)
  }
})

t.test('a broken cookie of our name does not hide a whole one', async (t) => {
  for (const broken of ['', 'x', `"${value}"`, `${value}${value}`, sessionCookieName]) {
    const header = `${sessionCookieName}=${broken}; ${own}`
    t.strictSame(cookieValues(header, sessionCookieName), [value], header)
  }
})

t.test('the cookies of the login host are told apart', async (t) => {
  const header = `${accountCookieName}=${value}; ${browserCookieName}=${other}; ${deviceCookieName}=${value}`
  t.strictSame(cookieValues(header, accountCookieName), [value])
  t.strictSame(cookieValues(header, browserCookieName), [other])
  t.strictSame(cookieValues(header, deviceCookieName), [value])
})

t.test('a header without cookies of ours reaches the backend as the same string', async (t) => {
  for (const header of [
    '',
    ' ',
    ';',
    'a=1',
    'a=1; b="2; c"; d',
    'a=1;b=2;;c',
    'gatehouse=1; secure-gatehouse=2; __Secure-gate=3; __Host-gate=4',
    'x__Secure-gatehouse=1',
    'a=__Secure-gatehouse=1',
    'a="__Secure-gatehouse=1"',
    '_Secure-gatehouse=1',
    '__Secure-gatehous\u00e9=1',
    '%5f%5',
    '%',
    '__Secure-gatehous%6=',
    'é=ü',
  ]) {
    t.equal(withoutOwnCookies(header), header, JSON.stringify(header))
  }
})

t.test('our cookies are taken out, and the bytes of the others stay', async (t) => {
  const cases: readonly (readonly [header: string, left: string | null])[] = [
    [own, null],
    [`${own};`, null],
    [`; ;${own}; ;`, null],
    [`${own}; ${own}`, null],
    [`${own}; a=1`, 'a=1'],
    [`${own};a=1`, 'a=1'],
    [`a=1; ${own}`, 'a=1'],
    [`a=1; ${own}; b=2`, 'a=1; b=2'],
    [`a=1;${own};b=2`, 'a=1;b=2'],
    [`a=1 ;  ${own} ;\tb="x, y"`, 'a=1 ;\tb="x, y"'],
    [`${own}; a=1; ${own}; b=2; ${own}`, 'a=1; b=2'],
    [`a=1;;${own};;b=2`, 'a=1;;;b=2'],
    [`a=1; ${accountCookieName}=x; ${browserCookieName}=y; ${deviceCookieName}=z; b=2`, 'a=1; b=2'],
    [`${sessionCookieName}=short; a=1`, 'a=1'],
    [`${sessionCookieName}; a=1`, 'a=1'],
    [`${sessionCookieName}-of-tomorrow=x; a=1`, 'a=1'],
    [`a="x; ${own}"; b=2`, 'a="x; b=2'],
  ]
  for (const [header, left] of cases) t.equal(withoutOwnCookies(header), left, header)
})

t.test('in whatever way our names are spelled', async (t) => {
  for (const spelling of [
    '__secure-gatehouse',
    '__SECURE-GATEHOUSE',
    '__host-gatehouse-account',
    '__hOsT-gAtEhOuSe-x',
    '"__Secure-gatehouse"',
    "'__Secure-gatehouse'",
    '=__Secure-gatehouse',
    '= "__Secure-gatehouse',
    ' __Secure-gatehouse ',
    '\t__Secure-gatehouse',
    '\u00a0__Secure-gatehouse',
    '\u000b__Secure-gatehouse',
    '\u0000__Secure-gatehouse',
    '%5F%5fSecure-gatehouse',
    '__Secure%2dgatehouse',
    '%5F_%53ecure-%67atehouse',
    // PHP reads these names with underscores.
    '..Secure-gatehouse',
    '_.Secure-gatehouse',
    '_[Secure-gatehouse',
    // For readers that split at commas or white space.
    'x=1,__Secure-gatehouse',
    'x=1, __Secure-gatehouse',
    'x=1 __Secure-gatehouse',
    'x="1"\t__Secure-gatehouse',
  ]) {
    const header = `a=1;${spelling}=${value}; b=2`
    t.equal(withoutOwnCookies(header), 'a=1; b=2', header)
  }
})

t.test('made-up headers: nothing of ours is left and nothing else is lost', async (t) => {
  const below = random(20_261_121)
  const pick = <T>(list: readonly T[]) => list[below(list.length)] as T
  const strange = [
    'a=1',
    'b="2"',
    '',
    ' ',
    '=',
    'c==;',
    'theme=dark',
    'é=ü',
    '%',
    '__Host-x=1',
    'd',
  ]
  const spelled = () => {
    const name = pick([sessionCookieName, accountCookieName, '__Secure-gatehouse2'])
    const cased = [...name]
      .map((c) => (below(2) === 0 ? c.toUpperCase() : c.toLowerCase()))
      .join('')
    const encoded = [...cased]
      .map((c) => (below(6) === 0 ? `%${c.charCodeAt(0).toString(16)}` : c))
      .join('')
    return `${pick(['', ' ', '"', '=', '\t', "'"])}${encoded}${pick(['', ' ', '"'])}=${pick([value, 'x', ''])}`
  }
  for (let round = 0; round < 20_000; round++) {
    const parts: string[] = []
    const kept: string[] = []
    for (let i = below(6); i >= 0; i--) {
      if (below(3) === 0) parts.push(spelled())
      else {
        const part = pick(strange).replaceAll(';', '')
        parts.push(part)
        if (part.trim() !== '') kept.push(part.trim())
      }
    }
    const header = parts.join(pick([';', '; ', ' ;\t']))
    const left = withoutOwnCookies(header)
    const flat = (left ?? '').toLowerCase()
    if (/gatehouse/.test(decodeLoosely(flat))) t.fail(JSON.stringify([header, left]))
    const remaining = (left ?? '').split(';').map((part) => part.trim())
    if (remaining.filter((part) => part !== '').join('|') !== kept.join('|')) {
      t.fail(JSON.stringify([header, left, kept]))
    }
    if (withoutOwnCookies(left ?? '') !== (left ?? '')) t.fail(`not stable: ${header}`)
  }
  t.pass('20,000 headers')
})

t.test('noise is read without a failure, and every value found has our shape', async (t) => {
  const below = random(7)
  const pieces = [
    '__Secure-gatehouse',
    '__Host-gatehouse',
    '=',
    ';',
    ' ',
    '"',
    ',',
    '%',
    '\t',
    value,
  ]
  for (let round = 0; round < 20_000; round++) {
    let header = ''
    for (let i = below(20); i > 0; i--) {
      header += below(4) === 0 ? String.fromCharCode(below(256)) : (pieces[below(10)] ?? '')
    }
    for (const found of cookieValues(header, sessionCookieName)) {
      if (!/^[\w-]{43}$/.test(found)) t.fail(JSON.stringify([header, found]))
    }
    withoutOwnCookies(header)
    guardedSetCookie(header, host, below(2) === 0)
  }
  t.pass('20,000 headers')
})

t.test('a header of the greatest size is read in a moment', async (t) => {
  const began = performance.now()
  for (const piece of [
    `${own};`,
    `${sessionCookieName}=`,
    ';',
    ' ',
    '__',
    '%',
    `${own} `,
    'a=1; ',
  ]) {
    const header = piece.repeat(Math.ceil(32_768 / piece.length))
    cookieValues(header, sessionCookieName)
    withoutOwnCookies(header)
    guardedSetCookie(header, host, false)
  }
  t.ok(performance.now() - began < 500)
})

t.test('our own Set-Cookie lines say what keeps a cookie safe', async (t) => {
  t.equal(
    setCookie(sessionCookieName, value, { domain: 'example.com', maxAgeSeconds: 60.5 }),
    `${own}; Path=/; Secure; HttpOnly; SameSite=Lax; Domain=example.com; Max-Age=60`,
  )
  t.equal(
    setCookie(accountCookieName, value),
    `${accountCookieName}=${value}; Path=/; Secure; HttpOnly; SameSite=Lax`,
  )
  t.equal(
    clearCookie(sessionCookieName, { domain: 'example.com' }),
    `${sessionCookieName}=; Path=/; Secure; HttpOnly; SameSite=Lax; Domain=example.com; Max-Age=0`,
  )
  t.throws(() => setCookie(accountCookieName, value, { domain: 'example.com' }), TypeError)
})

t.test('a cookie of the backend’s own passes as the same string', async (t) => {
  for (const line of [
    'a=1',
    'a=1; Path=/; HttpOnly',
    '__Host-own=1; Path=/; Secure',
    'a=1; Domain=app.example.com',
    'a=1; domain=.App.Example.com ; Path=/',
    'a=Domain=example.com',
    'Domain=example.com',
    'a=1; x-domain=example.com; domains=example.com',
    'a="1; 2"',
    '',
    '=',
    'a=__Secure-gatehouse',
    'a=\t1',
  ]) {
    t.equal(guardedSetCookie(line, host, false), line, line)
  }
})

t.test(
  'a Domain that is not the host itself goes, and the cookie becomes the host’s',
  async (t) => {
    const cases: readonly (readonly [line: string, passing: string])[] = [
      ['a=1; Domain=example.com', 'a=1'],
      ['a=1; Domain=example.com; Path=/', 'a=1; Path=/'],
      ['a=1;DOMAIN=EXAMPLE.COM;Secure', 'a=1;Secure'],
      ['a=1; Path=/; \tdOmAiN \t= \t.example.com \t; Secure', 'a=1; Path=/; Secure'],
      ['a=1; Domain=com', 'a=1'],
      ['a=1; Domain', 'a=1'],
      ['a=1; Domain=', 'a=1'],
      ['a=1; Domain=.', 'a=1'],
      ['a=1; Domain=example.com; Domain=app.example.com', 'a=1; Domain=app.example.com'],
      ['a=1; Domain=app.example.com; Domain=example.com', 'a=1; Domain=app.example.com'],
      ['a=1; Domain=example.com; Domain=', 'a=1'],
      ['a=1; Domain="example.com"', 'a=1'],
      ['a=1; Domain=ex%61mple.com', 'a=1'],
      ['a=1; Domain=example.com.', 'a=1'],
      ['a=1; Domain=..app.example.com', 'a=1'],
      ['a=1; Domain=other.example', 'a=1'],
      [`a=1; Domain=${'x'.repeat(2000)}`, 'a=1'],
      ['a=1; Domain=\u00a0app.example.com', 'a=1'],
    ]
    for (const [line, passing] of cases) t.equal(guardedSetCookie(line, host, false), passing, line)
  },
)

t.test('with the route’s permission a cookie for the parent passes untouched', async (t) => {
  const line = 'a=1; Domain=example.com; Path=/'
  t.equal(guardedSetCookie(line, host, true), line)
})

t.test('a cookie that would be sent as one of ours is dropped, permission or not', async (t) => {
  for (const line of [
    `${own}; Domain=example.com`,
    `${sessionCookieName}=`,
    sessionCookieName,
    '__secure-GATEHOUSE-anything=1',
    '__Host-gatehouse-browser=1; Path=/; Secure',
    ` ${own}`,
    `\t${own}`,
    `"__Secure-gatehouse"=x`,
    // No name: it is sent as its value (RFC 6265bis §5.8.3).
    `=${own}`,
    ` = ${own}`,
    `=${sessionCookieName}`,
    `;${own}`,
    '%5f%5fSecure-gatehouse=x',
    '..Secure-gatehouse=x',
  ]) {
    t.equal(guardedSetCookie(line, host, false), null, line)
    t.equal(guardedSetCookie(line, host, true), null, line)
  }
})

t.test('a line with control characters is dropped, as browsers do or should', async (t) => {
  for (const c of ['\u0000', '\u0008', '\n', '\r', '\u001f', '\u007f']) {
    t.equal(guardedSetCookie(`a=1${c}; Domain=example.com`, host, false), null)
    t.equal(guardedSetCookie(`a=1; Path=/${c}`, host, true), null)
  }
})

t.test('made-up lines: no browser stores what a backend may not set', async (t) => {
  const below = random(4)
  const pick = <T>(list: readonly T[]) => list[below(list.length)] as T
  const names = ['a', '', ' ', '__Host-b', 'Domain', sessionCookieName, '__HOST-gatehouse', '=']
  const values = ['1', '', own, '"x"', `${sessionCookieName}`, ' ']
  const keys = ['Domain', 'domain', ' DOMAIN ', '\tDomain', 'Path', 'Secure', 'Domain\u00a0', '']
  const domains = [
    'example.com',
    '.example.com',
    '',
    host,
    `.${host}`,
    'COM',
    '"example.com"',
    ' example.com\t',
  ]
  let stored = 0
  for (let round = 0; round < 30_000; round++) {
    let line = `${pick(names)}${pick(['=', '=', ''])}${pick(values)}`
    for (let i = below(5); i > 0; i--) {
      line += `;${pick([' ', '', '\t'])}${pick(keys)}${pick(['=', ' = ', ''])}${pick(domains)}`
    }
    const passing = guardedSetCookie(line, host, false)
    if (passing === null) continue
    for (const reading of ['last', 'ignored'] as const) {
      const cookie = storedCookie(passing, host, reading)
      if (cookie === null) continue
      stored += 1
      if (cookie.domain !== null && cookie.domain !== host) t.fail(JSON.stringify([line, passing]))
      const sent = cookieHeader([cookie])
      if (/^__(?:secure|host)-gatehouse/i.test(sent)) t.fail(JSON.stringify([line, sent]))
      const before = storedCookie(line, host, reading)
      if (before !== null && before.value !== cookie.value) t.fail(JSON.stringify([line, passing]))
    }
  }
  t.ok(stored > 10_000, `${stored} cookies stored`)
})

function decodeLoosely(text: string): string {
  return text.replace(/%([0-9a-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}
