// src/cli/table-hosts.ts: hosts of a table, and those whose handshakes nobody can answer.

import t from 'tap'
import { hostsOf, uncoveredHosts } from '../../src/cli/table-hosts.ts'
import { readTable } from '../../src/routes-file/read.ts'

const { definition } = readTable(`version: 1
domain: example.com
routes:
  - { host: auth, to: login, access: public }
  - { service: Photos, host: photos, to: 'http://127.0.0.1:1' }
  - { service: Photos, host: photos, path: /x, to: 'http://127.0.0.1:1' }
  - { service: Rest, host: '*', to: { status: 404 }, access: public, prefix: true }
  - { service: Other, host: www.example.org, to: { status: 404 }, access: public }
`)
if (definition === null) throw new Error('the table of this test is wrong')

t.test('each host comes once, as a person writes it', async (t) => {
  const shown = hostsOf(definition).map((host) => host.shown)
  t.strictSame(shown, [
    'auth.example.com',
    'photos.example.com',
    '*.example.com',
    'www.example.org',
  ])
})

t.test('a host that no certificate covers is named, a wildcard too', async (t) => {
  t.strictSame(
    uncoveredHosts(definition, (host) => host === 'photos.example.com'),
    ['auth.example.com', '*.example.com', 'www.example.org'],
  )
  t.strictSame(
    uncoveredHosts(definition, (host) => host.endsWith('.example.com')),
    ['www.example.org'],
  )
})
