// Reading routes.yaml: what the rows mean, and that every problem is told at once with its place.

import t from 'tap'
import type { Route } from '../../src/model.ts'
import { formatProblem } from '../../src/routes-file/problem.ts'
import { readTable } from '../../src/routes-file/read.ts'
import { tableText } from '../fixtures/table-text.ts'

function codes(text: string): readonly string[] {
  return readTable(text).problems.map((p) => `${p.severity} ${p.code} ${p.where}`)
}

function route(row: string, top: readonly string[] = []): Route {
  const { definition, problems } = readTable(tableText([row], top))
  const found = definition?.routes[2]
  if (found === undefined) throw new Error(problems.map((p) => formatProblem('t', p)).join('\n'))
  return found
}

t.test('a file with five mistakes is told all five, with line, column and remedy', (t) => {
  const text = [
    'version: 1',
    'domain: example.com',
    'vms: { box: { address: 10.0.0.7 } }',
    'routes:',
    '  - { host: auth, to: login, access: public }',
    '  - { host: proxy, to: admin }',
    '  - { host: photos, acess: public, to: box:2342 }',
    '  - { host: git, to: bx:3000 }',
    '  - { host: wiki, to: http://169.254.169.254, timeouts: { idle: 10 } }',
    '  - { host: git, path: /, to: box:3000, access: login, rateLimit: { perSecond: 5, burst: 9 } }',
    '  - { host: git, to: box:3001 }',
    '',
  ].join('\n')
  const told = readTable(text).problems.map((p) => formatProblem('routes.yaml', p))
  t.strictSame(told, [
    'routes.yaml:7:21: error: routes[2].acess: is no key of the format; did you mean access? [unknown-key]',
    'routes.yaml:8:22: error: routes[3].to: there is no VM "bx"; did you mean box? [unknown-vm]',
    "routes.yaml:9:23: error: routes[4].to: 169.254.169.254 is link-local: the cloud's metadata service lives there (RFC 3927); name the address of a backend; this one is refused for every route [target-forbidden]",
    'routes.yaml:9:65: error: routes[4].timeouts.idle: is the number 10; write a duration such as 10m, or never [shape]',
    'routes.yaml:11:5: error: routes[6]: git/ is already on line 10; give it another path, or remove one of the two [duplicate-route]',
  ])
  t.equal(readTable(text).definition, null)
  t.end()
})

t.test('a route that says little gets the safe defaults', (t) => {
  const found = route('{ host: photos, to: box:2342 }')
  t.strictSame(found, {
    id: 'photos/',
    service: 'photos/',
    host: { kind: 'exact', host: 'photos.example.com' },
    path: '/',
    matching: 'prefix',
    policy: { kind: 'signed-in', requires: { proof: 'any', withinMs: null } },
    target: {
      kind: 'upstream',
      scheme: 'http',
      hostname: '10.0.0.7',
      port: 2342,
      vm: 'box',
      tls: null,
    },
    prefixRewrite: { kind: 'keep' },
    upstreamHost: { kind: 'keep' },
    requestHeaders: { set: [], remove: [] },
    responseHeaders: { set: [], remove: [] },
    timeouts: { connectMs: 5000, headersMs: 60_000, idleMs: 600_000 },
    maxBodyBytes: 104_857_600,
    clients: { allow: [], deny: [] },
    rateLimit: { perSecond: 100, burst: 50 },
    webSocket: false,
    encodedSlashes: false,
    cloudflareOnly: false,
    allowedOrigins: [],
    networks: [],
    identityHeaders: {
      user: 'remote-user',
      name: 'remote-name',
      email: 'remote-email',
      groups: 'remote-groups',
      assertion: 'x-gatehouse-assertion',
    },
    parentCookies: false,
    wake: 'navigation',
    countsAsUse: 'auto',
    maintenance: null,
    line: 7,
  })
  t.end()
})

t.test('a public route is for its path alone unless it says prefix', (t) => {
  t.equal(route('{ host: a, to: box:1, access: public }').matching, 'exact')
  t.equal(route('{ host: a, to: box:1, access: public, prefix: true }').matching, 'prefix')
  t.equal(route('{ host: a, to: box:1 }').matching, 'prefix')
  t.equal(route('{ host: a, to: box:1, prefix: false }').matching, 'exact')
  t.end()
})

