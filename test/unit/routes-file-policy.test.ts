// `access:` and what else a route says about people: requirements, rules, networks, identity headers.

import t from 'tap'
import type { Route } from '../../src/model.ts'
import { formatProblem } from '../../src/routes-file/problem.ts'
import { readTable } from '../../src/routes-file/read.ts'
import { tableText } from '../fixtures/table-text.ts'

function codes(row: string, top: readonly string[] = []): readonly string[] {
  const { problems } = readTable(tableText([row], top))
  return problems.map((p) => `${p.severity} ${p.code} ${p.where}`)
}

function route(rest: string, top: readonly string[] = []): Route {
  const { definition, problems } = readTable(tableText([`{ host: a, to: box:1, ${rest} }`], top))
  const found = definition?.routes[2]
  if (found === undefined) throw new Error(problems.map((p) => formatProblem('t', p)).join('\n'))
  return found
}

/** Problems of a route that says `access` so. */
function faults(access: string, more = ''): readonly string[] {
  return codes(`{ host: a, to: box:1, access: ${access}${more} }`).map((line) =>
    line.replace('routes[2].access', '…'),
  )
}

const any = { proof: 'any', withinMs: null }

t.test('access is public, login, nobody, or named users and groups', (t) => {
  t.strictSame(route('access: public').policy, { kind: 'public' })
  t.strictSame(route('access: nobody').policy, { kind: 'nobody' })
  t.strictSame(route('access: login').policy, { kind: 'signed-in', requires: any })
  t.strictSame(route('access: { users: [diego], groups: [family] }').policy, {
    kind: 'members',
    users: ['diego'],
    groups: ['family'],
    requires: any,
  })
  t.strictSame(faults('{}'), ['error access-nobody …'])
  t.strictSame(faults('{ users: [] }'), ['error access-nobody …'])
  t.strictSame(faults('{ users: [], with: passkey }'), ['error access-nobody …'])
  t.strictSame(faults('{ users: ["a,b"] }'), ['error access-name ….users[0]'])
  t.strictSame(faults('{ groups: ["a b", "c"] }'), ['error access-name ….groups[0]'])
  t.strictSame(faults('Public'), ['error shape …'])
  t.end()
})

t.test('a user name in upper case would be nobody, and is told the right spelling', (t) => {
  const { problems } = readTable(tableText(['{ host: a, to: box:1, access: { users: [Diego] } }']))
  t.match(problems, [{ code: 'access-name', remedy: 'user names are in lower case: write diego' }])
  t.end()
})

t.test('how and how lately somebody must have signed in', (t) => {
  t.strictSame(route('access: { with: passkey }').policy, {
    kind: 'signed-in',
    requires: { proof: 'passkey', withinMs: null },
  })
  t.strictSame(route('access: { groups: [admin], with: second-factor, within: 15m }').policy, {
    kind: 'members',
    users: [],
    groups: ['admin'],
    requires: { proof: 'second-factor', withinMs: 900_000 },
  })
  t.strictSame(route('access: { within: 7d }').policy, {
    kind: 'signed-in',
    requires: { proof: 'any', withinMs: 604_800_000 },
  })
  t.strictSame(faults('{ with: totp }'), ['error shape ….with'])
  t.strictSame(faults('{ with: passkey, within: soon }'), ['error shape ….within'])
  t.strictSame(faults('{ within: 30s }'), ['error out-of-range ….within'])
  t.strictSame(faults('{ within: 401d }'), ['error out-of-range ….within'])
  t.strictSame(faults('{ wiht: passkey }'), ['error unknown-key ….wiht'])
  t.end()
})

t.test('rules are read in order, and make the route a prefix', (t) => {
  const found = route(
    'access: [{ methods: [GET, GET], paths: [/share/*], access: public }, { access: { groups: [g], with: passkey } }]',
  )
  t.equal(found.matching, 'prefix')
  t.equal(found.wake, 'navigation')
  t.strictSame(found.policy, {
    kind: 'rules',
    rules: [
      { methods: ['GET'], paths: ['/share/*'], policy: { kind: 'public' } },
      {
        methods: null,
        paths: null,
        policy: {
          kind: 'members',
          users: [],
          groups: ['g'],
          requires: { proof: 'passkey', withinMs: null },
        },
      },
    ],
  })
  t.end()
})

t.test('every mistake in rules is told at its place', (t) => {
  t.strictSame(faults('[]'), ['error shape …'])
  t.strictSame(faults('[public]'), ['error shape …[0]'])
  t.strictSame(faults('[{ paths: [/x] }]'), ['error missing …[0].access'])
  t.strictSame(faults('[{ paths: [], access: public }]'), ['error shape …[0].paths'])
  t.strictSame(faults('[{ path: [/x], access: public }]'), ['error unknown-key …[0].path'])
  t.strictSame(faults('[{ access: [{ access: public }] }]'), ['error shape …[0].access'])
  t.strictSame(
    faults(
      '[{ methods: [get, "A B"], paths: [x, /a**, "/a?b"], access: { users: [X] } }, { access: { within: 1s } }]',
    ),
    [
      'error access-method …[0].methods[0]',
      'error access-method …[0].methods[1]',
      'error access-path …[0].paths[0]',
      'error access-path …[0].paths[1]',
      'error access-path …[0].paths[2]',
      'error access-name …[0].access.users[0]',
      'error out-of-range …[1].access.within',
    ],
  )
  t.strictSame(
    faults(
      '[{ methods: [get], paths: [x], acces: public }, { paths: [1, /y], access: { with: totp, users: [X] } }, public, { methods: [put], access: [] }]',
    ),
    [
      'error access-method …[0].methods[0]',
      'error access-path …[0].paths[0]',
      'error unknown-key …[0].acces',
      'error shape …[1].paths[0]',
      'error shape …[1].access.with',
      'error access-name …[1].access.users[0]',
      'error shape …[2]',
      'error access-method …[3].methods[0]',
      'error shape …[3].access',
    ],
    'a faulty part of a rule does not hide the faults beside it',
  )
  const many = Array.from({ length: 41 }, (_, i) => `/p${i}`).join(', ')
  t.strictSame(faults(`[{ paths: [${many}], access: login }]`), ['error out-of-range …'])
  t.end()
})

