// The demo without its gateway: table, certificates, guide and each service on its own.

import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { openDemoCertificates } from '../../demo/certificate-store.ts'
import { cloudDirectory, demoInstance, startCloud } from '../../demo/cloud.ts'
import { openFirstPerson } from '../../demo/first-person.ts'
import { guide, trustCommand } from '../../demo/guide.ts'
import { freePort } from '../../demo/ports.ts'
import { fillTable, startServices } from '../../demo/services.ts'
import { secretHash } from '../../src/auth/secret-text.ts'
import { readTable } from '../../src/routes-file/read.ts'
import { openStoreIn } from '../../src/store/sqlite-store.ts'
import { createProvider } from '../../src/wake/providers/create.ts'
import { http1, http1Stream, rawClient } from '../fixtures/clients.ts'
import { openWebSocket } from '../fixtures/web-socket-client.ts'

const template = readFileSync(new URL('../../demo/routes.yaml', import.meta.url), 'utf8')

t.test('the table of the demo is good, without a warning', async (t) => {
  const services = await startServices()
  t.teardown(services.close)
  const values = new Map<string, number | string>([...services.ports, ['https', 8443]])
  for (const name of ['studio', 'cloud']) values.set(name, 9)
  const text = fillTable(template, values.set('ociconfig', "/home/it's me/config"))
  const { definition, problems } = readTable(text)
  t.same(problems, [])
  const open = definition?.routes.filter(({ policy }) => policy.kind !== 'public') ?? []
  t.same(
    open.map(({ id }) => id),
    [
      'proxy/',
      'private/',
      'talk/',
      'album/photos',
      'family/',
      'neighbour/',
      'safe/',
      'notes/',
      'studio/desk',
      'studio/desk/echo',
      'studio/desk/clock',
    ],
    'what is not public',
  )
  t.throws(() => fillTable('to: here:{nothing}', services.ports), /no service nothing/)
})

t.test('the certificates are made once, private, and again before they end', async (t) => {
  const dir = join(t.testdir(), 'demo')
  const now = Date.now()
  const first = await openDemoCertificates(dir, now)
  t.equal(first.caIsNew, true)
  const mode = (path: string) => statSync(join(dir, path)).mode & 0o777
  t.same([mode('.'), mode('certs')], [0o700, 0o700])
  t.same([mode('ca.key'), mode('certs/demo.key')], [0o600, 0o600])
  const leaf = () => readFileSync(join(dir, 'certs/demo.pem'), 'utf8')
  const firstLeaf = leaf()

  chmodSync(dir, 0o755)
  const second = await openDemoCertificates(dir, now)
  t.equal(mode('.'), 0o700)
  t.match(second, { caIsNew: false, caFingerprint: first.caFingerprint })
  t.equal(leaf(), firstLeaf)

  const later = await openDemoCertificates(dir, now + 61 * 86_400_000)
  t.match(later, { caIsNew: false, caFingerprint: first.caFingerprint })
  t.not(leaf(), firstLeaf, 'the server certificate had less than 30 days left')

  writeFileSync(join(dir, 'ca.key'), 'broken')
  const third = await openDemoCertificates(dir, now)
  t.equal(third.caIsNew, true)
  t.not(third.caFingerprint, first.caFingerprint)
})

