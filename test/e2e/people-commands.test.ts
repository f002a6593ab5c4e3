// The commands for people as a shell starts them: beside a gateway that runs, where every change is in force when the
// command returns, and without one.

import { spawn } from 'node:child_process'
import { chownSync, lstatSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { controlPath } from '../../src/control.ts'
import { httpBackend, webSocketBackend } from '../fixtures/backends.ts'
import { http1 } from '../fixtures/clients.ts'
import { loginOrigin, startGateway, type TestGateway, testDomain } from '../fixtures/gateway.ts'
import { cookieOf, type KnownPerson, sessionCookie } from '../fixtures/people.ts'
import { createPerson } from '../fixtures/person.ts'

const main = join(dirname(dirname(import.meta.dirname)), 'src/main.ts')

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly error: string
}

/** Runs a line of shell on a gateway's directory. */
async function shell(directory: string, words: readonly string[]): Promise<Ended> {
  const places = ['--config', directory, '--data', join(directory, 'data')]
  // The runner puts variables of its own into every child's environment, and what they load fails for another user.
  const child = spawn('/usr/bin/env', ['-i', process.execPath, main, ...places, ...words], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const [out, error] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { code: await ended, out, error }
}

const backend = await httpBackend((req, res) => {
  res.end(`${req.headers['remote-user'] ?? 'nobody'} in ${req.headers['remote-groups'] ?? ''}`)
})
const sockets = await webSocketBackend()
t.teardown(() => Promise.all([backend.close(), sockets.close()]))
const routes = `
- { service: App, host: app, to: '${backend.origin}' }
- { service: Family, host: family, to: '${backend.origin}', access: { groups: [family] }, sharesUpstreamWith: [app] }
- { service: Chat, host: chat, to: '${sockets.origin}', webSocket: true }
`
const people = ['ana', 'bob', 'carl', 'dora', 'eve'].map((id) => ({ id }))

async function start(t: Test, directory?: string): Promise<TestGateway> {
  const old = directory === undefined ? {} : { directory }
  const gateway = await startGateway({ routes, ...(directory === undefined ? { people } : old) })
  t.teardown(gateway.close)
  return gateway
}

async function get(
  gateway: TestGateway,
  host: string,
  headers: Record<string, string>,
): Promise<{ status: number; text: string }> {
  const tls = { ca: gateway.ca.certPem }
  return http1(gateway.https, { host: `${host}.${testDomain}`, headers, tls })
}

const as = (person: KnownPerson) => ({ cookie: cookieOf(person) })

/** A WebSocket of somebody who is signed in. */
function chatOf(gateway: TestGateway, person: KnownPerson) {
  const visitor = createPerson(gateway)
  const { token: value } = person.session
  visitor.jar.put({ name: sessionCookie, value, domain: testDomain, hostOnly: false })
  return visitor.webSocket(`https://chat.${testDomain}/`)
}

t.test('beside a gateway that runs, a change is in force when the command returns', async (t) => {
  const gateway = await start(t)
  const { directory } = gateway
  const run = (...words: string[]) => shell(directory, words)
  const status = async (host: string, headers: Record<string, string>) =>
    (await get(gateway, host, headers)).status

  await t.test('a new person has a link to where the login page really is', async (t) => {
    const { code, out, error } = await run('user', 'add', 'gina', '--name', 'Gina Ñ')
    t.equal(error, '')
    t.equal(code, 0)
    t.notMatch(out, 'none does now')
    const link = /^ {2}(https:\S+)$/m.exec(out)?.[1] ?? ''
    t.ok(link.startsWith(`${loginOrigin}/enrol/`), link)
    const browser = createPerson(gateway)
    for (const time of ['a preview', 'the person']) {
      t.match(await browser.visit(link), { status: 200, words: /Gina Ñ/ }, time)
    }
    t.match(await run('user', 'link', 'gina'), { code: 0, out: /\/enrol\// })
    t.not((await browser.visit(link)).status, 200, 'the older link leads nowhere')
  })

  await t.test('a session that is revoked ends, and its WebSocket with it', async (t) => {
    const ana = gateway.known('ana')
    const chat = await chatOf(gateway, ana)
    t.equal(await status('app', as(ana)), 200)
    const list = await run('session', 'list')
    t.match(list.out, new RegExp(`^${ana.session.ref} +ana `, 'm'))
    t.match(await run('session', 'revoke', ana.session.ref), { code: 0, out: 'Ended 1 session.\n' })
    const returned = performance.now()
    t.equal(await status('app', as(ana)), 401)
    await chat.closed
    t.ok(performance.now() - returned < 1_000, 'within a second')
    t.equal(await status('app', as(gateway.known('bob'))), 200, 'the others stay')
    t.match(await run('session', 'revoke', ana.session.ref), { code: 1, error: /no session/ })
  })

  await t.test('groups count at once', async (t) => {
    const bob = gateway.known('bob')
    t.equal(await status('family', as(bob)), 403)
    t.match(await run('user', 'groups', 'bob', 'family'), { code: 0 })
    t.match(await get(gateway, 'family', as(bob)), { status: 200, text: 'bob in family' })
    t.match(await run('user', 'groups', 'bob', ''), { code: 0 })
    t.equal(await status('family', as(bob)), 403)
  })

  await t.test('a token opens what it is for, until it is revoked', async (t) => {
    const words = ['--user', 'bob', '--label', 'sync', '--hosts', `app.${testDomain}`]
    const made = await run('token', 'add', ...words, '--json')
    t.equal(made.error, '')
    const { token, id } = JSON.parse(made.out)
    const bearer = { authorization: `Bearer ${token}` }
    t.match(await get(gateway, 'app', bearer), { status: 200, text: /^bob/ })
    t.not(await status('chat', bearer), 200, 'another host')
    t.match(await run('token', 'list'), { out: new RegExp(`^${id} +bob +sync +app\\.`, 'm') })
    t.match(await run('token', 'revoke', '--', id), { code: 0, out: 'Revoked 1 token.\n' })
    t.equal(await status('app', bearer), 401)
    const odd = ['--user', 'bob', '--label', 'sync', '--hosts']
    t.match(await run('token', 'add', ...odd, `ap.${testDomain}`), {
      code: 0,
      error: `note: no route of the table has the host ap.${testDomain}`,
    })
    t.match(await run('token', 'add', ...odd, 'app'), { code: 2, error: 'such as app.example.com' })
    t.match(await run('token', 'revoke', '--user', 'bob'), { code: 0 })
  })

  await t.test('a disabled person is out, tokens too, and enabled is not signed in', async (t) => {
    const carl = gateway.known('carl')
    const made = await run('token', 'add', '--user', 'carl', '--label', 'x', '--json')
    const bearer = { authorization: `Bearer ${JSON.parse(made.out).token}` }
    t.equal(await status('app', bearer), 200)
    t.match(await run('user', 'disable', 'carl'), { code: 0, out: /ended 1 session/ })
    t.same([await status('app', as(carl)), await status('app', bearer)], [401, 401])
    t.match(await run('user', 'enable', 'carl'), { code: 0 })
    t.same([await status('app', as(carl)), await status('app', bearer)], [401, 200])
  })

  await t.test('a person who is reset or removed is out', async (t) => {
    const [dora, eve] = [gateway.known('dora'), gateway.known('eve')]
    t.same([await status('app', as(dora)), await status('app', as(eve))], [200, 200])
    t.match(await run('user', 'reset', 'dora'), { code: 0, out: /\/enrol\// })
    t.match(await run('user', 'remove', 'eve'), { code: 2, error: /--yes: is missing/ })
    t.same([await status('app', as(dora)), await status('app', as(eve))], [401, 200])
    t.match(await run('user', 'remove', 'eve', '--yes'), { code: 0 })
    t.equal(await status('app', as(eve)), 401)
  })

  await t.test('bans are asked of the gateway', async (t) => {
    t.match(await run('bans', 'list'), { code: 0, out: 'No network is banned.\n' })
    t.match(await run('bans', 'lift', '192.0.2.1'), { code: 1, error: /is not banned/ })
  })

  await t.test('panic ends everything', async (t) => {
    const bob = gateway.known('bob')
    const chat = await chatOf(gateway, bob)
    t.match(await run('panic'), { code: 2 })
    t.equal(await status('app', as(bob)), 200)
    t.match(await run('panic', '--yes'), { code: 0, out: /^Ended 1 session, 1 token, / })
    t.equal(await status('app', as(bob)), 401)
    await chat.closed
    t.match(await run('session', 'list'), { out: 'Nobody is signed in.\n' })
  })
})

t.test(
  'without a gateway the files are all there is, and the next start finds the change',
  async (t) => {
    const first = await start(t)
    const { directory } = first
    const [ana, bob] = [first.known('ana'), first.known('bob')]
    await first.stop()
    const run = (...words: string[]) => shell(directory, words)
    t.match(await run('user', 'add', 'gina', '--json'), { code: 0, error: '' })
    t.match(await run('session', 'revoke', '--user', 'ana'), { code: 0 })
    t.match(await run('user', 'groups', 'bob', 'family'), { code: 0 })
    t.match(await run('bans', 'list'), { code: 1, error: /no gateway runs/ })
    const second = await start(t, directory)
    t.equal((await get(second, 'app', as(ana))).status, 401)
    t.equal((await get(second, 'family', as(bob))).status, 200)
    t.match(await run('user', 'list'), { code: 0, out: /^gina +nothing +never$/m })
  },
)

t.test('several commands at once, beside the gateway, do not lose each other', async (t) => {
  const { directory } = await start(t)
  const names = ['p1', 'p2', 'p3', 'p4']
  const ended = await Promise.all(names.map((name) => shell(directory, ['user', 'add', name])))
  for (const { code, error } of ended) t.same([code, error], [0, ''])
  const { out } = await shell(directory, ['user', 'list'])
  for (const name of names) t.match(out, new RegExp(`^${name} `, 'm'))
})

/** A directory with a table and nothing else; its path fits a socket's address. */
function emptyHouse(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-shell-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const login = '{ service: Login, host: auth, to: login, access: public }'
  const table = `version: 1\ndomain: ${testDomain}\nroutes:\n  - ${login}\n`
  writeFileSync(join(directory, 'routes.yaml'), table)
  return directory
}

t.test('before the first start there is nobody to list, and somebody can be added', async (t) => {
  const directory = emptyHouse(t)
  t.match(await shell(directory, ['user', 'list']), { code: 1, error: /no data directory/ })
  const added = await shell(directory, ['user', 'add', 'ana', '--admin'])
  t.match(added, { code: 0, error: '' })
  t.match(added.out, `data directory ${join(directory, 'data')}; none does now`)
  t.match(await shell(directory, ['user', 'list']), { code: 0, out: /^ana +admin/m })
  const modes = readdirSync(join(directory, 'data')).map((name) => [
    name,
    lstatSync(join(directory, 'data', name)).mode & 0o077,
  ])
  t.same(modes, [
    ['gatehouse.db', 0],
    ['gatehouse.key', 0],
  ])
})

t.test('mistakes exit with 2 and failures with 1, on standard error alone', async (t) => {
  const directory = emptyHouse(t)
  t.match(await shell(directory, ['user']), { code: 2, out: '', error: /needs one of add, list/ })
  t.match(await shell(directory, ['user', 'add', 'Ana', '--expires', 'x']), {
    code: 2,
    out: '',
    error: /--expires: [\s\S]*"Ana": [\s\S]*2 mistakes; nothing was done\.\n$/,
  })
  await shell(directory, ['user', 'add', 'ana'])
  t.match(await shell(directory, ['user', 'link', 'anna']), {
    code: 1,
    out: '',
    error: 'gatehouse: error: there is no user "anna"; did you mean ana?\n',
  })
})

t.test('a gateway that does not confirm is told of, and the change is written', async (t) => {
  const directory = emptyHouse(t)
  await shell(directory, ['user', 'add', 'ana'])
  const path = controlPath(join(directory, 'data'))
  const hanging = createServer((socket) => {
    socket.on('data', (chunk) => {
      if (`${chunk}`.includes('hello')) socket.end('{"ok":true,"loginOrigin":"https://x.test"}\n')
      else socket.end('{"ok":false,"error":"store-unavailable"}\n')
    })
  })
  await new Promise<void>((resolve) => hanging.listen(path, resolve))
  t.teardown(() => hanging.close())
  t.match(await shell(directory, ['user', 'disable', 'ana']), {
    code: 1,
    out: /^Disabled ana/,
    error: /did not confirm it \(store-unavailable\)/,
  })
  t.match(await shell(directory, ['user', 'list']), { code: 0, out: /DISABLED/ })
})

t.test(
  'what root makes in the directory of a service belongs to the service',
  { skip: process.getuid?.() === 0 ? false : 'root alone can become somebody else' },
  async (t) => {
    const directory = emptyHouse(t)
    const data = join(directory, 'data')
    const service = 47_011
    await shell(directory, ['user', 'add', 'ana'])
    for (const path of [directory, data]) chownSync(path, service, service)
    for (const name of readdirSync(data)) chownSync(join(data, name), service, service)
    // Only root can read it; it is read before root becomes the service.
    writeFileSync(join(directory, 'htpasswd'), 'bob:{SHA}x\n', { mode: 0o600 })
    const owners = () => new Set(readdirSync(data).map((name) => lstatSync(join(data, name)).uid))
    t.match(await shell(directory, ['user', 'add', 'carl']), { code: 0, error: '' })
    t.match(await shell(directory, ['user', 'import', join(directory, 'htpasswd')]), {
      code: 1,
      out: /Added 1 user/,
    })
    t.match(await shell(directory, ['key', 'rotate']), { code: 0 })
    t.same([...owners()], [service])
    for (const name of readdirSync(data)) rmSync(join(data, name))
    t.match(await shell(directory, ['user', 'add', 'dora']), { code: 0 })
    t.same([...owners()], [service], 'a new database too')
    t.ok(readdirSync(data).includes('gatehouse.key'))
  },
)
