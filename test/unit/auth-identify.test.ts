// Who is asking: every way to show it, every way to show it wrongly, and nobody in between.

import t from 'tap'
import { createIdentify, ownAuthorization, type Presented } from '../../src/auth/identify.ts'
import type { User } from '../../src/auth/people.ts'
import { createSessions } from '../../src/auth/sessions.ts'
import { createTokens, type NewToken } from '../../src/auth/tokens.ts'
import type { CanonicalPath, Host, SessionRef, UserId } from '../../src/model.ts'
import type { RuntimeNetwork } from '../../src/routes.ts'
import { createEventList, createMemoryStores, testUser } from '../fixtures/memory-stores.ts'
import { random } from '../fixtures/random.ts'

const now = Date.UTC(2026, 10, 21)
const cookieName = '__Secure-gatehouse'
const stranger: Presented = {
  cookie: null,
  authorization: null,
  tokenHeader: null,
  pathToken: null,
  host: 'app.example.com' as Host,
  method: 'GET',
  path: '/' as CanonicalPath,
  alternatives: [],
  application: null,
  client: '203.0.113.7',
  networks: null,
}

async function setUp() {
  const stores = createMemoryStores()
  for (const user of [testUser('diego'), testUser('maria')]) stores.people.set(user.id, user)
  const log = createEventList()
  const common = { now: () => now, onEnded() {}, log }
  const day = 86_400_000
  const sessions = createSessions({
    ...common,
    store: stores.sessions,
    users: stores.users,
    limits: () => ({ idleMs: day, absoluteMs: day, rememberIdleMs: day, rememberAbsoluteMs: day }),
    steady: () => 1_000,
    onChanged() {},
  })
  await sessions.load()
  const tokens = createTokens({ ...common, store: stores.tokens, user: sessions.user })
  const { identify, identityOf } = createIdentify({
    sessions,
    tokens,
    user: sessions.user,
    loginHost: () => 'auth.example.com' as Host,
  })
  return {
    stores,
    sessions,
    tokens,
    identityOf,
    as: (presented: Partial<Presented>) => identify({ ...stranger, ...presented }, now),
    async session(id: string) {
      const user = sessions.user(id as UserId) as User
      const issued = await sessions.begin({
        user,
        methods: ['password'],
        passkey: false,
        secondFactor: false,
        remember: false,
        account: null,
        address: '203.0.113.1',
        userAgent: '',
      })
      return { ...issued, cookie: `${cookieName}=${issued.token}` }
    },
    async token(id: string, scope: Partial<NewToken> = {}) {
      const { text, record } = await tokens.create({
        user: id as UserId,
        label: 'x',
        hosts: null,
        methods: null,
        paths: null,
        wake: null,
        scopes: [],
        expiresAt: null,
        ...scope,
      })
      return { text, ref: `token:${record.id}` as SessionRef, id: record.id }
    },
  }
}

const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

const refOf = (identified: unknown) =>
  typeof identified === 'object' && identified !== null && 'session' in identified
    ? identified.session
    : identified

t.test('nothing shown is nobody', async (t) => {
  const { as } = await setUp()
  t.equal(as({}), null)
  t.equal(as({ cookie: '' }), null)
  t.equal(as({ cookie: 'theme=dark' }), null)
})

t.test('a session’s cookie is its person, and the session was seen', async (t) => {
  const { as, session, sessions } = await setUp()
  const diego = await session('diego')
  t.equal(as({ cookie: `a=1; ${diego.cookie}`, client: '198.51.100.9' }), diego.session.identity)
  t.equal(sessions.list()[0]?.record.lastAddress, '198.51.100.9')
})