t.test('the guide names ports, paths and one command to trust the CA', async (t) => {
  const facts = {
    https: 8444,
    http: 8080,
    ops: 9180,
    caFile: '/home/me/my demo/ca.pem',
    tableFile: 'routes.yaml',
    dataDir: '.demo/8444',
    logDir: 'log',
    person: { name: 'demo', link: 'https://auth.gatehouse.localhost:8444/enrol/x', has: 'nothing' },
    caFingerprint: Array(32).fill('AB').join(':'),
    caIsNew: true,
    bootSeconds: 12,
    notes: ['port 8443 is taken, so HTTPS is on 8444.'],
  }
  const text = guide({ ...facts, platform: 'linux' })
  t.match(text, 'Note: port 8443 is taken')
  t.match(text, "curl --cacert '/home/me/my demo/ca.pem' --http1.1")
  t.match(text, 'https://gatehouse.localhost:8444/')
  t.notMatch(text, /:8443\//)
  t.match(text, /Sign in {3}https:\/\/auth\.gatehouse\.localhost:8444\/enrol\/x\n/)
  t.match(text, /Admin {5}https:\/\/proxy\.gatehouse\.localhost:8444\/\n/)
  const later = guide({
    ...facts,
    platform: 'linux',
    person: { name: 'demo', link: null, has: '1 passkey' },
  })
  t.match(
    later,
    /Sign in {3}https:\/\/auth\.gatehouse\.localhost:8444\/\n.*as demo, with 1 passkey/,
  )
  t.notMatch(later, '/enrol/')
  t.match(trustCommand({ ...facts, platform: 'linux' }).command, /certutil -d sql:.* -i '\/home/)
  t.match(trustCommand({ ...facts, platform: 'darwin' }).command, /^security add-trusted-cert /)
  t.match(trustCommand({ ...facts, platform: 'win32' }).command, /"\/home\/me\/my demo\/ca.pem"$/)
})

t.test('the commands of the guide are ones a shell reads as meant', async (t) => {
  const text = guide({
    https: 8443,
    http: 8080,
    ops: 9180,
    caFile: '.demo/ca.pem',
    tableFile: 'routes.yaml',
    dataDir: '.demo/8443',
    logDir: 'log',
    person: { name: 'demo', link: null, has: '1 passkey' },
    caFingerprint: Array(32).fill('AB').join(':'),
    caIsNew: false,
    platform: 'linux',
    bootSeconds: 12,
    notes: [],
  })
  const commands = text.replaceAll('\\\n', '').match(/^ +(curl|head|npm) .*$/gm) ?? []
  t.ok(commands.length >= 11)
  for (const command of commands) {
    t.equal(spawnSync('sh', ['-n', '-c', command]).status, 0, command.trim())
  }
})

t.test('a taken port leads to the next one', async (t) => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const next = await freePort(address.port, [])
  t.ok(next > address.port && next < address.port + 20)
  t.not(await freePort(next, [next]), next, 'nor one that is promised')
})

t.test('every page is HTML under a policy that its own parts obey', async (t) => {
  const services = await startServices()
  t.teardown(services.close)
  const sites = [
    'welcome',
    'headers',
    'echo',
    'talk',
    'events',
    'upload',
    'private',
    'notes',
    'slow',
    'crash',
  ]
  for (const name of sites) {
    const port = services.ports.get(name) ?? 0
    const answer = await http1(port, {
      host: `${name}.gatehouse.localhost:8443`,
      headers: { 'x-a': '<script>' },
    })
    t.match(answer.headers['content-security-policy'], /script-src 'self'/, name)
    t.notMatch(answer.text, /<style|style=|<script>|onclick/, name)
    t.match(answer.text, 'href="https://gatehouse.localhost:8443/"', name)
    for (const [, file = ''] of answer.text.matchAll(/(?:src|href)="(\/\w+\.\w+)"/g)) {
      t.equal((await http1(port, { path: file })).status, 200, `${name}${file}`)
    }
  }
  const crash = services.ports.get('crash') ?? 0
  t.equal((await http1(crash, { path: '/../../package.json' })).text.includes('gatehouse"'), false)
})

t.test(
  'the first person is made once, and gets a new link until there is a credential',
  async (t) => {
    const dataDir = join(t.testdir(), 'data')
    const origin = 'https://auth.gatehouse.localhost:8443'
    const open = () => openFirstPerson({ dataDir, origin, now: Date.now(), randomBytes })
    const first = await open()
    t.match(first, {
      name: 'demo',
      has: 'nothing',
      link: /^https:\/\/auth\.[^/]+\/enrol\/[\w-]{43}$/,
    })
    const second = await open()
    t.match(second, { name: 'demo', link: /\/enrol\// })
    t.not(second.link, first.link)

    const log = { warn() {}, error() {} }
    const store = await openStoreIn({ dataDir, secret: () => null, log, busyMs: 1000 })
    const [user] = await store.users.users()
    if (user === undefined) throw new Error('there is nobody')
    t.match(user, { id: 'demo', groups: ['admin', 'family'] })
    const hashOf = (link: string | null) => secretHash(link?.split('/').at(-1) ?? '')
    t.equal(await store.users.link(hashOf(first.link), Date.now()), null, 'the older link is void')
    t.match(await store.users.link(hashOf(second.link), Date.now()), { user: 'demo' })
    await store.users.setPassword(user.id, 'x', Date.now())
    await store.close()
    t.match(await open(), { name: 'demo', link: null, has: 'password' })
  },
)

t.test('the services do what their pages say', async (t) => {
  const services = await startServices()
  t.teardown(services.close)
  const port = (name: string) => services.ports.get(name) ?? 0
  const socket = await openWebSocket(port('echo'), { path: '/socket' })
  t.match(await socket.next(), 'connected')
  socket.send('hello')
  t.equal(await socket.next(), 'hello')

  const events = await rawClient(port('events'))
  await events.send('GET /stream HTTP/1.1\r\nHost: x\r\n\r\n')
  await events.readUntil('"count":1')
  services.finish()
  t.match(await socket.closed, { code: 1001 })
  await events.readUntil('0\r\n\r\n')
  events.destroy()

  const sent = await http1(port('upload'), { method: 'PUT', body: 'abc' })
  t.match(JSON.parse(sent.text), { bytes: 3, sha256: /^ba7816bf/ })
  const got = await http1(port('upload'), { path: '/file?bytes=100001' })
  t.equal(got.body.length, 100_001)
  t.match((await http1(port('slow'), { path: '/answer?after=0' })).text, 'It took 0 seconds')
  await t.rejects(http1(port('crash'), { path: '/before' }), { code: 'ECONNRESET' })
  const half = await http1Stream(port('crash'), { path: '/within' })
  await t.rejects(async () => {
    for await (const _chunk of half) {
      // Read on until it breaks.
    }
  })
  await t.rejects(http1(port('crash'), { path: '/garbage' }), { code: /^HPE_/ })
  await t.rejects(http1(port('crash'), { path: '/die' }))
  await t.rejects(http1(port('crash')), { code: 'ECONNREFUSED' })
})

t.test('the machine that sleeps is a process that its cloud starts and stops', async (t) => {
  const said: string[] = []
  let heard = () => {}
  const cloud = await startCloud({
    directory: cloudDirectory(t.testdir()),
    bootMs: 300,
    say: (what) => {
      said.push(what)
      heard()
    },
  })
  t.teardown(cloud.close)
  const hears = async (what: string) => {
    while (!said.includes(what)) {
      await new Promise<void>((resolve) => {
        heard = resolve
      })
    }
  }
  const provider = createProvider(
    {
      kind: 'oci',
      instance: demoInstance,
      region: 'eu-frankfurt-1',
      configFile: cloud.configFile,
      profile: 'DEFAULT',
      endpoint: `http://127.0.0.1:${cloud.ports.cloud}`,
    },
    {
      secret: () => null,
      now: Date.now,
      after: (ms, run) => {
        const timer = setTimeout(run, ms)
        return () => clearTimeout(timer)
      },
      log: { debug() {}, info() {}, warn() {}, error() {} },
      environment: {},
      vm: 'studio',
    },
  )
  const clock = () => http1(cloud.ports.studio, { path: '/desk/clock' })
  t.equal(statSync(cloud.configFile).mode & 0o077, 0, 'nobody else reads the key')
  t.equal(await provider.state(), 'stopped')
  await t.rejects(clock(), { code: 'ECONNREFUSED' })
  await provider.start('a')
  await hears('boots')
  let answer = null
  while (answer === null) answer = await clock().catch(() => null)
  t.ok(JSON.parse(answer.text).awakeMs >= 200)
  const echo = await http1(cloud.ports.studio, {
    path: '/desk/echo',
    method: 'POST',
    body: 'hello',
  })
  t.match(echo.text, /^POST of 5 bytes, .*\nhello\n$/)
  await provider.softStop()
  await hears('is off')
  t.equal(await provider.state(), 'stopped')
  await t.rejects(clock(), { code: 'ECONNREFUSED' })
  t.strictSame(said, ['starts', 'boots', 'shuts down', 'is off'])
  await provider.start('b')
  await cloud.close()
  await t.rejects(clock(), { code: 'ECONNREFUSED' })
})
