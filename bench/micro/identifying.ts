// Who is asking, and what the backend may know of it: cookies, sessions, tokens, identity headers.

import { createAssertion } from '../../src/auth/assertion.ts'
import {
  cookieValueAt,
  guardedSetCookie,
  sessionCookieName,
  withoutOwnCookies,
} from '../../src/auth/cookie.ts'
import { createIdentify, ownAuthorization, type Presented } from '../../src/auth/identify.ts'
import type { User } from '../../src/auth/people.ts'
import { secretHash } from '../../src/auth/secret-text.ts'
import { createSessions } from '../../src/auth/sessions.ts'
import { createTokens } from '../../src/auth/tokens.ts'
import { steadyClock } from '../../src/clock.ts'
import type { IdentityHeaderNames, UserId } from '../../src/model.ts'
import type { MicroCase } from './harness.ts'
import { sampleHost, sampleTarget } from './samples.ts'

const now = Date.UTC(2026, 10, 21)
const day = 86_400_000
const diego: User = {
  id: 'diego' as UserId,
  displayName: 'Diego',
  email: 'diego@example.com',
  groups: ['admins', 'family'],
  disabled: false,
  handle: '',
  createdAt: 0,
  lastSignInAt: null,
}
const silent = { debug() {}, info() {}, warn() {}, error() {} }
const nothing = async () => {}
const none = async () => []
const zero = async () => 0
const common = { now: () => now, onEnded() {}, log: silent }
const sessions = createSessions({
  ...common,
  store: {
    all: none,
    add: nothing,
    rotate: async () => true,
    remove: zero,
    removeAll: zero,
    touch: nothing,
  },
  users: { users: async () => [diego] },
  limits: () => limits,
  steady: steadyClock,
  onChanged() {},
})
const limits = { idleMs: day, absoluteMs: day, rememberIdleMs: day, rememberAbsoluteMs: day }
await sessions.load()
const { session, token } = await sessions.begin({
  user: diego,
  methods: ['passkey'],
  passkey: true,
  secondFactor: true,
  remember: true,
  account: null,
  address: '203.0.113.77',
  userAgent: '',
})
const tokens = createTokens({
  ...common,
  store: { all: none, add: nothing, remove: zero, removeAll: zero, touch: nothing },
  user: sessions.user,
})
const { text } = await tokens.create({
  user: diego.id,
  label: 'git',
  hosts: null,
  methods: null,
  paths: null,
  wake: null,
  scopes: [],
  expiresAt: null,
})
const assertion = await createAssertion({
  settings: { get: async () => null, set: nothing },
  issuer: () => 'https://auth.diegonmarcos.com',
  origin: (host) => `https://${host}`,
  sessionOf: sessions.byRef,
  now: () => now,
  log: silent,
})
const { identify } = createIdentify({
  sessions,
  tokens,
  user: sessions.user,
  loginHost: () => sampleHost('auth.diegonmarcos.com'),
})

const host = sampleHost('photos.diegonmarcos.com')
const own = `${sessionCookieName}=${token}`
const cookie = `theme=dark; ${own}; lang=en`
const manyCookies = `${'_ga_ABCDEFGHIJ=GS2.1.s1763700000$o12$g1$t1763700123; '.repeat(20)}${own}`
const otherCookies = 'theme=dark; lang=en; csrftoken=0123456789abcdef0123456789abcdef'
const twice = `${sessionCookieName}=${'A'.repeat(43)}; ${own}`
const stranger: Presented = {
  cookie: null,
  authorization: null,
  tokenHeader: null,
  pathToken: null,
  host,
  method: 'GET',
  path: sampleTarget('/photoprism/library').path,
  alternatives: [],
  application: null,
  client: '203.0.113.77',
  networks: null,
}
const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
const signedIn: Presented = { ...stranger, cookie }
const foreign: Presented = { ...stranger, cookie: otherCookies }
const tossed: Presented = { ...stranger, cookie: twice }
const program: Presented = { ...stranger, authorization: `Bearer ${text}` }
const calendar: Presented = { ...stranger, authorization: basic('diego', text) }
const gitea = basic('diego', 'not one of ours')
const names: IdentityHeaderNames = {
  user: 'remote-user',
  name: 'remote-name',
  email: 'remote-email',
  groups: 'remote-groups',
  assertion: 'x-gatehouse-assertion',
}
let later = now

export const cases: readonly MicroCase[] = [
  { name: 'secretHash', run: () => secretHash(token) },
  { name: 'cookieValueAt, 3 cookies', run: () => cookieValueAt(cookie, sessionCookieName, 0) },
  { name: 'sessions.find', run: () => sessions.find(token) },
  { name: 'sessions.seen', run: () => sessions.seen(session, '203.0.113.77') },
  { name: 'identify, session', run: () => identify(signedIn, now) },
  { name: 'identify, cookies of others', run: () => identify(foreign, now) },
  { name: 'identify, two cookies of our name', run: () => identify(tossed, now) },
  { name: 'identify, Bearer', run: () => identify(program, now) },
  { name: 'identify, Basic', run: () => identify(calendar, now) },
  { name: 'ownAuthorization, Basic of others', run: () => ownAuthorization(gitea) },
  { name: 'withoutOwnCookies, 3 cookies', run: () => withoutOwnCookies(cookie) },
  { name: 'withoutOwnCookies, 21 cookies, 1 KB', run: () => withoutOwnCookies(manyCookies) },
  { name: 'withoutOwnCookies, nothing ours', run: () => withoutOwnCookies(otherCookies) },
  {
    name: 'guardedSetCookie, kept',
    run: () => guardedSetCookie('session=0123456789abcdef; Path=/; HttpOnly; Secure', host, false),
  },
  {
    name: 'guardedSetCookie, Domain removed',
    run: () => guardedSetCookie('a=0123456789; Path=/; Domain=.diegonmarcos.com', host, false),
  },
  {
    name: 'identityHeaders, cached',
    run: () => assertion.identityHeaders(session.identity, names, host, now),
  },
  {
    // What one request in two and a half minutes pays, per person and host.
    name: 'identityHeaders, signed anew',
    run() {
      later += 150_000
      return assertion.identityHeaders(session.identity, names, host, later)
    },
  },
]
