// What the admin says would happen to an address: the gateway's own word, for a person or a stranger.

import t from 'tap'
import { explainForPerson } from '../../src/explain/for-person.ts'
import type { Identity, SessionRef, UserId } from '../../src/model.ts'
import { tableText } from '../fixtures/table-text.ts'
import { tableOf } from '../fixtures/tables.ts'

const table = tableOf(
  tableText([
    '{ host: open, to: box:1, access: public }',
    '{ host: mine, to: box:2 }',
    '{ host: family, to: box:3, access: { groups: [family] } }',
    '{ host: near, to: box:4, access: public, clients: { allow: [10.0.0.0/8] } }',
    '{ host: off, to: box:5, disabled: true }',
    '{ host: page, to: { status: 410 }, access: public }',
    '{ host: share, to: box:6, access: [{ methods: [GET], paths: [/s/*], access: public }, { access: login }] }',
  ]),
)

const diego: Identity = {
  user: 'diego' as UserId,
  name: 'Diego',
  email: null,
  groups: ['admin'],
  session: 'explain' as SessionRef,
  via: 'session',
  passkey: true,
  secondFactor: true,
  authenticatedAt: 0,
  mayWake: true,
}

t.test('each outcome has its word and the route that takes the request', async (t) => {
  for (const [url, method, identity, outcome, route] of [
    ['https://open.example.com/', 'GET', null, 'allow', 'open/'],
    ['open.example.com', 'GET', null, 'allow', 'open/'],
    ['https://page.example.com/', 'GET', null, 'allow', 'page/'],
    ['https://mine.example.com/x?y', 'GET', null, 'sign-in', 'mine/'],
    ['https://mine.example.com/x?y', 'GET', diego, 'allow', 'mine/'],
    ['https://mine.example.com/', 'POST', diego, 'allow', 'mine/'],
    ['https://family.example.com/', 'GET', diego, 'deny', 'family/'],
    ['https://near.example.com/', 'GET', diego, 'deny', 'near/'],
    ['https://share.example.com/s/1', 'GET', null, 'allow', 'share/'],
    ['https://share.example.com/s/1', 'POST', null, 'sign-in', 'share/'],
    ['https://off.example.com/', 'GET', diego, 'not-found', null],
    ['https://nowhere.example.com/', 'GET', diego, 'not-found', null],
    ['https://open.example.com/a/../b', 'GET', diego, 'deny', null],
  ] as const) {
    const answer = explainForPerson(table, { url, method, identity, client: null }, 443)
    t.match(answer, { outcome, route }, `${method} ${url}`)
  }
})

t.test('the client’s address counts', async (t) => {
  const question = { url: 'https://near.example.com/', method: 'GET', identity: null }
  t.match(explainForPerson(table, { ...question, client: '10.2.3.4' }, 443), { outcome: 'allow' })
  t.match(explainForPerson(table, { ...question, client: '192.0.2.1' }, 443), { outcome: 'deny' })
})

t.test('a route that is switched off is named', async (t) => {
  const url = 'https://off.example.com/'
  const answer = explainForPerson(table, { url, method: 'GET', identity: null, client: null }, 443)
  t.match(answer?.steps.join(' '), /switched off, line/)
})

t.test('what could not come here is no question', async (t) => {
  for (const [url, method] of [
    ['ftp://open.example.com/', 'GET'],
    ['', 'GET'],
    ['/path', 'GET'],
    ['https://open.example.com/', 'NO METHOD'],
    ['https://open.example.com/', ''],
  ] as const) {
    t.equal(explainForPerson(table, { url, method, identity: null, client: null }, 443), null)
  }
})