t.test('among several cookies of our name the valid one counts, wherever it stands', async (t) => {
  const { as, session } = await setUp()
  const diego = await session('diego')
  const invalid = `${cookieName}=${'A'.repeat(43)}`
  const broken = `${cookieName}=%00;;=; ${cookieName}="\u0080`
  for (const cookie of [
    `${invalid}; ${diego.cookie}`,
    `${diego.cookie}; ${invalid}`,
    `${broken}; ${diego.cookie}; ${broken}`,
    `${diego.cookie}; ${diego.cookie}`,
    `${invalid}; ${invalid}; ${diego.cookie}; ${invalid}`,
  ]) {
    t.equal(as({ cookie }), diego.session.identity, cookie)
  }
  t.equal(as({ cookie: invalid }), null)
  t.equal(as({ cookie: broken }), null)
})

t.test('two valid sessions at once are nobody, not even the network they come from', async (t) => {
  const { as, session } = await setUp()
  const diego = await session('diego')
  for (const other of [await session('maria'), await session('diego')]) {
    t.equal(as({ cookie: `${diego.cookie}; ${other.cookie}`, networks: [network('diego')] }), null)
    t.equal(as({ cookie: `${other.cookie}; ${diego.cookie}` }), null)
  }
})

t.test('a heap of cookies of our name is nobody, and costs little', async (t) => {
  const { as, session } = await setUp()
  const diego = await session('diego')
  const heap = Array.from({ length: 10 }, (_, i) => `${cookieName}=${String(i).repeat(43)}`)
  t.equal(as({ cookie: [...heap, diego.cookie].join('; ') }), null)
  t.equal(as({ cookie: [...heap.slice(1), diego.cookie].join('; ') }), diego.session.identity)
})

t.test(
  'a token comes as Bearer, as Basic password, in its own header and in the path',
  async (t) => {
    const { as, token, tokens } = await setUp()
    const { text, ref, id } = await token('diego')
    for (const presented of [
      { authorization: `Bearer ${text}` },
      { authorization: `bearer ${text}` },
      { authorization: `BEARER   ${text}` },
      { authorization: basic('diego', text) },
      { authorization: basic('Diego', text) },
      { authorization: basic('', text) },
      { authorization: basic('diego', text).replace('Basic', 'bAsIc') },
      { tokenHeader: text },
      { pathToken: text },
      { tokenHeader: text, pathToken: text, authorization: `Bearer ${text}` },
    ]) {
      t.equal(refOf(as(presented)), ref, JSON.stringify(presented))
    }
    t.equal(tokens.byId(id)?.record.lastAddress, stranger.client)
  },
)

t.test(
  'what begins as a token of ours and is not one is refused, and never a stranger',
  async (t) => {
    const { as, token, session } = await setUp()
    const { text } = await token('diego')
    const { cookie } = await session('diego')
    const wrong = `gth_${'A'.repeat(43)}`
    for (const presented of [
      { authorization: `Bearer ${wrong}` },
      { authorization: `Bearer ${text}x` },
      { authorization: `Bearer ${text} ` },
      { authorization: 'Bearer gth_' },
      { authorization: basic('diego', wrong) },
      { authorization: basic('maria', text) },
      { authorization: basic('gth_x', '') },
      { authorization: basic(text, '') },
      { authorization: basic(text, 'x-oauth-basic') },
      { authorization: text },
      { authorization: `token ${text}` },
      { authorization: `Digest ${text}` },
      { tokenHeader: wrong },
      { tokenHeader: '' },
      { tokenHeader: 'whatever' },
      { pathToken: wrong },
      { pathToken: 'x' },
      { pathToken: '' },
    ]) {
      t.equal(as(presented), 'token-invalid', JSON.stringify(presented))
      t.equal(as({ ...presented, cookie, networks: [network('diego')] }), 'token-invalid')
    }
  },
)

t.test('an Authorization that is not ours is nobody’s business', async (t) => {
  const { as, session } = await setUp()
  const diego = await session('diego')
  for (const authorization of [
    '',
    ' ',
    'Bearer',
    'Bearer ',
    'Bearer eyJhbGciOi.x.y',
    'Bearer GTH_abc',
    'Bearer xgth_abc',
    'Basic',
    'Basic !!!',
    'Basic %%%%',
    basic('diego', 'password'),
    basic('diego', 'x gth_'),
    'token 0123456789abcdef',
    'MediaBrowser Token="abc"',
    'Digest username="gth_"',
    'Negotiate YII=',
  ]) {
    t.equal(ownAuthorization(authorization), false, authorization)
    t.equal(as({ authorization }), null, authorization)
    t.equal(as({ authorization, cookie: diego.cookie }), diego.session.identity)
  }
})