t.test('hosts are names under the domain, the domain, wildcards or full names', (t) => {
  const hosts = [
    ['photos', { kind: 'exact', host: 'photos.example.com' }, 'photos/'],
    ['Photos', { kind: 'exact', host: 'photos.example.com' }, 'photos/'],
    ['photos.example.com', { kind: 'exact', host: 'photos.example.com' }, 'photos/'],
    ["'@'", { kind: 'exact', host: 'example.com' }, '@/'],
    ["'*'", { kind: 'wildcard', suffix: 'example.com' }, '*/'],
    ["'*.dev'", { kind: 'wildcard', suffix: 'dev.example.com' }, '*.dev/'],
    ["'*.example.org'", { kind: 'wildcard', suffix: 'example.org' }, '*.example.org/'],
    ['www.example.org', { kind: 'exact', host: 'www.example.org' }, 'www.example.org/'],
    ['a.b.example.com', { kind: 'exact', host: 'a.b.example.com' }, 'a.b.example.com/'],
  ] as const
  for (const [written, host, id] of hosts) {
    const found = route(`{ host: ${written}, to: box:1 }`)
    t.strictSame([found.host, found.id], [host, id], written)
  }
  for (const bad of [
    'a..b',
    '-a',
    'a/b',
    'a:80',
    '10.0.0.1',
    '"[::1]"',
    'ä',
    '""',
    "'**'",
    "'a.*'",
  ]) {
    t.strictSame(codes(tableText([`{ host: ${bad}, to: box:1 }`])), [
      'error host-invalid routes[2].host',
    ])
  }
  t.end()
})

t.test('targets are a VM, a URL, a landing page, an application, a redirect or a status', (t) => {
  const upstream = { kind: 'upstream', vm: null, tls: null }
  const tls = {
    serverName: null,
    caFile: null,
    clientCertificate: null,
    insecureSkipUpstreamTlsVerify: false,
  }
  const targets: readonly (readonly [string, object])[] = [
    ['http://127.0.0.1:81', { ...upstream, scheme: 'http', hostname: '127.0.0.1', port: 81 }],
    ['HTTP://Backend.Lan', { ...upstream, scheme: 'http', hostname: 'backend.lan', port: 80 }],
    ["'http://[fd00::7]:81/'", { ...upstream, scheme: 'http', hostname: 'fd00::7', port: 81 }],
    ['https://a.lan', { ...upstream, scheme: 'https', hostname: 'a.lan', port: 443, tls }],
    [
      'https://box:8443',
      { ...upstream, scheme: 'https', hostname: '10.0.0.7', port: 8443, vm: 'box', tls },
    ],
    [
      '{ url: https://box:443, serverName: Mail.Example.com, ca: /ca.pem, clientCertificate: { cert: /c.pem, key: /k.pem } }',
      {
        ...upstream,
        scheme: 'https',
        hostname: '10.0.0.7',
        port: 443,
        vm: 'box',
        tls: {
          serverName: 'mail.example.com',
          caFile: '/ca.pem',
          clientCertificate: { certFile: '/c.pem', keyFile: '/k.pem' },
          insecureSkipUpstreamTlsVerify: false,
        },
      },
    ],
    ['landing', { kind: 'landing', service: 'S', continueTo: null }],
    ['{ landing: /x }', { kind: 'landing', service: 'S', continueTo: '/x' }],
    [
      '{ redirect: https://example.org/x }',
      { kind: 'redirect', status: 302, location: 'https://example.org/x', keepPath: false },
    ],
    [
      '{ redirect: /x, status: 308, keepPath: true }',
      { kind: 'redirect', status: 308, location: '/x', keepPath: true },
    ],
    ['{ status: 404 }', { kind: 'status', status: 404, message: '' }],
    ['{ status: 200, message: Fine }', { kind: 'status', status: 200, message: 'Fine' }],
  ]
  for (const [written, target] of targets) {
    t.strictSame(route(`{ service: S, host: a, to: ${written} }`).target, target, written)
  }
  t.end()
})

