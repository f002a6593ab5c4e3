// Files that go bad under a running gateway: whatever stands in the place of the table, certificates that vanish.

import { execFileSync } from 'node:child_process'
import { mkdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { http1 } from '../fixtures/clients.ts'
import { startGateway, type TestGateway, testDomain } from '../fixtures/gateway.ts'

const row = (message: string) =>
  `- { host: app, to: { status: 418, message: '${message}' }, access: public }`

async function says(gateway: TestGateway): Promise<string> {
  const { text } = await http1(gateway.https, {
    host: `app.${testDomain}`,
    tls: { ca: gateway.ca.certPem },
  })
  return text
}

t.test('whatever stands in the place of the table, the running one stays', async (t) => {
  const gateway = await startGateway({ routes: row('first') })
  t.teardown(() => gateway.close())
  const { routesFile, running, directory } = gateway
  const text = await readFile(routesFile)
  const places: Record<string, () => Promise<unknown>> = {
    'a directory': () => mkdir(routesFile),
    // Its opening would wait for a writer, and with it every later reload.
    'a FIFO': async () => execFileSync('mkfifo', [routesFile]),
    '/dev/zero': () => symlink('/dev/zero', routesFile),
    'a link to itself': () => symlink(routesFile, routesFile),
    'a file of 100 MB': async () => {
      await writeFile(routesFile, text)
      await truncate(routesFile, 100_000_000)
    },
    binary: () => writeFile(routesFile, Buffer.from([0, 0xff, 0xfe, 0x80, ...text, 0, 0xc0])),
    nothing: async () => {},
    'half of it': () => writeFile(routesFile, text.subarray(0, text.length / 2)),
  }
  for (const [name, put] of Object.entries(places)) {
    await rm(routesFile, { recursive: true, force: true })
    await put()
    const rejected = () =>
      gateway.events().filter(({ event }) => event === 'routes-rejected').length
    const before = rejected()
    await running.reload('signal')
    t.ok(rejected() > before, `${name} is said to be no table`)
    t.match(await says(gateway), 'first')
  }
  await rm(routesFile, { recursive: true, force: true })
  await gateway.writeRoutes(row('second'))
  await running.reload('signal')
  t.match(await says(gateway), 'second')
  t.match(await readFile(join(directory, 'data', 'routes.snapshot.json'), 'utf8'), 'second')
})

t.test('fifty reloads at once end with the newest text in force', async (t) => {
  const gateway = await startGateway({ routes: row('first') })
  t.teardown(() => gateway.close())
  const reloads: Promise<void>[] = []
  for (let i = 0; i < 50; i++) {
    if (i % 10 === 9) await gateway.writeRoutes(row(`text ${i}`))
    reloads.push(gateway.running.reload('signal'))
  }
  await Promise.all(reloads)
  t.match(await says(gateway), 'text 49')
})

t.test('certificates that vanish are served on, and taken again when they are back', async (t) => {
  const gateway = await startGateway({ routes: row('first') })
  t.teardown(() => gateway.close())
  const certs = join(gateway.directory, 'certs')
  await rename(certs, `${certs}.away`)
  await gateway.running.reload('signal')
  t.match(await says(gateway), 'first')
  t.match(JSON.stringify(gateway.events()), 'folder-unreadable')
  await rename(`${certs}.away`, certs)
  await gateway.running.reload('signal')
  t.match(await says(gateway), 'first')
})
