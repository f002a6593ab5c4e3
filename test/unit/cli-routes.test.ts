// The printed table is in the order requests are matched in.

import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { loadGoodTable, runtimeTable } from '../../src/cli/load-table.ts'
import { routes } from '../../src/cli/routes.ts'
import type { CanonicalPath, Host } from '../../src/model.ts'
import { matchingOrder } from '../../src/routes-file/route-words.ts'
import { configIn, createOutput } from '../fixtures/config.ts'

const table = `version: 1
domain: example.com
fallback: http://127.0.0.1:81
routes:
  - { service: Any, host: '*', to: 'http://127.0.0.1:3009' }
  - { service: Root, host: a, to: 'http://127.0.0.1:3000' }
  - { service: Deep, host: a, path: /x/y, to: 'http://127.0.0.1:3001', webSocket: true, rewrite: strip }
  - { service: Door, host: a, path: /x, to: landing, access: public }
  - { service: Team, host: b, to: 'http://127.0.0.1:3002', access: { users: [me], groups: [admin] } }
  - { service: Admin, host: proxy, to: admin, access: { groups: [admin] } }
  - { service: Login, host: auth, to: login, access: public }
`.replace(', rewrite: strip', '')

t.test('hosts by name, the longest path first, wildcards last', async (t) => {
  const output = createOutput()
  t.equal(
    await routes({ config: configIn(t.testdir(), table), asJson: false, write: output.write }),
    0,
  )
  const lines = output.text().split('\n')
  const at = (text: RegExp) => lines.findIndex((line) => text.test(line))
  const order = [
    /^a\.example\.com$/,
    /^ {2}\/x\/y\/… +login +http:\/\/127\.0\.0\.1:3001 +WebSocket$/,
    /^ {2}\/x +public +landing page$/,
    /^ {2}\/… +login +http:\/\/127\.0\.0\.1:3000$/,
    /^b\.example\.com$/,
    /^ {2}\/… +users me, groups admin +http/,
    /^\*\.example\.com$/,
    /^everything else: http:\/\/127\.0\.0\.1:81$/,
  ].map(at)
  t.notOk(order.includes(-1), output.text())
  t.strictSame(
    order,
    order.toSorted((a, b) => a - b),
  )
})

t.test('rules stand below their route, and what sets a route apart beside it', async (t) => {
  const output = createOutput()
  const rows = `  - host: share
    to: 'http://127.0.0.1:3005'
    networks: [{ cidr: 10.8.0.0/24, as: ana }]
    parentCookies: true
    access: [{ methods: [GET], paths: [/s/*, /t], access: public }, { access: { groups: [g], with: passkey } }]
  - { host: part, to: 'http://127.0.0.1:3006', access: [{ methods: [GET], access: login }] }
`
  const config = configIn(t.testdir(), table + rows)
  t.equal(await routes({ config, asJson: false, write: output.write }), 0)
  t.match(
    output.text(),
    / {2}\/… +by rules +http:\/\/127\.0\.0\.1:3005 +10\.8\.0\.0\/24 is ana, cookies for the whole domain\n {4}1\. GET \/s\/\* \/t: public\n {4}2\. else groups g with passkey\n/,
  )
  t.match(output.text(), / {4}1\. GET: login\n {4}else nobody\n/)
})

t.test('--json is the whole table in that order', async (t) => {
  const output = createOutput()
  await routes({ config: configIn(t.testdir(), table), asJson: true, write: output.write })
  const report = JSON.parse(output.text())
  t.equal(report.routes.length, 7)
  t.equal(report.routes[0].service, 'Deep')
})

t.test(
  'the order is the one requests are matched in: the first that can take a path does',
  async (t) => {
    const owned = readFileSync(join(dirname(import.meta.dirname), '../src/routes.yaml'), 'utf8')
    for (const text of [table, owned]) {
      const config = configIn(t.testdir(), text)
      const definition = await loadGoodTable(config)
      const runtime = runtimeTable(definition, config)
      for (const { host, path } of definition.routes) {
        if (host.kind !== 'exact') continue
        for (const asked of [path, `${path === '/' ? '' : path}/below/it`, `${path}more`]) {
          const first = matchingOrder(definition).find(
            (each) =>
              each.host.kind === 'exact' &&
              each.host.host === host.host &&
              (each.path === asked ||
                (each.matching === 'prefix' &&
                  (each.path === '/' || asked.startsWith(`${each.path}/`)))),
          )
          const matched = runtime.match(host.host as Host, asked as CanonicalPath)
          t.equal(matched?.id ?? null, first?.id ?? null, `${host.host}${asked}`)
        }
      }
    }
  },
)

t.test('a table with errors is refused, every error named', async (t) => {
  const output = createOutput()
  const config = configIn(
    t.testdir(),
    'version: 1\ndomain: example.com\nroutes: [{ host: a }, { to: b }]\n',
  )
  await t.rejects(routes({ config, asJson: false, write: output.write }), {
    code: 'table-invalid',
    message: /routes\[0\][\s\S]*routes\[1\]/,
  })
  t.equal(output.text(), '')
})