t.test('targets that would lead somewhere unforeseen are refused', (t) => {
  const bad = [
    ['target-forbidden', 'http://169.254.169.254'],
    ['target-forbidden', "'http://[fe80::1]:80'"],
    ['target-forbidden', "'http://[fd00:ec2::254]:80'"],
    ['target-forbidden', "'http://[::ffff:169.254.169.254]:80'"],
    ['target-forbidden', "'http://[64:ff9b::a9fe:a9fe]:80'"],
    ['target-forbidden', 'http://0.0.0.0:80'],
    ['target-forbidden', 'http://224.0.0.1:80'],
    ['target-forbidden', 'http://100.100.100.200'],
    ['target-forbidden', 'http://192.0.0.192'],
    ['target-forbidden', 'http://metadata.google.internal'],
    ['target-forbidden', 'http://METADATA.google.internal.'],
    ['target-spelling', 'http://2852039166'],
    ['target-spelling', 'http://0xa9fea9fe'],
    ['target-spelling', 'http://0xa9.0xfe.0xa9.0xfe'],
    ['target-spelling', 'http://0251.0376.0251.0376'],
    ['target-spelling', 'http://169.254.43518'],
    ['target-spelling', 'http://127.1'],
    ['target-spelling', 'http://127.0.0.1.'],
    ['target-invalid', 'http://user@127.0.0.1'],
    ['target-invalid', 'http://box:80/path'],
    ['target-invalid', 'http://box:0'],
    ['target-invalid', 'http://box:70000'],
    ['target-invalid', 'box:0'],
    ['target-invalid', 'ftp://box:21'],
    ['target-invalid', "'http://[::1%25eth0]:80'"],
    ['target-invalid', 'http://ａ.example'],
    ['unknown-vm', 'nobody:80'],
    ['redirect-invalid', '{ redirect: //evil.example }'],
    ['redirect-invalid', "{ redirect: '/\\evil.example' }"],
    ['redirect-invalid', '{ redirect: "javascript:alert(1)" }'],
    ['redirect-invalid', '{ redirect: "https://a\\r\\nX: y" }'],
  ] as const
  for (const [code, written] of bad) {
    const found = codes(tableText([`{ host: a, to: ${written} }`]))
    t.equal(found.length, 1, written)
    t.match(found[0], new RegExp(`^error ${code} routes\\[2\\]\\.to`), written)
  }
  t.strictSame(codes(tableText([], ['fallback: http://169.254.169.254'])), [
    'error target-forbidden fallback',
  ])
  t.end()
})

t.test('a VM with a forbidden address is told once, not for every route to it', (t) => {
  const text = tableText(['{ host: a, to: box:1 }', '{ host: b, to: box:2 }'])
  t.strictSame(codes(text.replace('10.0.0.7', '169.254.169.254')), [
    'error target-forbidden vms.box.address',
  ])
  t.end()
})

t.test('TLS settings on a plain target are refused', (t) => {
  const row = '{ host: a, to: { url: http://box:80, ca: /ca.pem } }'
  t.strictSame(codes(tableText([row])), ['error tls-without-https routes[2].to.ca'])
  t.end()
})

t.test('paths are those that requests are matched by', (t) => {
  t.equal(route('{ host: a, path: /x/, to: box:1 }').path, '/x')
  t.equal(route('{ host: a, path: /x, to: box:1 }').id, 'a/x')
  for (const bad of [
    'x',
    '/a//b',
    '/a/../b',
    '/a/.',
    '/a%2Fb',
    "'/a?b'",
    "'/a#b'",
    "'/a\\b'",
    '/a;b',
    '/a*',
  ]) {
    t.strictSame(codes(tableText([`{ host: a, path: ${bad}, to: box:1 }`])), [
      'error path-invalid routes[2].path',
    ])
  }
  for (const ours of ['/.gatehouse', '/.gatehouse/x', '/.Gatehouse/']) {
    t.strictSame(codes(tableText([`{ host: a, path: ${ours}, to: box:1 }`])), [
      'error path-reserved routes[2].path',
    ])
  }
  t.equal(route('{ host: a, path: /.gatehouses, to: box:1 }').path, '/.gatehouses')
  t.end()
})

