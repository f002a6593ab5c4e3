// The attack: rules open some paths of a route and close others, and the gateway and the backend read one path differently:
// `/share/..%2fadmin` for the one, `/admin` for the other. Each spelling of a closed path must end closed or refused, and
// each spelling that a lenient backend could read as closed must not be open. (CVE-2025-66490, CVE-2026-40912,
// CVE-2025-54576, CVE-2026-27587; proxies that decided by a regular expression over the raw target.)

import t from 'tap'
import { decide, type RequestFacts, sameAccess } from '../../src/auth/policy.ts'
import type { Policy, SimplePolicy } from '../../src/model.ts'
import { readTarget } from '../../src/proxy/target.ts'
import { recordingBackend, request, startEdge, statuses } from '../fixtures/edge.ts'
import { random } from '../fixtures/random.ts'

const requires = { proof: 'any', withinMs: null } as const
const open: SimplePolicy = { kind: 'public' }
const login: SimplePolicy = { kind: 'signed-in', requires }
const nobody: SimplePolicy = { kind: 'nobody' }
const rules: Policy = {
  kind: 'rules',
  rules: [
    { methods: null, paths: ['/app/admin/**'], policy: nobody },
    { methods: null, paths: ['/app/s/*', '/app/static/**', '/app/*.css'], policy: open },
    { methods: null, paths: null, policy: login },
  ],
}
const facts: Omit<RequestFacts, 'path'> = {
  method: 'GET',
  webSocket: false,
  origin: null,
  fetchSite: null,
  ownOrigin: 'https://app.example.com',
  allowedOrigins: [],
  now: 0,
}

/** What a stranger gets for a raw target, in admission's order. */
function outcome(rawTarget: string, policy = rules): 'allow' | 'sign-in' | 'deny' | 'refused' {
  const target = readTarget(rawTarget)
  if (typeof target === 'string') return 'refused'
  const { path, alternatives } = target
  if (!sameAccess(policy, 'GET', path, alternatives)) return 'refused'
  return decide(policy, null, { ...facts, path }).kind
}

t.test('what is open is open, and what is closed is closed', async (t) => {
  t.equal(outcome('/app/s/x'), 'allow')
  t.equal(outcome('/app/static/a/b.js?v=/app/admin'), 'allow')
  t.equal(outcome('/app/x.css'), 'allow')
  t.equal(outcome('/app/admin'), 'deny')
  t.equal(outcome('/app/admin/x'), 'deny')
  t.equal(outcome('/app/s'), 'sign-in')
  t.equal(outcome('/app/s/x/y'), 'sign-in')
})

t.test('no known spelling of a closed path is open', async (t) => {
  for (const target of [
    '/app/s/../admin',
    '/app/s/..;/admin',
    '/app/s/%2e%2e/admin',
    '/app/s/..%2fadmin',
    '/app/s%2f..%2fadmin',
    '/app/s/..\\admin',
    '/app/s/%5c..%5cadmin',
    '/app/static/..;x/admin',
    '/app/static/.%00./admin',
    '/app/%61dmin',
    '/app/ADMIN',
    '/app/%41dmin/x',
    '/app//admin',
    '//app/admin',
    '/app/admin;.css',
    '/app/admin.css;/../x',
    '/app/admin%2f.css',
    '/app/admin/.css',
    '/app/admin/x.css',
    '/app/admin?x=/app/s/x',
    '/app/admin%3f/app/s/x',
    '/app/admin#/app/s/x',
    '/app/admin%23.css',
    '/app/admin/',
    '/app/admin%2F',
    'http://app.example.com/app/admin',
    '/app/%c0%ae%c0%ae/app/s/x',
    '/app;x/admin',
    '/x/app/static/y',
    '/appstatic/x',
  ]) {
    // One segment that only begins as the closed one does is another path.
    const other = target === '/app/admin%3f/app/s/x' || target === '/app/admin%23.css'
    if (!other) t.not(outcome(target), 'allow', target)
  }
  t.equal(outcome('/app/admin%23.css'), 'allow', 'a file of that name')
})

