// A machine's `command:` names programs that the gateway runs as itself. Attack: whoever has a token for routes, or an administrator's
// session for a moment, writes one into the table through the admin: a shell, and with it every key and record. Programs that
// are there stay, may be taken away, and may not be swapped; a new one is written by whoever is on the machine. Nor does a table
// send the gateway's own secrets anywhere.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openAdmin, program, textAt, valueAt } from '../fixtures/admin-visitor.ts'
import { startGateway } from '../fixtures/gateway.ts'

const file = '/api/v1/routes/file'
const gateway = await startGateway({
  routes: '- { host: app, to: "http://127.0.0.1:9", access: public, prefix: true }',
  settings: `vms:
  lab:
    address: 127.0.0.1
    power: { command: { start: [/bin/true, a], stop: [/bin/true, b], state: [/bin/echo, stopped] } }`,
  people: [
    { id: 'diego', groups: ['admin'], tokens: [{ label: 'routes', scopes: ['routes:write'] }] },
  ],
  secrets: { ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'), OCI_KEY: 'key', OTHER: 'x' },
})
t.teardown(() => gateway.close())
const token = program(gateway, gateway.known('diego').tokens.routes ?? '')
const browser = await openAdmin(gateway, 'diego')
const first = await token.call('GET', file)
const text = textAt(first, 'text')
const mark = join(gateway.directory, 'ran')

const edits: Readonly<Record<string, string>> = {
  'another program': text.replace('/bin/echo, stopped', `/usr/bin/touch, ${mark}`),
  'another argument': text.replace('/bin/true, a', '/bin/true, c'),
  'one more step': text.replace('stop: [', `softStop: [/usr/bin/touch, ${mark}], stop: [`),
  'one machine’s stop for its start': text.replace('/bin/true, a', '/bin/true, b'),
  'another machine': text.replace(
    'vms:\n',
    `vms:\n  x: { address: 127.0.0.1, power: { command: { start: [/bin/true], stop: [/bin/true], state: [/usr/bin/touch, ${mark}] } } }\n`,
  ),
  'a machine’s programs for another': text.replace('  lab:\n', '  other:\n'),
}

for (const [what, edit] of Object.entries(edits)) {
  t.test(`${what} is refused, to a token and at a browser`, async (t) => {
    t.not(edit, text)
    for (const caller of [token, browser]) {
      const body = { text: edit }
      const saved = await caller.call('PUT', file, { body, ifMatch: first.etag })
      t.equal(saved.status, 422, saved.text)
      t.equal(valueAt(saved, 'preview', 'problems', 0, 'code'), 'vm-command')
      const shown = await caller.call('POST', '/api/v1/routes/preview', {
        body: { change: { kind: 'text', text: edit } },
      })
      t.equal(valueAt(shown, 'problems', 0, 'code'), 'vm-command', 'and it is said beforehand')
    }
    t.equal((await token.call('GET', file)).etag, first.etag)
    t.notOk(existsSync(mark))
  })
}

t.test('what is there stays while something else changes, and may go', async (t) => {
  const other = text.replace('access: public, prefix: true', 'access: login')
  const saved = await token.call('PUT', file, { body: { text: other }, ifMatch: first.etag })
  t.equal(saved.status, 200, saved.text)
  const slower = other.replace('state: [', 'timeout: 5s, state: [')
  const again = await token.call('PUT', file, { body: { text: slower }, ifMatch: saved.etag })
  t.equal(again.status, 200, again.text)
  const none = slower.replace(/vms:[\s\S]*?(?=routes:)/, '')
  const gone = await token.call('PUT', file, { body: { text: none }, ifMatch: again.etag })
  t.equal(gone.status, 200, gone.text)
  const history = await token.call('GET', '/api/v1/routes/history')
  const id = textAt(history, 'items', 1, 'id')
  const back = await token.call('POST', `/api/v1/routes/history/${id}/restore`, {
    body: {},
    ifMatch: gone.etag,
  })
  t.equal(back.status, 422, 'an earlier text is no way round it')
})

t.test('the keys of the database and of the cloud are no header of a backend', async (t) => {
  const now = await token.call('GET', file)
  const send = (value: string) =>
    textAt(now, 'text').replace(
      'access: login',
      `access: login, requestHeaders: { set: { X-A: ${value} } }`,
    )
  for (const name of ['ENCRYPTION_KEY', 'encryption_key', 'ENCRYPTION_KEY_PREVIOUS', 'OCI_KEY']) {
    const body = { text: send(`{ secret: ${name} }`) }
    const saved = await token.call('PUT', file, { body, ifMatch: now.etag })
    t.equal(saved.status, 422, `${name}: ${saved.text}`)
  }
  const told = {
    alerts: `alerts: [{ webhook: 'https://192.0.2.1/', token: { secret: OCI_KEY } }]\n`,
  }
  const body = { text: told.alerts + textAt(now, 'text') }
  t.equal((await token.call('PUT', file, { body, ifMatch: now.etag })).status, 422)
  const good = { text: send('{ secret: OTHER }') }
  t.equal((await token.call('PUT', file, { body: good, ifMatch: now.etag })).status, 200)
})
