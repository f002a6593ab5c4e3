// Who may pass: everything that is not allowed by name is refused.

import t from 'tap'
import { decide, type RequestFacts } from '../../src/auth/policy.ts'
import type { Identity, Policy, SessionRef, UserId } from '../../src/model.ts'

const facts: RequestFacts = {
  method: 'GET',
  webSocket: false,
  origin: null,
  fetchSite: null,
  ownOrigin: 'https://app.example.com',
  allowedOrigins: ['https://partner.example.org'],
}
const diego: Identity = {
  user: 'diego' as UserId,
  name: 'Diego',
  email: null,
  groups: ['admins'],
  session: 's1' as SessionRef,
}
const signedIn: Policy = { kind: 'signed-in' }
const methods = [
  'GET',
  'HEAD',
  'OPTIONS',
  'POST',
  'PUT',
  'DELETE',
  'PATCH',
  'PROPFIND',
  'LOCK',
  'get',
  '',
]

t.test('a stranger passes a public route and no other, whatever the method', async (t) => {
  for (const method of methods) {
    t.equal(decide({ kind: 'public' }, null, { ...facts, method }).kind, 'allow')
    t.equal(
      decide(signedIn, null, { ...facts, method }).kind,
      'sign-in',
      `${method} exempts nobody`,
    )
    const members: Policy = { kind: 'members', users: [], groups: [] }
    t.equal(decide(members, null, { ...facts, method }).kind, 'sign-in')
  }
})

t.test('OPTIONS is no way around the sign-in, preflight or not (RFC 9110 §9.3.7)', async (t) => {
  const preflight = { ...facts, method: 'OPTIONS', origin: 'https://evil.example' }
  t.equal(decide(signedIn, null, preflight).kind, 'sign-in')
})

t.test('members are named; an empty list lets nobody in', async (t) => {
  const only = (users: string[], groups: string[]): Policy => ({ kind: 'members', users, groups })
  t.equal(decide(only(['diego'], []), diego, facts).kind, 'allow')
  t.equal(decide(only([], ['admins']), diego, facts).kind, 'allow')
  for (const policy of [
    only([], []),
    only(['Diego'], []),
    only(['diego '], []),
    only([], ['admin']),
    only([], ['diego']),
    only(['admins'], []),
  ]) {
    t.same(decide(policy, diego, facts), { kind: 'deny', reason: 'not-a-member' })
  }
})

t.test(
  'on a private route, what changes something comes from the own origin or a listed one',
  async (t) => {
    const unsafe = { ...facts, method: 'POST' }
    for (const [origin, fetchSite, kind] of [
      ['https://app.example.com', null, 'allow'],
      ['https://app.example.com', 'cross-site', 'allow'],
      ['https://partner.example.org', 'cross-site', 'allow'],
      [null, null, 'allow'],
      [null, 'same-origin', 'allow'],
      [null, 'none', 'allow'],
      [null, 'same-site', 'deny'],
      [null, 'cross-site', 'deny'],
      [null, 'Same-Origin', 'deny'],
      [null, 'same-origin, cross-site', 'deny'],
      [null, '', 'deny'],
      ['null', null, 'deny'],
      ['', null, 'deny'],
      ['https://app.example.com.', null, 'deny'],
      ['https://app.example.com:8443', null, 'deny'],
      ['http://app.example.com', null, 'deny'],
      ['https://evil.app.example.com', null, 'deny'],
      ['https://app.example.com.evil.tld', null, 'deny'],
      ['https://app.example.com@evil.tld', null, 'deny'],
      ['https://other.example.com', 'same-site', 'deny'],
      ['https://other.example.com', 'same-origin', 'deny'],
    ] as const) {
      t.equal(
        decide(signedIn, diego, { ...unsafe, origin, fetchSite }).kind,
        kind,
        `${origin} ${fetchSite}`,
      )
      const socket = { ...facts, webSocket: true, origin, fetchSite }
      t.equal(decide(signedIn, diego, socket).kind, kind, `WebSocket ${origin} ${fetchSite}`)
    }
  },
)

t.test('reading across origins is for the browser to judge', async (t) => {
  const elsewhere = { ...facts, origin: 'https://evil.example', fetchSite: 'cross-site' }
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'PROPFIND', 'REPORT']) {
    t.equal(decide(signedIn, diego, { ...elsewhere, method }).kind, 'allow', method)
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'MKCOL', 'get', 'QUERY', 'PURGE']) {
    t.equal(decide(signedIn, diego, { ...elsewhere, method }).kind, 'deny', method)
  }
})
