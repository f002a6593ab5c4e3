// The attack: a public page at the root, a private one below it, one backend that does not tell upper from lower case
// (Express by default, IIS, most file systems of Windows and macOS). `/ADMIN` is no route's, so it is the public page's,
// and the backend serves /admin. (CWE-178; the class of CVE-2026-27587 and Authelia CVE-2026-48794, there in the host.)

import t from 'tap'
import { publicRow, recordingBackend, request, startEdge, statuses } from '../fixtures/edge.ts'

const backend = await recordingBackend()
t.teardown(() => backend.close())
const to = `to: 'http://127.0.0.1:${backend.port}'`
const edge = await startEdge(t, [
  publicRow(
    'app',
    backend.port,
    'sharesUpstreamWith: [app/admin, app/Mixed, app/Upper, app/école]',
  ),
  `  - { host: app, path: /admin, ${to} }`,
  `  - { host: app, path: /Mixed, ${to} }`,
  `  - { host: app, path: /Upper, ${to} }`,
  `  - { host: app, path: /école, ${to} }`,
  publicRow(
    'app, path: /mixed',
    backend.port,
    'sharesUpstreamWith: [app/admin, app/Mixed, app/Upper, app/école]',
  ),
])

async function status(path: string): Promise<number | undefined> {
  return statuses(await edge.exchange(request(`GET ${path}`, 'Connection: close')))[0]
}

t.test('another case of a private path is refused, not public', async (t) => {
  for (const path of ['/ADMIN', '/Admin/x', '/aDMIN?x', '/%41dmin', '//ADMIN']) {
    const before = backend.requests.length
    t.equal(await status(path), 400, path)
    t.equal(backend.requests.length, before, path)
  }
  t.equal(await status('/admin'), 401)
})

t.test('the private path itself may be the one in upper case, or have an accent', async (t) => {
  for (const path of ['/upper', '/UPPER/x', '/%C3%89cole', '/e%CC%81cole/x']) {
    const before = backend.requests.length
    t.equal(await status(path), 400, path)
    t.equal(backend.requests.length, before, path)
  }
  t.equal(await status('/Upper/x'), 401)
  t.equal(await status('/%C3%A9cole'), 401)
  t.equal(await status('/ecole'), 200)
})

t.test('upper case elsewhere is nothing special', async (t) => {
  for (const path of ['/Photos/IMG_1.JPG', '/administrator', '/Administrator', '/x/ADMIN']) {
    t.equal(await status(path), 200, path)
  }
})

t.test('a table that has both spellings means both', async (t) => {
  t.equal(await status('/mixed/A'), 200)
  t.equal(await status('/Mixed/A'), 401)
})
