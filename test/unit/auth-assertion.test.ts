// What backends are told of who asks: headers that say no more than is meant, and a JWT that jose verifies.

import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import t from 'tap'
import { createAssertion } from '../../src/auth/assertion.ts'
import type { Session } from '../../src/auth/session.ts'
import type { SignInMethod } from '../../src/auth/session-store.ts'
import type { Host, Identity, IdentityHeaderNames, SessionRef, UserId } from '../../src/model.ts'
import { createEventList, createMemoryStores } from '../fixtures/memory-stores.ts'

const host = 'app.example.com' as Host
const names: IdentityHeaderNames = {
  user: 'remote-user',
  name: 'remote-name',
  email: 'remote-email',
  groups: 'remote-groups',
  assertion: 'x-gatehouse-assertion',
}
const plain: IdentityHeaderNames = { ...names, assertion: null }
const diego: Identity = {
  user: 'diego' as UserId,
  name: 'Diego',
  email: 'd@example.com',
  groups: ['admins', 'family'],
  session: 'abcdefghijkl' as SessionRef,
  via: 'session',
  passkey: true,
  secondFactor: true,
  authenticatedAt: Date.UTC(2026, 10, 21, 9),
  mayWake: true,
}

async function setUp(stores = createMemoryStores(), now = Date.UTC(2026, 10, 21, 10)) {
  const clock = { now }
  const log = createEventList()
  let methods: readonly SignInMethod[] = ['password', 'totp']
  const assertion = await createAssertion({
    settings: stores.settings,
    issuer: () => 'https://auth.example.com',
    origin: (name) => `https://${name}`,
    sessionOf: (ref) => (ref === diego.session ? ({ record: { methods } } as Session) : null),
    now: () => clock.now,
    log,
  })
  const jwtOf = (identity = diego, at: Host = host) => {
    const headers = assertion.identityHeaders(identity, names, at, clock.now)
    return headers[headers.indexOf('x-gatehouse-assertion') + 1] ?? ''
  }
  return {
    stores,
    clock,
    log,
    assertion,
    jwtOf,
    shown(...shown: readonly SignInMethod[]) {
      methods = shown
    },
    verify: (jwt: string) =>
      jwtVerify(jwt, createLocalJWKSet({ keys: [...assertion.jwks().keys] }), {
        issuer: 'https://auth.example.com',
        audience: 'https://app.example.com',
        algorithms: ['ES256'],
        typ: 'JWT',
        currentDate: new Date(clock.now),
      }),
  }
}

t.test('the headers say who it is, under the names the route wants', async (t) => {
  const { assertion, clock } = await setUp()
  t.strictSame(assertion.identityHeaders(diego, plain, host, clock.now), [
    'remote-user',
    'diego',
    'remote-name',
    'Diego',
    'remote-email',
    'd@example.com',
    'remote-groups',
    'admins,family',
  ])
  const radicale = { ...plain, user: 'x-remote-user', name: null, email: null, groups: null }
  t.strictSame(assertion.identityHeaders(diego, radicale, host, clock.now), [
    'x-remote-user',
    'diego',
  ])
})

t.test('what is not known is not said', async (t) => {
  const { assertion, clock } = await setUp()
  const bare = { ...diego, name: ' \t ', email: null, groups: [] }
  t.strictSame(assertion.identityHeaders(bare, plain, host, clock.now), ['remote-user', 'diego'])
})

t.test('no value can begin another header or another group', async (t) => {
  const { assertion, clock } = await setUp()
  const crooked = {
    ...diego,
    name: ' Die\r\nX-Evil: 1\u0000\u007f\u0085go ',
    email: '\n',
    groups: ['a\r\nb', 'x,admins', 'family', ','],
  }
  t.strictSame(assertion.identityHeaders(crooked, plain, host, clock.now), [
    'remote-user',
    'diego',
    'remote-name',
    'DieX-Evil: 1go',
    'remote-groups',
    'ab,family',
  ])
})

t.test('text beyond ASCII goes as UTF-8', async (t) => {
  const { assertion, clock } = await setUp()
  const name = 'Zoë 日本 👩‍🚀'
  const headers = assertion.identityHeaders({ ...diego, name }, plain, host, clock.now)
  const value = headers[3] ?? ''
  t.match(value, /^[\x20-\xff]+$/, 'one character per byte')
  t.equal(Buffer.from(value, 'latin1').toString('utf8'), name)
})

t.test(
  'the assertion is a JWT that the JWKS verifies, for this host and a short time',
  async (t) => {
    const { jwtOf, verify, clock, assertion } = await setUp()
    const jwt = jwtOf()
    const { payload } = await verify(jwt)
    const { jti, ...claims } = payload
    t.match(jti, /^[\w-]{16}$/)
    const at = clock.now / 1000
    t.strictSame(claims, {
      iss: 'https://auth.example.com',
      aud: 'https://app.example.com',
      sub: 'diego',
      iat: at,
      nbf: at - 30,
      exp: at + 300,
      sid: 'abcdefghijkl',
      name: 'Diego',
      groups: ['admins', 'family'],
      email: 'd@example.com',
      auth_time: at - 3600,
      amr: ['pwd', 'otp', 'mfa'],
    })
    t.equal(decodeProtectedHeader(jwt).kid, assertion.jwks().keys[0]?.kid)
    await t.rejects(verify(jwtOf(diego, 'other.example.com' as Host)), /"aud"/)
    clock.now += 301_000
    await t.rejects(verify(jwt), /"exp"/)
  },
)

