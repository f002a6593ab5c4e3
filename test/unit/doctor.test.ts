// What doctor says of ports, names, certificates, targets, clock, disk and permissions. Loopback only.

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { certificateFindings } from '../../src/cli/doctor/certificates.ts'
import { inParallel, listed } from '../../src/cli/doctor/finding.ts'
import { type NamesDeps, nameFindings } from '../../src/cli/doctor/names.ts'
import { listeners, portFindings } from '../../src/cli/doctor/ports.ts'
import { storageFindings } from '../../src/cli/doctor/storage.ts'
import { targetFindings } from '../../src/cli/doctor/targets.ts'
import { doctor } from '../../src/cli/doctor.ts'
import type { TableDefinition } from '../../src/model.ts'
import { readTable } from '../../src/routes-file/read.ts'
import { writeSnapshot } from '../../src/routes-file/snapshot.ts'
import { closedPort } from '../fixtures/backends.ts'
import { makeCa } from '../fixtures/certificates.ts'
import { configIn, createOutput } from '../fixtures/config.ts'

const head = `version: 1
domain: example.com
routes:
  - { service: Login, host: auth, to: login, access: public }
  - { service: Admin, host: proxy, to: admin, access: { groups: [admin] } }
`

function definitionOf(routes: string): TableDefinition {
  const { definition, problems } = readTable(head + routes)
  if (definition === null) throw new Error(JSON.stringify(problems))
  return definition
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

t.test('a port that is held is named with the program that holds it', async (t) => {
  const server = createServer()
  const port = await listening(server)
  t.teardown(() => server.close())
  const holders = await listeners()
  const mine = holders?.find(({ address }) => address.port === port)
  t.match(mine, { address: { host: '127.0.0.1' }, owner: { pid: process.pid } })
  const config = configIn(t.testdir(), head, { https: `127.0.0.1:${port}` })
  t.match(await portFindings(config), [
    { level: 'fail', what: new RegExp(`pid ${process.pid}`), remedy: /--https 8443/ },
  ])
})

t.test('an IPv6 listener is recognised too', async (t) => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '::1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const holders = await listeners()
  t.match(
    holders?.find(({ address }) => address.port === port),
    { address: { host: '::1' } },
  )
})

t.test('a free port is ok', async (t) => {
  const config = configIn(t.testdir(), head, { https: `127.0.0.1:${await closedPort()}` })
  t.match(await portFindings(config), [{ level: 'ok', what: /is free/ }])
})

const tcpHead =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
const tcpLine = (port: string, inode: string) =>
  `   0: 00000000:${port} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1\n`

t.test('the gateway itself and the sockets of systemd are no intruders', async (t) => {
  const proc = t.testdir({
    net: {
      tcp: `${tcpHead}${tcpLine('01BB', '11')}${tcpLine('0050', '12')}${tcpLine('23DC', '13')}`,
    },
    7: { comm: 'gatehouse\n', fd: { 3: t.fixture('symlink', 'socket:[11]') } },
    1: { comm: 'systemd\n', fd: { 4: t.fixture('symlink', 'socket:[12]') } },
  })
  const config = configIn(join(proc, 'etc'), head, {
    https: '443',
    http: '80',
    ops: '127.0.0.1:9180',
  })
  t.match(await portFindings(config, proc), [
    { level: 'ok', what: /https 443 is held by gatehouse \(pid 7\)/ },
    { level: 'ok', what: /http 80 is held by systemd/ },
    { level: 'warn', what: /ops .* by whom only root can see/ },
  ])
})

t.test('a low port that this user may not bind is a warning', async (t) => {
  const proc = t.testdir({ net: { tcp: tcpHead }, self: { status: 'CapEff:\t0000000000000000\n' } })
  const config = configIn(join(proc, 'etc'), head, { https: '443' })
  t.match(await portFindings(config, proc), [{ level: 'warn', remedy: /CAP_NET_BIND_SERVICE/ }])
})