t.test('what is ours is kept from backends, good or not', async (t) => {
  const text = `gth_${'A'.repeat(43)}`
  for (const authorization of [
    `Bearer ${text}`,
    `bearer\t${text}`,
    'Bearer gth_',
    basic('', text),
    basic('diego', text),
    basic('x'.repeat(3000), text),
    basic(text, ''),
    `Basic ${Buffer.from(text).toString('base64')}`,
    text,
    `Token ${text}`,
  ]) {
    t.equal(ownAuthorization(authorization), true, authorization)
  }
})

t.test('a token is good for its own hosts, methods and paths', async (t) => {
  const { as, token } = await setUp()
  const { text, ref } = await token('diego', {
    hosts: ['app.example.com'],
    methods: ['GET'],
    paths: ['/dav/**'],
  })
  const tokenHeader = text
  const path = '/dav/x' as CanonicalPath
  t.equal(refOf(as({ tokenHeader, path })), ref)
  t.equal(as({ tokenHeader, path, method: 'PUT' }), 'token-invalid')
  t.equal(as({ tokenHeader, path, host: 'other.example.com' as Host }), 'token-invalid')
  t.equal(as({ tokenHeader }), 'token-invalid')
  const inside = { tokenHeader, path, alternatives: ['/dav/y' as CanonicalPath] }
  t.equal(refOf(as(inside)), ref)
  const outside = { ...inside, alternatives: ['/dav/y' as CanonicalPath, '/' as CanonicalPath] }
  t.equal(as(outside), 'token-invalid', 'another reading of the path leads out of them')
})

t.test('no token opens the login host, and the admin only one with a scope for it', async (t) => {
  const { as, token } = await setUp()
  const host = 'auth.example.com' as Host
  for (const hosts of [null, ['auth.example.com', 'app.example.com']]) {
    for (const scopes of [[], ['admin:write'], ['vm:wake'], ['root', 'constructor']]) {
      const { text, ref } = await token('diego', { hosts, scopes })
      t.equal(as({ tokenHeader: text, host }), 'token-invalid')
      t.equal(as({ tokenHeader: text, application: 'login' }), 'token-invalid')
      const atAdmin = as({ tokenHeader: text, application: 'admin' })
      const opens = scopes.some((scope) => scope.includes(':'))
      if (opens) t.equal(refOf(atAdmin), ref, scopes.join())
      else t.equal(atAdmin, 'token-invalid', scopes.join())
    }
  }
  const elsewhere = await token('diego', { hosts: ['git.example.com'], scopes: ['admin:write'] })
  t.equal(as({ tokenHeader: elsewhere.text, application: 'admin' }), 'token-invalid')
})

t.test('two identities at once are refused; the same one twice is not', async (t) => {
  const { as, token, session } = await setUp()
  const diego = await token('diego')
  const second = await token('diego')
  const maria = await session('maria')
  const own = await session('diego')
  t.equal(as({ tokenHeader: diego.text, authorization: `Bearer ${second.text}` }), 'two-identities')
  t.equal(as({ tokenHeader: diego.text, pathToken: second.text }), 'two-identities')
  t.equal(as({ pathToken: diego.text, authorization: basic('', second.text) }), 'two-identities')
  t.equal(as({ tokenHeader: diego.text, cookie: maria.cookie }), 'two-identities')
  t.equal(
    as({ tokenHeader: diego.text, cookie: `${maria.cookie}; ${own.cookie}` }),
    'two-identities',
  )
  t.equal(refOf(as({ tokenHeader: diego.text, cookie: own.cookie })), diego.ref)
  t.equal(refOf(as({ tokenHeader: diego.text, cookie: 'a=1' })), diego.ref)
})