t.test('the login page stays public, with rules or without', (t) => {
  for (const access of ['login', 'nobody', '[{ access: public }]']) {
    const text = tableText([]).replace('to: login, access: public', `to: login, access: ${access}`)
    t.match(readTable(text).problems, [{ code: 'login-closed' }], access)
  }
  t.end()
})

t.test('networks count as a person, of the route or of all routes', (t) => {
  const vpn = { cidr: '10.8.0.0/24', user: 'diego', mayWake: true }
  t.strictSame(route('networks: [{ cidr: 10.8.0.0/24, as: diego, wake: true }]').networks, [vpn])
  const top = ['defaults: { networks: [{ cidr: 10.8.0.0/24, as: diego, wake: true }] }']
  t.strictSame(route('', top).networks, [vpn])
  t.strictSame(route('networks: []', top).networks, [])
  t.strictSame(route('networks: [{ cidr: "fd00::1", as: ana }]').networks, [
    { cidr: 'fd00::1/128', user: 'ana', mayWake: false },
  ])
  const entries =
    '[{ cidr: 10.8.0.1/24, as: diego }, { cidr: 0.0.0.0/0, as: diego }, { cidr: 10.0.0.1, as: Ana }, { as: ana }]'
  t.strictSame(codes(`{ host: a, to: box:1, networks: ${entries} }`), [
    'error missing routes[2].networks[3].cidr',
  ])
  const complete = entries.replace(', { as: ana }', '')
  t.strictSame(codes(`{ host: a, to: box:1, networks: ${complete} }`), [
    'error cidr routes[2].networks[0].cidr',
    'error trusts-everyone routes[2].networks[1].cidr',
    'error access-name routes[2].networks[2].as',
  ])
  t.end()
})

t.test('identity headers have the names that the backend knows', (t) => {
  const names = (rest: string, top: readonly string[] = []) =>
    Object.values(route(rest, top).identityHeaders)
  t.strictSame(names('identityHeaders: { user: X-Remote-User, name: false }'), [
    'x-remote-user',
    null,
    'remote-email',
    'remote-groups',
    'x-gatehouse-assertion',
  ])
  t.strictSame(names('identityHeaders: oauth2-proxy'), [
    'x-forwarded-user',
    null,
    'x-forwarded-email',
    'x-forwarded-groups',
    'x-gatehouse-assertion',
  ])
  t.strictSame(names('identityHeaders: false'), [null, null, null, null, null])
  const top = ['defaults: { identityHeaders: { user: X-Forwarded-Preferred-Username } }']
  t.equal(names('', top)[0], 'x-forwarded-preferred-username')
  t.equal(names('identityHeaders: { email: false }', top)[0], 'x-forwarded-preferred-username')
  t.equal(names('identityHeaders: authelia', top)[0], 'remote-user')
  t.end()
})

t.test('identity headers take no name that means something else', (t) => {
  const fault = (name: string) =>
    codes(`{ host: a, to: box:1, identityHeaders: { user: ${name} } }`).map(
      (line) => line.split(' ')[1],
    )
  for (const name of ['X-WEBAUTH-USER', 'X-Auth-User', 'REMOTE-USER', 'X-Remote-User', 'X-Me']) {
    t.strictSame(fault(name), [], name)
  }
  for (const name of [
    'Host',
    'Cookie',
    'Authorization',
    'Content-Type',
    'Connection',
    'X-Forwarded-For',
    'X-Real-IP',
    'X-Request-Id',
    'Sec-Fetch-Site',
    'X-Gatehouse-Token',
    'Forwarded',
    'Origin',
  ]) {
    t.strictSame(fault(name), ['header-reserved'], name)
  }
  t.strictSame(fault('Remote_User'), ['header-name'])
  t.strictSame(fault('"X: y"'), ['header-name'])
  t.strictSame(fault('remote-groups'), ['duplicate-key'])
  const twice = 'requestHeaders: { set: { X-Me: a } }, identityHeaders: { user: X-Me }'
  t.strictSame(codes(`{ host: a, to: box:1, ${twice} }`), [
    'error header-reserved routes[2].requestHeaders',
  ])
  t.end()
})

t.test('machines wake for people, not for pages that are open to everyone', (t) => {
  t.equal(route('access: login').wake, 'navigation')
  t.equal(route('access: public').wake, 'manual')
  t.equal(route('access: public, wake: known-client').wake, 'known-client')
  t.equal(route('', ['defaults: { wake: manual }']).wake, 'manual')
  t.strictSame(codes('{ host: a, to: box:1, wake: always }'), ['error shape routes[2].wake'])
  t.strictSame(codes("{ host: a, to: 'http://10.0.0.9', wake: any }"), [
    'warning no-effect routes[2].wake',
  ])
  t.strictSame(codes('{ host: a, to: landing, identityHeaders: false, parentCookies: true }'), [
    'warning no-effect routes[2].identityHeaders',
    'warning no-effect routes[2].parentCookies',
  ])
  t.equal(route('parentCookies: true').parentCookies, true)
  t.end()
})