/** Lenient backends: what they may make of a canonical path. */
const readers: readonly ((path: string) => string)[] = [
  (path) => path.toLowerCase(),
  (path) => path.replaceAll('\u0001', '/'),
  (path) => path.replaceAll(/;[^/]*/g, ''),
  (path) => path.replaceAll('\u0001', '/').replaceAll(/;[^/]*/g, ''),
  (path) => path.replaceAll(/\/+/g, '/'),
  (path) => path.replace(/\/$/, ''),
]

t.test(
  'whatever lenient reader stands behind, it serves nothing that the rules close',
  async (t) => {
    const below = random(2027)
    const parts = [
      'app',
      'APP',
      's',
      'static',
      'admin',
      'Admin',
      'x',
      '%2f',
      '%2F',
      ';',
      ';v=1',
      '/',
      '//',
      '.css',
      '%61',
      '.',
      '%2e',
    ]
    let allowed = 0
    for (let round = 0; round < 60_000; round++) {
      const length = 1 + below(6)
      const target = `/app/${Array.from({ length }, () => parts[below(parts.length)] ?? '').join(below(2) === 0 ? '/' : '')}`
      const read = readTarget(target)
      if (typeof read === 'string' || outcome(target) !== 'allow') continue
      allowed += 1
      for (const reader of readers) {
        const seen = reader(read.path).replaceAll(/\/+/g, '/')
        if (decide(rules, null, { ...facts, path: seen }).kind === 'allow') continue
        t.fail(`${target} is open, and read as ${JSON.stringify(seen)} it is not`)
      }
    }
    t.ok(allowed > 300, `${allowed} open targets were looked at`)
  },
)

t.test('a closed path in upper case, or with an accent, has no open neighbour', async (t) => {
  const policy = (path: string): Policy => ({
    kind: 'rules',
    rules: [
      { methods: null, paths: [path], policy: nobody },
      { methods: null, paths: null, policy: open },
    ],
  })
  for (const [path, target] of [
    ['/Admin/**', '/admin/x'],
    ['/école/**', '/%C3%89COLE/x'],
    ['/école/**', '/e%CC%81cole/x'],
    ['/kiosk/**', '/%E2%84%AAiosk/x'],
  ] as const) {
    t.equal(outcome(target, policy(path)), 'refused', target)
    t.equal(outcome('/other', policy(path)), 'allow')
  }
})

t.test(
  'the gateway itself refuses what has two readings, and the backend sees nothing of it',
  async (t) => {
    const backend = await recordingBackend()
    t.teardown(() => backend.close())
    const access =
      '[{ paths: [/app/admin/**], access: nobody }, { methods: [GET], paths: [/app/s/*], access: public }, { access: login }]'
    const to = `to: 'http://127.0.0.1:${backend.port}'`
    const edge = await startEdge(t, [
      `  - { host: app, path: /app, ${to}, encodedSlashes: true, access: ${access} }`,
    ])
    for (const [line, status] of [
      ['GET /app/s/x', 200],
      ['HEAD /app/s/x', 200],
      ['GET /app/s/x/', 200],
      ['POST /app/s/x', 401],
      ['GET /app/s/x/y', 401],
      ['GET /app/admin/x', 403],
      ['GET /app/s/x%2fy', 400],
      ['GET /app/S/x', 400],
      ['GET /app/s;v/x', 400],
      ['GET /app/other%2Fx', 401],
    ] as const) {
      const before = backend.requests.length
      const end = line.startsWith('POST')
        ? 'Content-Length: 0\r\nConnection: close'
        : 'Connection: close'
      t.equal(statuses(await edge.exchange(request(line, end)))[0], status, line)
      t.equal(backend.requests.length - before, status === 200 ? 1 : 0, line)
    }
  },
)