t.test('an address that counts as a person is one when nobody is signed in', async (t) => {
  const { as, session, stores, sessions } = await setUp()
  const networks = [network('nobody', '192.0.2.1'), network('maria'), network('diego')]
  t.match(as({ networks }), {
    user: 'maria',
    session: 'network:203.0.113.7',
    via: 'network',
    passkey: false,
    secondFactor: false,
    authenticatedAt: null,
    mayWake: true,
  })
  t.equal(as({ networks }), as({ networks }), 'the same object each time')
  t.equal(as({ networks, client: '192.0.2.9' }), null)
  const diego = await session('diego')
  t.equal(as({ networks, cookie: diego.cookie }), diego.session.identity)
  t.match(as({ networks, cookie: `${cookieName}=${'A'.repeat(43)}` }), { user: 'maria' })
  stores.people.set('maria' as UserId, testUser('maria', { groups: ['family'] }))
  await sessions.load()
  t.match(as({ networks }), { groups: ['family'] })
  stores.people.set('maria' as UserId, testUser('maria', { disabled: true }))
  await sessions.load()
  t.equal(as({ networks }), null, 'nobody, and not the next in the list')
  stores.people.delete('maria' as UserId)
  await sessions.load()
  t.equal(as({ networks }), null)
})

t.test(
  'who that is by now: as long as session, token and network are what they were',
  async (t) => {
    const { identityOf, session, token, tokens, sessions, as } = await setUp()
    const diego = await session('diego')
    const program = await token('diego', { expiresAt: now + 1000 })
    const networks = [network('maria')]
    const place = { client: stranger.client, networks }
    const ref = diego.session.record.ref
    t.equal(identityOf(ref, place, now), diego.session.identity)
    await sessions.end([ref], 'revoked')
    t.equal(identityOf(ref, place, now), null)
    t.equal(identityOf(program.ref, place, now)?.session, program.ref)
    t.equal(identityOf(program.ref, place, now + 1000), null)
    await tokens.remove([program.id], 'revoked')
    t.equal(identityOf(program.ref, place, now), null)
    const address = refOf(as({ networks })) as SessionRef
    t.equal(identityOf(address, place, now)?.user, 'maria')
    t.equal(identityOf(address, { ...place, networks: null }, now), null)
    t.equal(identityOf(address, { ...place, networks: [network('maria', '192.0.2.1')] }, now), null)
    t.equal(identityOf('token:' as SessionRef, place, now), null)
    t.equal(identityOf('network:' as SessionRef, place, now), null)
    t.equal(identityOf('' as SessionRef, place, now), null)
  },
)

t.test('noise in every place never fails and never lets anybody in', async (t) => {
  const { as, session, token } = await setUp()
  await session('diego')
  await token('diego')
  const below = random(1984)
  const pieces = [
    'gth_',
    'Bearer ',
    'Basic ',
    cookieName,
    '=',
    ';',
    ':',
    'Z3RoXw==',
    'A'.repeat(43),
  ]
  const noise = () => {
    if (below(4) === 0) return null
    let text = ''
    for (let i = below(6); i > 0; i--) {
      text += below(3) === 0 ? String.fromCharCode(below(256)) : (pieces[below(9)] ?? '')
    }
    return text
  }
  for (let round = 0; round < 30_000; round++) {
    const presented = {
      cookie: noise(),
      authorization: noise(),
      tokenHeader: below(3) === 0 ? noise() : null,
      pathToken: below(3) === 0 ? noise() : null,
    }
    const who = as(presented)
    if (who !== null && typeof who === 'object') t.fail(JSON.stringify(presented))
  }
  t.pass('30,000 requests')
})

function network(user: string, address = stranger.client): RuntimeNetwork {
  return {
    includes: (client) => client === address,
    cidr: address,
    user: user as UserId,
    mayWake: true,
  }
}
