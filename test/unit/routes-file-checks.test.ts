// What is seen by comparing routes: holes, collisions, routes without effect, and the owner's own table.

import { readFileSync } from 'node:fs'
import t from 'tap'
import { readTable } from '../../src/routes-file/read.ts'
import { tableText } from '../fixtures/table-text.ts'

function codes(rows: readonly string[], top: readonly string[] = []): readonly string[] {
  return readTable(tableText(rows, top)).problems.map((p) => `${p.severity} ${p.code} ${p.where}`)
}

t.test('a public prefix may not open the backend of a private route', (t) => {
  const rows = [
    '{ service: S, host: a, to: box:80, access: public, prefix: true }',
    '{ service: S, host: b, path: /in, to: box:80 }',
  ]
  t.strictSame(codes(rows), ['error public-prefix-shares-upstream routes[2].to'])
  const { problems } = readTable(tableText(rows))
  t.match(problems[0]?.what, 'by way of a/, and so b/in (line 8)')
  t.match(problems[0]?.remedy, 'sharesUpstreamWith: [b/in]')
  t.end()
})

t.test('the same backend is recognised in every spelling', (t) => {
  const open = (to: string) => `{ service: S, host: a, to: "${to}", access: public, prefix: true }`
  const pairs = [
    ['http://10.0.0.7:80', 'box:80'],
    ['http://10.0.0.7', 'box:80'],
    ['https://10.0.0.7:80', 'box:80'],
    ['http://[::ffff:10.0.0.7]:80', 'box:80'],
    ['http://localhost:80', 'http://127.0.0.1:80'],
    ['http://[fd00:0::7]:80', 'http://[fd00::7]:80'],
    ['http://A.lan:80', 'http://a.lan.:80'],
  ] as const
  for (const [one, two] of pairs) {
    const found = codes([open(one), `{ service: S, host: b, to: "${two}" }`])
    t.ok(found.includes('error public-prefix-shares-upstream routes[2].to'), `${one} ${two}`)
  }
  const other = codes([open('http://10.0.0.8:80'), '{ service: S, host: b, to: box:80 }'])
  t.notOk(other.some((code) => code.includes('shares')))
  t.end()
})

t.test('a public prefix that names the private routes it opens is accepted', (t) => {
  const open = '{ service: S, host: a, to: box:80, access: public, prefix: true'
  const rows = (names: string) => [
    `${open}, sharesUpstreamWith: [${names}] }`,
    '{ service: S, host: b, to: box:80 }',
    '{ service: S, host: c, path: /d, to: box:80 }',
    '{ service: S, host: e, to: landing }',
  ]
  t.strictSame(codes(rows('b, c/d')), [])
  t.strictSame(codes(rows('b.example.com/, c/d')), [])
  t.strictSame(codes(rows('b')), ['error public-prefix-shares-upstream routes[2].to'])
  t.strictSame(codes(rows('b, c/d, c/e')), ['error unknown-route routes[2].sharesUpstreamWith[2]'])
  t.strictSame(codes(rows('b, c/d, e')), [
    'warning needless-acknowledgement routes[2].sharesUpstreamWith[2]',
  ])
  t.end()
})

t.test('a public route for one path alone may share its backend', (t) => {
  t.strictSame(
    codes([
      '{ service: S, host: a, to: box:80, access: public }',
      '{ service: S, host: b, to: box:80 }',
    ]),
    [],
  )
  t.end()
})

t.test('a route read only in part accuses nobody', (t) => {
  const told = codes([
    '{ service: S, host: a, to: box:80, access: public, prefix: true }',
    '{ service: S, host: b, to: box:80, access: pubic }',
  ])
  t.strictSame(told, ['error shape routes[3].access'])
  t.end()
})

t.test('two services on one port, and one service on two, are warned of', (t) => {
  t.strictSame(
    codes(['{ service: A, host: a, to: box:80 }', '{ service: B, host: b, to: box:80 }']),
    ['warning collision routes[2].to'],
  )
  t.strictSame(
    codes(['{ service: A, host: a, to: box:80 }', '{ service: A, host: b, to: box:81 }']),
    ['warning two-upstreams routes[2].to'],
  )
  t.strictSame(
    codes(['{ service: A, host: a, to: box:80 }', '{ service: A, host: b, to: box:80 }']),
    [],
  )
  t.end()
})

t.test('host and path are unique, however they are written', (t) => {
  const told = codes([
    '{ host: a, path: /x, to: box:80 }',
    '{ host: A.Example.com, path: /x/, to: box:81, access: public }',
  ])
  t.strictSame(told, ['error duplicate-route routes[3]'])
  t.end()
})