t.test('names are grouped by where they lead', async (t) => {
  const definition = definitionOf(`
  - { service: A, host: a, to: 'http://127.0.0.1:1' }
  - { service: B, host: b, to: 'http://127.0.0.1:1' }
  - { service: C, host: c, to: 'http://127.0.0.1:1' }
  - { service: W, host: '*.w', to: 'http://127.0.0.1:1' }
  - { service: L, host: x.localhost, to: 'http://127.0.0.1:1' }`)
  const answers: Readonly<Record<string, readonly string[]>> = {
    'auth.example.com': ['104.16.0.1'],
    'proxy.example.com': ['104.16.0.1', '104.16.0.2'],
    'a.example.com': ['10.0.0.5'],
    'b.example.com': ['198.51.100.7'],
    'gatehouse-doctor.w.example.com': ['10.0.0.5'],
  }
  const deps: NamesDeps = {
    resolve: async (name) => {
      const found = answers[name]
      if (found === undefined) throw Object.assign(new Error(), { code: 'ENOTFOUND' })
      return found
    },
    ownAddresses: ['10.0.0.5', '::1'],
    isCloudflare: (address) => address.startsWith('104.16.'),
  }
  t.match(await nameFindings(definition, deps), [
    { level: 'ok', what: '2 names: auth.example.com, proxy.example.com → Cloudflare' },
    { level: 'ok', what: '3 names: a.example.com, *.w.example.com, x.localhost → this machine' },
    { level: 'warn', what: /^b\.example\.com → 198\.51\.100\.7/ },
    { level: 'fail', what: /^c\.example\.com: no address/ },
  ])
})

t.test('a name server that does not answer is one warning, not fifty failures', async (t) => {
  const found = await nameFindings(definitionOf(''), {
    resolve: () => Promise.reject(Object.assign(new Error(), { code: 'ETIMEOUT' })),
    ownAddresses: [],
    isCloudflare: () => false,
  })
  t.match(found, [{ level: 'warn', what: /^2 names: .*no name server answers \(ETIMEOUT\)/ }])
  t.equal(found.length, 1)
})

t.test(
  'hosts without a certificate fail; a certificate near its end warns, then fails',
  async (t) => {
    const ca = await makeCa()
    const dayMs = 24 * 60 * 60 * 1000
    const now = Date.now()
    const issued = await ca.issue({
      names: ['*.example.com'],
      notAfter: new Date(now + 30 * dayMs),
    })
    const certsDir = t.testdir({ 'a.pem': issued.certPem + issued.keyPem })
    chmodSync(join(certsDir, 'a.pem'), 0o600)
    const definition = definitionOf("  - { service: D, host: a.b, to: 'http://127.0.0.1:1' }\n")
    const at = (days: number) =>
      certificateFindings({ certsDir, definition, now: () => now + days * dayMs })
    t.match(await at(0), [
      { level: 'fail', what: /no certificate for a\.b:/ },
      { level: 'ok', what: /^\*\.example\.com .* for 29 more days/ },
    ])
    t.match((await at(20)).at(-1), { level: 'warn' })
    t.match((await at(25)).at(-1), { level: 'fail', remedy: 'renew it now' })
    t.match((await at(31)).at(-1), { level: 'fail', what: /has expired/ })
  },
)

t.test('an empty certificate directory is one failure', async (t) => {
  const certsDir = t.testdir({})
  const found = await certificateFindings({ certsDir, definition: definitionOf(''), now: Date.now })
  t.match(found, [{ level: 'fail' }])
  t.equal(found.length, 1)
})

t.test(
  'targets that answer are counted, one that does not is named, all silent are one line',
  async (t) => {
    const server = createServer()
    const open = await listening(server)
    t.teardown(() => server.close())
    const [shut, other] = [await closedPort(), await closedPort()]
    const definition = definitionOf(`
  - { service: Up, host: a, to: 'http://127.0.0.1:${open}' }
  - { service: Down, host: b, to: 'http://127.0.0.1:${shut}' }
  - { service: Gone, host: c, to: 'http://127.0.0.2:${shut}' }
  - { service: Too, host: d, to: 'http://127.0.0.2:${other}' }`)
    t.match(await targetFindings(definition, { timeoutMs: 300, now: Date.now }), [
      { level: 'warn', what: `127.0.0.1: 127.0.0.1:${shut} (Down): ECONNREFUSED` },
      { level: 'warn', what: '127.0.0.2: none of 2 accepts connections (ECONNREFUSED)' },
      { about: 'clock', level: 'warn', what: 'nobody to compare it with' },
    ])
  },
)

