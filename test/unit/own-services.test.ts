// What the page of one's services lists, of a table with a bit of everything.

import t from 'tap'
import { ownServices } from '../../src/auth/own-services.ts'
import type { Identity, SessionRef, UserId } from '../../src/model.ts'
import { tableText } from '../fixtures/table-text.ts'
import { tableOf } from '../fixtures/tables.ts'

const now = Date.UTC(2026, 10, 21)

function servicesFor(groups: readonly string[], rows: readonly string[]) {
  const identity: Identity = {
    user: 'ana' as UserId,
    name: 'Ana Lima',
    email: null,
    groups,
    session: 'own-services' as SessionRef,
    via: 'session',
    passkey: true,
    secondFactor: true,
    authenticatedAt: now,
    mayWake: true,
  }
  const { routes } = tableOf(tableText(rows)).definition
  return ownServices(routes, identity, { now, publicPort: 443 })
}

t.test('one sees what one may open, and the admin under a name that says what it is', (t) => {
  const rows = [
    '{ service: Family, host: family, to: box:81, access: { groups: [family] } }',
    '{ service: Neighbour, host: neighbour, to: box:82, access: { users: [neighbour] } }',
    '{ service: Photos, host: photos, to: { landing: /in }, access: public }',
    '{ service: Photos, host: photos, path: /in, to: box:83 }',
  ]
  t.match(servicesFor(['family'], rows), [
    { name: 'Admin', place: 'proxy.example.com' },
    { name: 'Family', url: 'https://family.example.com/', isPublic: false },
    { name: 'Photos', url: 'https://photos.example.com/in' },
  ])
  t.equal(servicesFor(['family'], rows).length, 3)
  t.end()
})

t.test('parts of a service are not services', (t) => {
  const rows = [
    '{ service: Desk, host: desk, path: /desk, to: box:81 }',
    '{ service: Desk, host: desk, path: /desk/clock, to: box:81, wake: never }',
    '{ service: Other, host: desk, path: /desk/other, to: box:82 }',
    '{ service: Desk, host: desk, path: /desktop, to: box:83 }',
  ]
  t.strictSame(
    servicesFor([], rows).map(({ place }) => place),
    [
      'proxy.example.com',
      'desk.example.com/desk',
      'desk.example.com/desktop',
      'desk.example.com/desk/other',
    ],
  )
  t.end()
})

t.test(
  'what only the signed-in may open is listed though what is above it is for everyone',
  (t) => {
    const rows = [
      '{ service: Docs, host: docs, to: box:81, access: public }',
      '{ service: Docs, host: docs, path: /drafts, to: box:82 }',
    ]
    t.match(servicesFor([], rows).slice(1), [
      { place: 'docs.example.com', isPublic: true },
      { place: 'docs.example.com/drafts', isPublic: false },
    ])
    t.end()
  },
)

t.test('a visit that would not wake a machine is not said to', (t) => {
  const row = (name: string, wake: string) =>
    `{ service: ${name}, host: ${name}, to: box:81, wake: ${wake} }`
  const rows = [row('a', 'navigation'), row('b', 'never'), row('c', 'manual')]
  t.strictSame(
    servicesFor([], rows)
      .filter(({ name }) => name !== 'Admin')
      .map(({ wakes }) => wakes),
    [true, false, false],
  )
  t.end()
})