t.test('the login page must be there, public, and alone on a host under the domain', (t) => {
  const without = (rows: readonly string[], top: readonly string[] = []) =>
    readTable(tableText(rows, top).replace(/.*to: login.*\n/, '')).problems.map((p) => p.code)
  t.strictSame(without([]), ['login-missing'])
  t.strictSame(without(['{ host: in, to: login }']), ['login-closed'])
  t.strictSame(without(['{ host: in.example.org, to: login, access: public }']), ['login-foreign'])
  t.strictSame(without(['{ host: "*", to: login, access: public }']), ['login-missing', 'app-host'])
  t.strictSame(without(['{ host: in, path: /x, to: login, access: public }']), ['app-host'])
  t.strictSame(without(['{ host: in, to: login, access: public }']), [])
  t.strictSame(codes(['{ host: auth, path: /x, to: box:80 }']), ['error app-host routes[2].host'])
  t.strictSame(codes(['{ host: proxy, path: /x, to: box:80 }']), ['error app-host routes[2].host'])
  t.strictSame(codes(['{ host: in, to: login, access: public }']), ['error login-ambiguous routes'])
  t.strictSame(codes([], ['login: { host: nowhere }']), ['error login-missing login.host'])
  t.end()
})

t.test('a table without the admin page is warned of', (t) => {
  const text = tableText([]).replace(/.*to: admin.*\n/, '')
  t.match(readTable(text), { problems: [{ severity: 'warning', code: 'admin-missing' }] })
  t.end()
})

t.test('routes that let nobody in or change nothing are warned of', (t) => {
  const clients = (text: string) => `{ host: a, to: box:80, clients: { ${text} } }`
  const shadowed = ['warning shadowed routes[2].clients']
  t.strictSame(codes([clients('allow: [10.1.0.0/16], deny: [10.0.0.0/8]')]), shadowed)
  t.strictSame(codes([clients("deny: ['0.0.0.0/0', '::/0']")]), shadowed)
  t.strictSame(codes([clients('allow: [10.0.0.0/8], deny: [10.1.0.0/16]')]), [])
  t.strictSame(
    codes([
      '{ service: A, host: a, to: box:80 }',
      '{ service: A, host: a, path: /x, to: box:80, access: login }',
    ]),
    ['warning shadowed routes[3]'],
  )
  t.strictSame(
    codes([
      '{ service: A, host: a, to: box:80 }',
      '{ service: A, host: a, path: /x, to: box:80, webSocket: true }',
    ]),
    [],
  )
  t.end()
})

t.test('a landing page must lead to a route of its host', (t) => {
  const rows = (goal: string) => [
    `{ host: a, to: { landing: ${goal} }, access: public }`,
    '{ host: a, path: /x, to: box:80 }',
  ]
  t.strictSame(codes(rows('/x')), [])
  t.strictSame(codes(rows('/x/y')), [])
  t.strictSame(codes(rows('/xy')), ['warning landing-nowhere routes[2].to.landing'])
  t.end()
})

t.test('plain HTTP over the internet is warned of once per machine', (t) => {
  const told = codes(['{ service: A, host: a, to: far:80 }', '{ service: B, host: b, to: far:81 }'])
  t.strictSame(told, ['warning plain-http vms.far'])
  t.strictSame(codes(['{ host: a, to: http://example.org }']), ['warning plain-http routes[2].to'])
  for (const near of [
    'http://127.0.0.1:1',
    'http://100.64.0.1',
    "'http://[fd00::1]'",
    'http://a.lan',
  ]) {
    t.strictSame(codes([`{ host: a, to: ${near} }`]), [], near)
  }
  t.end()
})

t.test('TLS that cannot be verified is warned of', (t) => {
  t.strictSame(codes(['{ host: a, to: https://far:443 }']), ['warning tls-name routes[2].to'])
  const off = '{ host: a, to: { url: https://far:443, insecureSkipUpstreamTlsVerify: true } }'
  t.strictSame(codes([off]), ['warning tls-unverified routes[2].to.insecureSkipUpstreamTlsVerify'])
  t.strictSame(codes(['{ host: a, to: { url: https://far:443, serverName: a.example.org } }']), [])
  t.end()
})

t.test('a fallback to the backend of a private route is warned of', (t) => {
  const told = codes(['{ host: a, to: box:80 }'], ['fallback: http://10.0.0.7:80'])
  t.strictSame(told, ['warning fallback-shares-upstream fallback'])
  t.end()
})

t.test('settings without effect are warned of', (t) => {
  t.strictSame(codes(['{ host: a, to: landing, webSocket: true, timeouts: { connect: 1s } }']), [
    'warning no-effect routes[2].webSocket',
    'warning no-effect routes[2].timeouts',
  ])
  t.end()
})

const ownersText = readFileSync(new URL('../../src/routes.yaml', import.meta.url), 'utf8')