t.test('the clock is compared with the Date of the targets', async (t) => {
  const now = Date.parse('2026-11-20T12:00:00Z')
  const server = createHttpServer((_, res) => {
    res.setHeader('Date', 'Fri, 20 Nov 2026 12:00:00 GMT')
    res.end()
  })
  const port = await listening(server)
  t.teardown(() => server.close())
  const definition = definitionOf(`  - { service: A, host: a, to: 'http://127.0.0.1:${port}' }\n`)
  const at = async (skewMs: number) =>
    (await targetFindings(definition, { timeoutMs: 2000, now: () => now + skewMs })).at(-1)
  t.match(await at(900), { about: 'clock', level: 'ok' })
  t.match(await at(10_000), { level: 'warn', what: '10 s ahead of a backend' })
  t.match(await at(-90_000), { level: 'fail', what: /^9[01] s behind a backend$/ })
})

t.test('what others may read or write is named with the command that mends it', async (t) => {
  const directory = t.testdir({ data: {} })
  const config = configIn(directory, head)
  writeFileSync(join(directory, 'gatehouse.env'), '')
  chmodSync(join(directory, 'data'), 0o755)
  chmodSync(join(directory, 'routes.yaml'), 0o666)
  chmodSync(join(directory, 'gatehouse.env'), 0o644)
  const found = (await storageFindings(config, null)).filter(({ about }) => about !== 'disk')
  t.match(found, [
    { level: 'warn', remedy: `chmod 700 ${directory}/data` },
    { level: 'fail', remedy: `chmod o-w ${directory}/routes.yaml` },
    { level: 'warn', remedy: `chmod 600 ${directory}/gatehouse.env` },
  ])
  chmodSync(join(directory, 'data'), 0o700)
  chmodSync(join(directory, 'routes.yaml'), 0o644)
  chmodSync(join(directory, 'gatehouse.env'), 0o600)
  const mended = (await storageFindings(config, null)).filter(({ about }) => about !== 'disk')
  t.match(mended, [{ level: 'ok', what: /ours alone/ }])
})

async function run(directory: string, table: string) {
  const output = createOutput()
  const config = configIn(directory, table, { https: 'off' })
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 })
  const options = {
    config,
    offline: true,
    timeout: null,
    userId: null,
    memoryLimitBytes: 0,
    now: Date.now,
    write: output.write,
  }
  return { config, output, options }
}

t.test(
  'the exit code is 1 when something failed, and every line that is not ok has a remedy',
  async (t) => {
    const { options, output } = await run(t.testdir(), 'version: 1\n')
    t.equal(await doctor({ ...options, asJson: false }), 1)
    const lines = output.text().trimEnd().split('\n')
    t.match(lines[0], /^FAIL {2}table/)
    t.match(lines[1], /→ "gatehouse check" names them/)
    t.match(lines.at(-1), /^1 failed, /)
  },
)

t.test('--json carries the findings', async (t) => {
  const { options, output } = await run(t.testdir(), head)
  t.equal(await doctor({ ...options, asJson: true }), 0)
  const report = JSON.parse(output.text())
  t.match(report, { failed: 0, findings: [{ level: 'ok', about: 'table' }] })
  t.ok(
    report.findings.some(({ about }: { about: string }) => about === 'network'),
    'says what was left out',
  )
})

t.test('a table that was not taken over yet is noticed', async (t) => {
  const directory = t.testdir()
  const { config, options, output } = await run(directory, head)
  await writeSnapshot(
    config.snapshotFile,
    definitionOf("  - { service: A, host: a, to: 'http://127.0.0.1:1' }\n"),
    'x',
  )
  await doctor({ ...options, asJson: false })
  t.match(output.text(), /warn {2}snapshot .*differs from the file/)
})

t.test('a timeout that is no number of seconds is refused', async (t) => {
  const { options } = await run(t.testdir(), head)
  for (const timeout of ['0', '61', 'x', '1.5'])
    await t.rejects(doctor({ ...options, timeout, asJson: false }), { code: 'doctor-timeout' })
})

t.test('work is bounded and its results are in order', async (t) => {
  let running = 0
  let most = 0
  const results = await inParallel([1, 2, 3, 4, 5, 6, 7], 3, async (n) => {
    running += 1
    most = Math.max(most, running)
    await new Promise(setImmediate)
    running -= 1
    return n * n
  })
  t.strictSame(results, [1, 4, 9, 16, 25, 36, 49])
  t.equal(most, 3)
  t.equal(listed(['a', 'b', 'c'], 2), 'a, b and 1 more')
})