t.test('a changed assertion is no assertion', async (t) => {
  const { jwtOf, verify } = await setUp()
  const [header = '', claims = '', signature = ''] = jwtOf().split('.')
  const text = Buffer.from(claims, 'base64url').toString().replace('diego', 'maria')
  const forged = Buffer.from(text).toString('base64url')
  await t.rejects(verify(`${header}.${forged}.${signature}`), /signature/)
})

t.test('the JWKS tells nothing but public keys', async (t) => {
  const { assertion, stores } = await setUp()
  t.strictSame(Object.keys(assertion.jwks().keys[0] ?? {}).sort(), [
    'alg',
    'crv',
    'kid',
    'kty',
    'use',
    'x',
    'y',
  ])
  t.ok(stores.values.has('assertion-keys'))
})

t.test('how somebody signed in is said in the words of RFC 8176', async (t) => {
  const { jwtOf, verify, shown } = await setUp()
  const amrOf = async (identity: Identity) => (await verify(jwtOf(identity))).payload.amr
  shown('passkey')
  t.strictSame(await amrOf({ ...diego }), ['pop', 'user', 'mfa'])
  shown('password', 'security-key')
  t.strictSame(await amrOf({ ...diego }), ['pwd', 'pop', 'mfa'])
  shown('provider')
  t.strictSame(await amrOf({ ...diego, secondFactor: false }), undefined)
  const token = { ...diego, via: 'token', secondFactor: false, authenticatedAt: null } as const
  const { payload } = await verify(jwtOf(token))
  t.equal(payload.amr, undefined)
  t.equal(payload.auth_time, undefined)
})

t.test('the same list comes back until half of its life is over', async (t) => {
  const { assertion, clock } = await setUp()
  const headers = () => assertion.identityHeaders(diego, names, host, clock.now)
  const first = headers()
  clock.now += 149_999
  t.equal(headers(), first)
  const other = assertion.identityHeaders(diego, names, 'b.example.com' as Host, clock.now)
  t.not(other, first, 'another host, another audience')
  t.equal(headers(), first)
  clock.now += 1
  const second = headers()
  t.not(second, first)
  t.equal(headers(), second)
  clock.now -= 10_000
  t.not(headers(), second, 'a clock that was set back does not make it last longer')
  t.not(assertion.identityHeaders({ ...diego }, names, host, clock.now), headers())
  t.not(assertion.identityHeaders(diego, { ...names }, host, clock.now), headers())
  t.equal(
    assertion.identityHeaders(diego, plain, host, clock.now),
    assertion.identityHeaders(diego, plain, 'b.example.com' as Host, clock.now + 1e9),
    'without an assertion nothing gets old',
  )
})

t.test('many hosts of one wildcard do not fill the memory', async (t) => {
  const { assertion, clock } = await setUp()
  for (let i = 0; i < 200; i++) {
    assertion.identityHeaders(diego, names, `h${i}.example.com` as Host, clock.now)
  }
  const last = 'h199.example.com' as Host
  const headers = assertion.identityHeaders(diego, names, last, clock.now)
  t.equal(assertion.identityHeaders(diego, names, last, clock.now), headers)
})

t.test('the key survives a restart', async (t) => {
  const before = await setUp()
  const jwt = before.jwtOf()
  const after = await setUp(before.stores)
  await after.verify(jwt)
  t.strictSame(after.assertion.jwks(), before.assertion.jwks())
})

t.test(
  'after three months there is a new key: published first, then used; the old one still verifies',
  async (t) => {
    const { clock, jwtOf, verify, assertion, stores } = await setUp()
    const [old] = assertion.jwks().keys
    clock.now += 91 * 86_400_000
    const { keys } = assertion.jwks()
    t.equal(keys.length, 2)
    t.equal(keys[1]?.kid, old?.kid)
    const jwt = jwtOf()
    t.equal(decodeProtectedHeader(jwt).kid, old?.kid, 'nobody has fetched the new one yet')
    clock.now += 16 * 60_000
    const next = jwtOf()
    t.equal(decodeProtectedHeader(next).kid, keys[0]?.kid)
    await verify(next)
    clock.now -= 16 * 60_000
    await verify(jwt)
    await new Promise(setImmediate)
    const after = await setUp(stores, clock.now)
    t.strictSame(after.assertion.jwks().keys, keys)
    clock.now += 300 * 86_400_000
    t.equal(assertion.jwks().keys.length, 2, 'no more than two')
  },
)

t.test(
  'a store that takes no key does not stop assertions; one that cannot be read stops the start',
  async (t) => {
    const stores = createMemoryStores()
    const set = stores.settings.set
    stores.settings.set = () => Promise.reject(new Error('disk full'))
    const { jwtOf, verify, log } = await setUp(stores)
    await verify(jwtOf())
    t.equal(log.events[0]?.event, 'store-refuses')
    stores.settings.set = set
    stores.refuse(true)
    await t.rejects(setUp(stores), { code: 'store-unavailable' })
  },
)

t.test('keys that cannot be read are replaced, and the log says so', async (t) => {
  for (const text of ['', '{', '{}', '[]', '[null]', '[{"createdAt":1,"pkcs8":"AAAA"}]']) {
    const stores = createMemoryStores()
    stores.values.set('assertion-keys', text)
    const { jwtOf, verify, log } = await setUp(stores)
    await verify(jwtOf())
    t.equal(log.events[0]?.event, 'assertion-keys-unreadable', text)
  }
})