/** Problems of a route with these rules beside the rows. */
function ruleCodes(access: string, rows: readonly string[] = [], more = ''): readonly string[] {
  return codes([`{ service: S, host: a, to: box:80, access: ${access}${more} }`, ...rows]).map(
    (line) => line.replace('routes[2].access', '…'),
  )
}

t.test('a rule that never decides is warned of', (t) => {
  t.strictSame(ruleCodes('[{ paths: [/x], access: public }, { access: login }]'), [])
  t.strictSame(ruleCodes('[{ access: login }, { paths: [/x], access: public }]'), [
    'warning shadowed …[1]',
  ])
  t.strictSame(
    ruleCodes('[{ paths: [/x/**], access: nobody }, { paths: [/x/*, /x], access: login }]'),
    ['warning shadowed …[1]'],
  )
  t.strictSame(
    ruleCodes('[{ paths: [/x/*], access: nobody }, { paths: [/x/**], access: login }]'),
    [],
  )
  t.strictSame(
    ruleCodes('[{ methods: [GET], access: login }, { methods: [HEAD], access: nobody }]'),
    ['warning shadowed …[1]'],
    'HEAD is GET',
  )
  t.strictSame(
    ruleCodes('[{ methods: [GET], access: login }, { methods: [GET, POST], access: nobody }]'),
    [],
  )
  t.strictSame(
    ruleCodes(
      '[{ paths: [/x], access: login }, { paths: ["/*"], access: login }, { paths: [/y], access: nobody }]',
    ),
    ['warning shadowed …[2]'],
  )
  t.end()
})

t.test('a rule for paths that never come to its route is an error: it would close nothing', (t) => {
  const row = (paths: string, rest = '') =>
    codes([
      `{ host: a, path: /app, to: box:80, access: [{ paths: [${paths}], access: nobody }, { access: login }]${rest} }`,
    ])
  t.strictSame(row('/app/x, /app, "/*/y", /**/z'), [])
  t.strictSame(row('/app/x, /x'), ['error access-path routes[2].access[0].paths[1]'])
  t.strictSame(row('/app/x', ', prefix: false'), ['error access-path routes[2].access[0].paths[0]'])
  const { problems } = readTable(
    tableText(['{ host: a, path: /app, to: box:80, access: [{ paths: [/x/*], access: login }] }']),
  )
  t.match(problems, [{ remedy: 'write /app/x/*' }])
  t.strictSame(
    ruleCodes('[{ paths: [/in/**, /x], access: nobody }, { access: login }]', [
      '{ service: S, host: a, path: /in, to: box:80, webSocket: true }',
    ]),
    ['warning shadowed …[0].paths[0]'],
  )
  t.end()
})

t.test('a public rule may not open what another route guards, unless it says so', (t) => {
  const guarded = '{ service: S, host: b, path: /admin, to: box:80 }'
  const open = (paths: string) => `[{ paths: [${paths}], access: public }, { access: login }]`
  t.strictSame(ruleCodes(open('/share/**'), [guarded]), [])
  t.strictSame(ruleCodes(open('/admin/x'), [guarded]), ['warning public-rule-shares-upstream …'])
  t.strictSame(ruleCodes(open('"/*/x"'), [guarded]), ['warning public-rule-shares-upstream …'])
  t.strictSame(ruleCodes(open('/admin/x'), [guarded], ', sharesUpstreamWith: [b/admin]'), [])
  t.strictSame(ruleCodes('[{ methods: [GET], access: public }, { access: login }]', [guarded]), [
    'error public-rule-shares-upstream …',
  ])
  t.strictSame(ruleCodes(open('/share/**'), [], ', sharesUpstreamWith: [b/admin]'), [
    'error unknown-route routes[2].sharesUpstreamWith[0]',
  ])
  const stripped = '{ service: S, host: b, path: /x, to: box:80, prefixRewrite: strip }'
  t.strictSame(
    ruleCodes(open('/share/**'), [stripped]),
    ['warning public-rule-shares-upstream …'],
    'the paths of the backend are others then',
  )
  t.end()
})

t.test('a private route outside the domain is warned of: the cookie does not reach it', (t) => {
  t.strictSame(codes(['{ host: www.example.org, to: box:80 }']), [
    'warning cookie-foreign routes[2].host',
  ])
  t.strictSame(codes(["{ host: '*.example.org', to: box:80, access: [{ access: login }] }"]), [
    'warning cookie-foreign routes[2].host',
  ])
  for (const access of ['public', 'nobody', '[{ paths: [/x], access: public }]']) {
    t.strictSame(codes([`{ host: www.example.org, to: box:80, access: ${access} }`]), [], access)
  }
  t.strictSame(codes(["{ host: '@', to: box:80 }", "{ host: '*', to: box:81 }"]), [])
  t.end()
})

