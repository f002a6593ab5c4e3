// The attack: bodies, queries and paths that two readers read differently, or that reach behind an object: a name twice, `__proto__`,
// numbers that are text, megabytes, a thousand brackets. What has not one reading is refused whole.

import t from 'tap'
import { parseStrictJson } from '../../src/admin/json.ts'
import { startAdmin } from '../fixtures/admin-app.ts'

t.test('JSON has one reading, or none', (t) => {
  const good = [
    '{}',
    '{"a":{"a":[{"a":1},{"a":2}]},"b":"a"}',
    ' [ "a" , "a" ] ',
    '{"a":"\\"b\\":1,\\"b\\":2","c":"{\\"c\\":","d":"}"}',
    '"\\\\"',
    '{"\\u0061":1,"b":{"a":1}}',
  ]
  for (const text of good) t.same(parseStrictJson(Buffer.from(text)), JSON.parse(text), text)
  const bad = [
    '{"a":1,"a":2}',
    '{"a":1,"\\u0061":2}',
    '[{"x":{"a":[1,2],"b":{},"a":3}}]',
    '{"__proto__":{"admin":true}}',
    '{"\\u005f_proto__":1}',
    '{"a":{"__proto__":1}}',
    '',
    '{',
    '{"a":1}{',
    '\ufeff{}',
    "{'a':1}",
    '[1,]',
    '['.repeat(40) + ']'.repeat(40),
    `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`,
  ]
  for (const text of bad)
    t.throws(() => parseStrictJson(Buffer.from(text)), { code: 'bad-request' }, text)
  t.throws(() => parseStrictJson(Buffer.from([0x22, 0xff, 0x22])), { code: 'bad-request' })
  t.end()
})

t.test('such bodies change nothing and break nothing', async (t) => {
  const admin = await startAdmin(t)
  const browser = await admin.browser()
  const send = (body: string, headers: Record<string, string> = {}) =>
    browser.fetch('/api/v1/users', {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers },
    })
  const bad: readonly (readonly [string, number])[] = [
    ['{"id":"mallory","id":"bob"}', 400],
    ['{"id":"mallory","__proto__":{"groups":["admin"]}}', 400],
    ['{"id":"mallory","constructor":{"prototype":{"x":1}}}', 422],
    ['{"id":"mallory","disabled":false}', 422],
    ['{"id":["mallory"]}', 422],
    ['{"id":"Mallory"}', 422],
    ['{"id":"cli"}', 422],
    ['{"id":"mallory","groups":{"length":1,"0":"admin"}}', 422],
    ['{"id":"mallory","groups":["a,b"]}', 422],
    ['{"id":"mallory","groups":["a","a"]}', 422],
    ['{"id":"mallory","displayName":"a\\nb"}', 422],
    ['{"id":"mallory","email":"x"}', 422],
    ['[]', 422],
    ['null', 422],
    ['"id=mallory"', 422],
    [`{"id":"${'m'.repeat(262_144)}"}`, 413],
    [`{"id":"mallory","displayName":"${'m'.repeat(200_000)}"}`, 422],
  ]
  for (const [body, status] of bad) t.equal((await send(body)).status, status, body.slice(0, 60))
  t.equal((await send('')).status, 400, 'nothing at all')
  t.equal(await admin.login.store.users.user('mallory' as never), null)
  t.equal(({} as { groups?: unknown }).groups, undefined)
})

t.test('queries and paths as well', async (t) => {
  const admin = await startAdmin(t)
  const browser = await admin.browser()
  const status = async (target: string) => (await browser.fetch(target)).status
  t.equal(await status('/api/v1/users?limit=2'), 200)
  const bad = [
    'limit=2&limit=3',
    'limit=2e0',
    'limit=02',
    'limit=+2',
    'limit=0',
    'limit=1001',
    'limit=',
    'limit[]=2',
    'limit=2%00',
    'limit=%zz',
    'limit=%ff',
    '__proto__=1',
    '__proto__[x]=1',
    'constructor=1',
    'cursor=e30',
    'cursor=x',
    `cursor=${'x'.repeat(5000)}`,
    'x=1',
    '&',
  ]
  for (const query of bad) {
    const code = await status(`/api/v1/users?${query}`)
    t.ok(code === 400 || code === 422, `${query.slice(0, 30)}: ${code}`)
  }
  for (const name of [
    '__proto__',
    'constructor',
    'hasOwnProperty',
    'ADA',
    'ada%20',
    '%61da%00',
    'x'.repeat(3000),
    '..',
    '%2e%2e',
  ]) {
    const code = await status(`/api/v1/users/${name}`)
    t.ok(code === 404 || code === 400 || code === 414, `${name.slice(0, 20)}: ${code}`)
  }
  t.equal(await status('/api/v1/users/%61da'), 200, 'the same name in another spelling of the URL')
})
