// The admin weighs nothing before somebody opens it: none of it is loaded for what strangers, people and programs do elsewhere.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { adminOrigin, openAdmin, program, signedIn } from '../fixtures/admin-visitor.ts'
import { httpBackend } from '../fixtures/backends.ts'
import { http1 } from '../fixtures/clients.ts'
import { layOut, loginOrigin, testDomain } from '../fixtures/gateway.ts'
import { createPerson } from '../fixtures/person.ts'
import { eventually, visitor } from '../fixtures/wake-house.ts'

const root = join(import.meta.dirname, '../..')
const backend = await httpBackend((_request, response) => void response.end('ok'))
const laidOut = await layOut({
  routes: `
    - { host: open, to: '${backend.origin}', access: public, prefix: true, sharesUpstreamWith: [app/] }
    - { host: app, to: '${backend.origin}' }
  `,
  people: [
    {
      id: 'diego',
      groups: ['admin'],
      tokens: [{ label: 'all', scopes: ['admin:write'] }, { label: 'services' }],
    },
  ],
})
const { directory, config, ca, known } = laidOut
const list = join(directory, 'modules')
await writeFile(list, '')
const child = spawn(
  process.execPath,
  [
    ...[
      '--import',
      join(root, 'test/fixtures/list-modules.ts'),
      join(root, 'src/main.ts'),
      'serve',
    ],
    ...['--config', config.routesFile, '--certs', config.certsDir, '--data', config.dataDir],
    ...['--log', join(directory, 'access.log'), '--https', '127.0.0.1:0', '--public-port', '443'],
    ...['--http', 'off', '--ops', 'off'],
  ],
  // What the runner puts into the environment of children would load modules of its own.
  { env: { MODULE_LIST: list }, stdio: ['ignore', 'ignore', 'pipe'] },
)
let said = ''
child.stderr.setEncoding('utf8').on('data', (text: string) => {
  said += text
})
const exited = once(child, 'exit')
t.teardown(async () => {
  child.kill('SIGKILL')
  await exited
  await backend.close()
  await rm(directory, { recursive: true, force: true })
})
const port = () => Number(/^gatehouse .*https (\d+)/m.exec(said)?.[1] ?? 0)
await eventually(() => port() > 0, 'it starts')
const town = { https: port(), ca, known }

/** Modules of the main thread whose address has this in it. */
async function loaded(part: string): Promise<string[]> {
  const lines = (await readFile(list, 'utf8')).split('\n')
  return lines.filter((line) => line.startsWith('main ') && line.includes(part))
}
const parts = ['/src/admin/', '/serve-admin.ts', '/admin-routes.ts', '/routes-file/edit/']

t.test('whatever happens elsewhere, none of it is loaded', async (t) => {
  t.ok((await loaded('/src/gateway.ts')).length === 1, 'the list works')
  const nothing = async (after: string) => {
    for (const part of parts) t.same(await loaded(part), [], `${part} after ${after}`)
  }
  await nothing('the start')
  t.same(await loaded('/fastify/'), [], 'nor Fastify')
  t.same(await loaded('/zod/'), [], 'nor zod')
  const open = await http1(town.https, { host: `open.${testDomain}`, tls: { ca: ca.certPem } })
  t.equal(open.text, 'ok')
  t.equal((await visitor(town, 'diego').request(`https://app.${testDomain}/`)).text, 'ok')
  await nothing('requests')
  t.same(await loaded('/fastify/'), [])
  // Who may not come in loads nothing either.
  t.equal((await createPerson(town).request(`${adminOrigin}/api/v1/routes`)).status, 401)
  const services = program(town, known('diego').tokens.services ?? '')
  t.equal((await services.call('GET', '/api/v1/routes')).status, 401)
  await nothing('strangers at its door')
  const page = await signedIn(town, 'diego').visit(`${loginOrigin}/account`)
  t.equal(page.status, 200)
  await nothing('the login page')
})

t.test('the first one who opens it loads it', async (t) => {
  const admin = await openAdmin(town, 'diego')
  t.equal((await admin.call('GET', '/api/v1/routes')).status, 200)
  t.ok((await loaded('/src/admin/app.ts')).length === 1)
  for (const part of ['/routes-file/read.ts', '/routes-file/edit/change.ts']) {
    t.same(await loaded(part), [], `${part} stays in its thread`)
  }
})