t.test("the owner's table has every row, its numbers and its access", (t) => {
  const { definition } = readTable(ownersText)
  const rows = (definition?.routes ?? []).map(({ id, policy, target, matching }) => {
    const to =
      target.kind === 'upstream'
        ? `${target.scheme}://${target.hostname}:${target.port}`
        : target.kind === 'app'
          ? target.app
          : target.kind === 'landing'
            ? `landing ${target.continueTo}`
            : target.kind
    return `${id} ${policy.kind}${policy.kind === 'public' && matching === 'prefix' ? ' below' : ''} ${to}`
  })
  const flex = 'http://84.235.234.87'
  t.strictSame(rows.toSorted(), [
    '@/ public below redirect',
    'analytics/ public landing /matomo',
    'analytics/matomo signed-in http://129.151.228.66:8080',
    'api/ public landing /docs',
    `api/docs signed-in ${flex}:5000`,
    'auth/ public below login',
    'cal/ public landing /radicale',
    `cal/radicale signed-in ${flex}:5232`,
    `chat/ signed-in ${flex}:8501`,
    `cloud/ public below ${flex}:3000`,
    `dashboards/ public below ${flex}:3004`,
    `dashboards/dash signed-in ${flex}:8050`,
    `dashboards/jupyter signed-in ${flex}:8888`,
    `dockge/ signed-in ${flex}:5001`,
    `git/ signed-in ${flex}:3000`,
    `logs/ signed-in ${flex}:9999`,
    'mail/ public landing /webmail',
    'mail/webmail signed-in https://130.110.251.193:443',
    'photos/ public landing /photoprism',
    `photos/photoprism signed-in ${flex}:2342`,
    'proxy/ members admin',
    `sheets/ public below ${flex}:3003`,
    `sheets/pandas signed-in ${flex}:8502`,
    `sheets/xsv signed-in ${flex}:8503`,
    `slides/ public below ${flex}:3002`,
    `slides/reveal signed-in ${flex}:3031`,
    `slides/slidev signed-in ${flex}:3030`,
    `status/ signed-in ${flex}:3001`,
    'sync/ public landing /drive',
    `sync/drive signed-in ${flex}:5572`,
    `sync/git signed-in ${flex}:3001`,
    `terminal/ public below ${flex}:3000`,
    `terminal/chat signed-in ${flex}:8501`,
    `terminal/ide signed-in ${flex}:8080`,
    `terminal/terminal signed-in ${flex}:7681`,
    'vault/ public landing /vaultwarden',
    `vault/vaultwarden signed-in ${flex}:8080`,
    'vpn/ public landing /wg-easy',
    `vpn/wg-easy signed-in ${flex}:51820`,
    `workflow/ public below ${flex}:3006`,
    `workflow/langgraph signed-in ${flex}:8123`,
    `workflow/temporal signed-in ${flex}:8233`,
  ])
  t.end()
})

t.test("each of the owner's known faults is named, and none of them is an error", (t) => {
  const { problems } = readTable(ownersText)
  t.strictSame(
    problems.map((p) => `${p.severity} ${p.code}: ${p.what.replaceAll(/, line \d+/g, '')}`),
    [
      'warning plain-http: plain HTTP goes over the internet to 84.235.234.87 (terminal/, terminal/terminal, terminal/ide and 26 more): others can read it, and whoever may dial it can forge Remote-User',
      'warning plain-http: plain HTTP goes over the internet to 129.151.228.66 (analytics/matomo): others can read it, and whoever may dial it can forge Remote-User',
      'warning collision: 84.235.234.87:3000 is claimed by Terminals hub (terminal/), Homepage (cloud/), Gitea (git/); only one of them can listen there',
      'warning collision: 84.235.234.87:8080 is claimed by code-server (terminal/ide), Vaultwarden (vault/vaultwarden); only one of them can listen there',
      'warning needs-own-host: Open WebUI does not work below a path: its pages name their files from /',
      'warning collision: 84.235.234.87:3001 is claimed by Gitea (sync/git), Uptime Kuma (status/); only one of them can listen there',
      'warning two-upstreams: Gitea is expected at 84.235.234.87:3001 (sync/git) and 84.235.234.87:3000 (git/)',
      'warning not-http: 51820 is the port of WireGuard (UDP), which does not answer HTTP',
    ],
  )
  t.end()
})

t.test("the owner's table is read well under a tenth of a second", (t) => {
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < 5; i++) {
    const begin = performance.now()
    readTable(ownersText)
    best = Math.min(best, performance.now() - begin)
  }
  t.ok(best < 100, `${best} ms`)
  t.end()
})