t.test('durations, sizes, networks, origins and rates are read in their units', (t) => {
  const found = route(
    '{ host: a, to: box:1, timeouts: { connect: 250ms, idle: never }, maxBody: 2GB, clients: { allow: [10.0.0.0/8, "2001:DB8::/32", 192.0.2.7], deny: [10.1.0.0/16] }, rateLimit: { perSecond: 0.5, burst: 3 }, allowedOrigins: ["https://App.example.com:443", "chrome-extension://abc"], maintenance: true, prefixRewrite: { replace: /y/ }, upstreamHost: { fixed: "b.lan:81" } }',
  )
  t.strictSame(found.timeouts, { connectMs: 250, headersMs: 60_000, idleMs: 0 })
  t.equal(found.maxBodyBytes, 2 * 1024 ** 3)
  t.strictSame(found.clients, {
    allow: ['10.0.0.0/8', '2001:db8::/32', '192.0.2.7/32'],
    deny: ['10.1.0.0/16'],
  })
  t.strictSame(found.rateLimit, { perSecond: 0.5, burst: 3 })
  t.strictSame(found.allowedOrigins, ['https://app.example.com', 'chrome-extension://abc'])
  t.equal(found.maintenance, 'This service is being worked on.')
  t.strictSame(found.prefixRewrite, { kind: 'replace', with: '/y' })
  t.strictSame(found.upstreamHost, { kind: 'fixed', host: 'b.lan:81' })
  t.equal(route('{ host: a, to: box:1, maxBody: unlimited }').maxBodyBytes, null)
  const bad = [
    ['shape', 'timeouts: { connect: 5 }'],
    ['shape', 'timeouts: { connect: never }'],
    ['out-of-range', 'timeouts: { connect: 0s }'],
    ['out-of-range', 'timeouts: { idle: 25h }'],
    ['shape', 'maxBody: 100'],
    ['shape', 'maxBody: 100mb'],
    ['cidr', 'clients: { allow: [10.0.0.5/8] }'],
    ['cidr', 'clients: { deny: [10.0.0.0/33] }'],
    ['cidr', 'clients: { deny: ["fe80::1%eth0"] }'],
    ['origin', 'allowedOrigins: [app.example.com]'],
    ['origin', 'allowedOrigins: ["https://a.example/"]'],
    ['origin', 'allowedOrigins: ["null"]'],
    ['origin', 'allowedOrigins: ["*"]'],
    ['unknown-class', 'rateLimit: genral'],
    ['shape', 'rateLimit: { perSecond: 0, burst: 1 }'],
    ['host-invalid', 'upstreamHost: { fixed: "a b" }'],
    ['path-invalid', 'prefixRewrite: { replace: y }'],
    ['shape', 'webSocket: yes'],
  ] as const
  for (const [code, setting] of bad) {
    const told = codes(tableText([`{ host: a, to: box:1, ${setting} }`]))
    t.equal(told.length, 1, setting)
    t.match(told[0], new RegExp(`^error ${code} `), setting)
  }
  t.end()
})

t.test('headers are edited both ways, with values from secrets, and route over defaults', (t) => {
  const found = route(
    '{ host: a, to: box:1, requestHeaders: { set: { X-Script-Name: /a, X-Key: { secret: API_KEY } }, remove: [Accept-Language] } }',
    [
      'defaults: { requestHeaders: { set: { X-KEY: none, X-Env: prod } }, responseHeaders: { remove: [Server] } }',
    ],
  )
  t.strictSame(found.requestHeaders, {
    set: [
      ['x-env', 'prod'],
      ['x-script-name', '/a'],
      ['x-key', { secret: 'API_KEY' }],
    ],
    remove: ['accept-language'],
  })
  t.strictSame(found.responseHeaders, { set: [], remove: ['server'] })
  t.end()
})

t.test('headers that frame a message, identify people or split it in two are refused', (t) => {
  const bad = [
    ['header-name', 'X_User'],
    ['header-name', '"X User"'],
    ['header-name', '"X:"'],
    ['header-reserved', 'Host'],
    ['header-reserved', 'content-length'],
    ['header-reserved', 'Transfer-Encoding'],
    ['header-reserved', 'Connection'],
    ['header-reserved', 'Remote-User'],
    ['header-reserved', 'remote-groups'],
    ['header-reserved', 'X-Forwarded-For'],
    ['header-reserved', 'X-Real-IP'],
    ['header-reserved', 'X-Gatehouse-Anything'],
    ['header-reserved', 'Cookie'],
  ] as const
  for (const [code, name] of bad) {
    for (const edit of [`set: { ${name}: x }`, `remove: [${name}]`]) {
      const told = codes(tableText([`{ host: a, to: box:1, requestHeaders: { ${edit} } }`]))
      t.equal(told.length, 1, edit)
      t.match(told[0], new RegExp(`^error ${code} `), edit)
    }
  }
  for (const value of ['"a\\r\\nX: y"', '"a\\0"', '"a\\x7f"', '" a"', '"a\\t"', '"€"']) {
    const told = codes(
      tableText([`{ host: a, to: box:1, requestHeaders: { set: { X: ${value} } } }`]),
    )
    t.strictSame(told, ['error header-value routes[2].requestHeaders.set.X'], value)
  }
  const twice = '{ host: a, to: box:1, responseHeaders: { set: { X-A: "1", x-a: "2" } } }'
  t.strictSame(codes(tableText([twice])), ['error duplicate-key routes[2].responseHeaders.set.x-a'])
  t.end()
})

