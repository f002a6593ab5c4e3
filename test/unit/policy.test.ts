// Who may pass: everything that is not allowed by name is refused.

import t from 'tap'
import { decide, policyAt, type RequestFacts, ruleAt, sameAccess } from '../../src/auth/policy.ts'
import type {
  AccessRule,
  Identity,
  Policy,
  Requirement,
  SessionRef,
  SimplePolicy,
  UserId,
} from '../../src/model.ts'
import { readTarget } from '../../src/proxy/target.ts'

const facts: RequestFacts = {
  method: 'GET',
  path: '/',
  now: 1_000_000_000,
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
  via: 'session',
  passkey: false,
  secondFactor: false,
  authenticatedAt: facts.now - 600_000,
  mayWake: true,
}
const requires: Requirement = { proof: 'any', withinMs: null }
const signedIn: SimplePolicy = { kind: 'signed-in', requires }
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
    const members: Policy = { kind: 'members', users: [], groups: [], requires }
    t.equal(decide(members, null, { ...facts, method }).kind, 'sign-in')
  }
})

t.test('OPTIONS is no way around the sign-in, preflight or not (RFC 9110 §9.3.7)', async (t) => {
  const preflight = { ...facts, method: 'OPTIONS', origin: 'https://evil.example' }
  t.equal(decide(signedIn, null, preflight).kind, 'sign-in')
})

t.test('members are named; an empty list lets nobody in', async (t) => {
  const only = (users: string[], groups: string[]): Policy => ({
    kind: 'members',
    users,
    groups,
    requires,
  })
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

t.test('nobody is nobody, known or not', async (t) => {
  for (const identity of [null, diego]) {
    t.same(decide({ kind: 'nobody' }, identity, facts), { kind: 'deny', reason: 'nobody' })
  }
})

t.test('an allowed request knows whether a stranger would have been', async (t) => {
  t.same(decide({ kind: 'public' }, diego, facts), { kind: 'allow', to: 'everyone' })
  t.same(decide(signedIn, diego, facts), { kind: 'allow', to: 'person' })
})

/** What `decide` makes of somebody who showed himself in some way. */
function asked(required: Partial<Requirement>, how: Partial<Identity>): string {
  const policy: Policy = { kind: 'signed-in', requires: { ...requires, ...required } }
  const decision = decide(policy, { ...diego, ...how }, facts)
  return decision.kind === 'allow' ? 'allow' : `${decision.kind} ${decision.reason}`
}

t.test(
  'how somebody signed in counts: a passkey is two factors, two factors are no passkey',
  async (t) => {
    const passkey = { passkey: true, secondFactor: true }
    const two = { passkey: false, secondFactor: true }
    t.equal(asked({ proof: 'any' }, {}), 'allow')
    t.equal(asked({ proof: 'second-factor' }, {}), 'sign-in second-factor')
    t.equal(asked({ proof: 'second-factor' }, two), 'allow')
    t.equal(asked({ proof: 'second-factor' }, passkey), 'allow')
    t.equal(asked({ proof: 'passkey' }, {}), 'sign-in passkey')
    t.equal(asked({ proof: 'passkey' }, two), 'sign-in passkey')
    t.equal(asked({ proof: 'passkey' }, passkey), 'allow')
  },
)

t.test(
  'how lately counts, to the millisecond, and a clock that was set back gives no time',
  async (t) => {
    const within = { withinMs: 900_000 }
    const ago = (ms: number) => ({ authenticatedAt: facts.now - ms })
    t.equal(asked(within, ago(0)), 'allow')
    t.equal(asked(within, ago(900_000)), 'allow')
    t.equal(asked(within, ago(900_001)), 'sign-in not-recent')
    t.equal(asked(within, ago(-1000)), 'allow', 'a second of adjustment')
    t.equal(asked(within, ago(-3_600_000)), 'sign-in not-recent', 'an hour from now is not lately')
    t.equal(asked(within, { authenticatedAt: null }), 'sign-in not-recent')
    t.equal(asked(within, { authenticatedAt: Number.NaN }), 'sign-in not-recent')
    t.equal(asked({ ...within, proof: 'passkey' }, ago(0)), 'sign-in passkey', 'the stronger first')
  },
)

t.test('a token never satisfies a requirement; a known address has to sign in', async (t) => {
  const strong = { passkey: true, secondFactor: true, authenticatedAt: facts.now }
  for (const required of [
    { proof: 'passkey' },
    { proof: 'second-factor' },
    { withinMs: 900_000 },
  ] as const) {
    t.equal(asked(required, { ...strong, via: 'token' }), 'deny not-a-member')
    t.match(asked(required, { ...strong, via: 'network' }), /^sign-in/)
  }
  for (const via of ['token', 'network'] as const) t.equal(asked({}, { via }), 'allow')
})

t.test('whoever is not among the members is told so, not to sign in more strongly', async (t) => {
  const strict: Requirement = { proof: 'passkey', withinMs: null }
  const policy: Policy = { kind: 'members', users: ['ana'], groups: [], requires: strict }
  t.same(decide(policy, diego, facts), { kind: 'deny', reason: 'not-a-member' })
})

const open: SimplePolicy = { kind: 'public' }
const shut: SimplePolicy = { kind: 'nobody' }

function by(...rules: (Partial<AccessRule> & { policy: SimplePolicy })[]): Policy {
  return { kind: 'rules', rules: rules.map((rule) => ({ methods: null, paths: null, ...rule })) }
}

t.test('of rules the first that fits method and path decides, and none is nobody', async (t) => {
  const policy = by(
    { paths: ['/share/secret/**'], policy: shut },
    { methods: ['GET'], paths: ['/share/**'], policy: open },
    { methods: ['POST', 'PUT'], policy: signedIn },
  )
  const kind = (method: string, path: string) =>
    decide(policy, null, { ...facts, method, path }).kind
  t.equal(kind('GET', '/share/x'), 'allow')
  t.equal(kind('HEAD', '/share/x'), 'allow', 'HEAD is GET without the content')
  t.equal(kind('GET', '/share/secret/x'), 'deny')
  t.equal(kind('POST', '/share/x'), 'sign-in')
  t.equal(kind('DELETE', '/share/x'), 'deny')
  t.equal(kind('GET', '/other'), 'deny')
  t.equal(kind('OPTIONS', '/share/x'), 'deny')
  t.strictSame(policyAt(policy, 'DELETE', '/share/x'), shut)
  t.equal(ruleAt(policy, 'GET', '/share/x'), 1)
  t.equal(ruleAt(policy, 'GET', '/other'), null)
  t.equal(ruleAt(signedIn, 'GET', '/other'), null)
})

t.test('a method in another spelling is the same method: some frameworks read it so', async (t) => {
  const policy = by({ methods: ['POST'], policy: shut }, { policy: open })
  for (const method of ['POST', 'post', 'Post']) {
    t.equal(decide(policy, diego, { ...facts, method }).kind, 'deny', method)
  }
})

t.test('an empty list of rules is nobody', async (t) => {
  t.equal(decide(by(), diego, facts).kind, 'deny')
})

/** Whether a target is admitted at all, and then to whom. */
function access(policy: Policy, rawTarget: string): string {
  const target = readTarget(rawTarget)
  if (typeof target === 'string') return 'refused'
  const { path, alternatives } = target
  if (!sameAccess(policy, 'GET', path, alternatives)) return 'refused'
  return policyAt(policy, 'GET', path).kind
}

t.test('readings that lead to different access are refused', async (t) => {
  const policy = by({ paths: ['/share/*', '/Up'], policy: open }, { policy: signedIn })
  for (const [target, expected] of [
    ['/share/a', 'public'],
    ['/share/a/', 'public'],
    ['/share/a/b', 'signed-in'],
    ['/share//a', 'public'],
    ['/share/%61', 'public'],
    ['/share/a%2fb', 'refused'],
    ['/share%2fa', 'refused'],
    ['/share/a;v=1', 'public'],
    ['/share/a;v=1/b', 'signed-in'],
    ['/share;x/a', 'refused'],
    ['/SHARE/a', 'refused'],
    ['/up', 'refused'],
    ['/Up', 'public'],
    ['//share/share/a', 'refused'],
    ['/other/A%2Fb;c', 'signed-in'],
  ] as const) {
    t.equal(access(policy, target), expected, target)
  }
})

t.test('readings that lead to the same access by different rules are not', async (t) => {
  const policy = by(
    { paths: ['/a/*'], policy: signedIn },
    { paths: ['/a/**'], policy: { kind: 'signed-in', requires: { ...requires } } },
  )
  t.equal(access(policy, '/a/b%2fc'), 'signed-in')
  t.equal(access(policy, '/A/b'), 'refused', 'nobody and somebody are not the same')
})

t.test('rules by method alone, and policies without rules, have one reading', async (t) => {
  const methods = by({ methods: ['POST'], policy: shut }, { policy: open })
  t.equal(access(methods, '/A%2Fb;c'), 'public')
  t.equal(access(open, '/A%2Fb;c'), 'public')
})