t.test('defaults lie under every route, part by part', (t) => {
  const top = ['defaults: { timeouts: { connect: 1s, idle: 1m }, maxBody: 1MB, webSocket: true }']
  const found = route('{ host: a, to: box:1, timeouts: { idle: 2m } }', top)
  t.strictSame(found.timeouts, { connectMs: 1000, headersMs: 60_000, idleMs: 120_000 })
  t.equal(found.maxBodyBytes, 1024 ** 2)
  t.equal(found.webSocket, true)
  t.equal(route('{ host: a, to: box:1, webSocket: false }', top).webSocket, false)
  t.strictSame(codes(tableText([], ['defaults: { access: public }'])), [
    'error unknown-key defaults.access',
  ])
  t.end()
})

t.test('rate classes have the numbers of the file, and login and admin get theirs', (t) => {
  const { definition } = readTable(
    tableText(
      [
        '{ host: a, to: box:1 }',
        '{ host: b, to: box:2, rateLimit: api }',
        '{ host: c, to: box:3, rateLimit: slow }',
      ],
      [
        'limits: { classes: { slow: { perSecond: 1, burst: 2 }, api: { perSecond: 7, burst: 8 } } }',
      ],
    ),
  )
  t.strictSame(
    definition?.routes.map((r) => r.rateLimit),
    [
      { perSecond: 10, burst: 20 },
      { perSecond: 10, burst: 20 },
      { perSecond: 100, burst: 50 },
      { perSecond: 7, burst: 8 },
      { perSecond: 1, burst: 2 },
    ],
  )
  t.strictSame(definition?.floodLimit, { perSecond: 300, burst: 600 })
  t.equal(definition?.signedInFactor, 10)
  t.end()
})

t.test('the keys at the top are read', (t) => {
  const { definition } = readTable(
    tableText(
      [],
      [
        'trustedProxies: [10.0.0.0/8]',
        'originPull: { ca: /ca.pem }',
        'onWeakerAccess: hold',
        'securityHeaders: { X-Frame-Options: DENY, Permissions-Policy: false, X-Extra: "1" }',
        "fallback: 'https://old.lan:8443'",
        'login: { host: auth }',
      ],
    ),
  )
  t.match(definition, {
    domain: 'example.com',
    loginHost: 'auth.example.com',
    trustedProxies: { kind: 'list', cidrs: ['10.0.0.0/8'] },
    originPullCaFile: '/ca.pem',
    onWeakerAccess: 'hold',
    fallback: { scheme: 'https', hostname: 'old.lan', port: 8443 },
  })
  t.strictSame(definition?.securityHeaders, [
    ['strict-transport-security', 'max-age=31536000'],
    ['x-frame-options', 'DENY'],
    ['x-content-type-options', 'nosniff'],
    ['referrer-policy', 'strict-origin-when-cross-origin'],
    ['x-extra', '1'],
  ])
  const { definition: plain } = readTable(tableText([]))
  t.match(plain, { trustedProxies: { kind: 'none' }, onWeakerAccess: 'alert', fallback: null })
  t.strictSame(codes(tableText([], ["trustedProxies: ['0.0.0.0/0']"])), [
    'error trusts-everyone trustedProxies[0]',
  ])
  t.end()
})

t.test('a faulty part of a route does not hide the faults beside it', (t) => {
  const row =
    '{ host: a, to: bx:1, webSocket: 1, requestHeaders: { set: { N: 3, Host: x } }, clients: { allow: [7], deny: [nonsense] } }'
  t.strictSame(codes(tableText([row])), [
    'error unknown-vm routes[2].to',
    'error shape routes[2].webSocket',
    'error shape routes[2].requestHeaders.set.N',
    'error header-reserved routes[2].requestHeaders.set.Host',
    'error shape routes[2].clients.allow[0]',
    'error cidr routes[2].clients.deny[0]',
  ])
  t.end()
})

t.test('what is missing at the top is said, and what the keys would be', (t) => {
  t.strictSame(codes('routes: []'), ['error missing version', 'error missing domain'])
  t.strictSame(codes('version: 2\ndomain: example.com\nroutes: []'), ['error shape version'])
  t.strictSame(codes('version: 1\ndomain: "no domain"\nroutes: []'), ['error host-invalid domain'])
  t.strictSame(codes('- a'), ['error shape '])
  t.strictSame(codes(''), ['error empty '])
  t.strictSame(codes('# nothing\n'), ['error shape '])
  t.end()
})

t.test('a key far from every known one is told what is known', (t) => {
  const { problems } = readTable(
    tableText(['{ host: a, to: { url: https://box:1, verify: false } }']),
  )
  t.match(problems, [
    {
      where: 'routes[2].to.verify',
      remedy: 'known here: url, serverName, ca, clientCertificate, insecureSkipUpstreamTlsVerify',
    },
  ])
  t.end()
})
