// docs/sign-in.md says what the code does: its tables of the log, and its examples.

import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { readTable } from '../../src/routes-file/read.ts'

const root = new URL('../../', import.meta.url)
const docs = readFileSync(new URL('docs/sign-in.md', root), 'utf8')
const folder = new URL('src/auth/app/', root)
const sources = readdirSync(folder)
  .filter((name) => /^(github|provider)/.test(name))
  .map((name) => readFileSync(new URL(name, folder), 'utf8'))
  .join('\n')

t.test('every word of the log that is explained is one that the gateway writes', async (t) => {
  const part = docs.slice(docs.indexOf('### When it does not work'))
  const words = [...part.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([a-z-]+)…?`/g)].map(([, word = '']) => word),
  )
  t.ok(words.length > 15, 'the table was found')
  for (const word of words.filter((word) => word !== 'detail')) {
    const isWritten = [`'${word}'`, `\`${word}`, word.replaceAll('-', '_')].some((text) =>
      sources.includes(text),
    )
    t.ok(isWritten, word)
  }
})

t.test('the examples are without a problem in a table', async (t) => {
  const examples = [...docs.matchAll(/```yaml\n(login:[\s\S]*?)```/g)].map(([, text = '']) => text)
  t.equal(examples.length, 3)
  for (const login of examples) {
    const lists = /users|organisations|teams/.test(login) ? '' : '    users: [octocat]\n'
    const text = `version: 1
domain: example.com
${login.replace('clientId: …', 'clientId: Ov23li0123456789abcd')}${lists}
routes:
  - { service: Login, host: auth, to: login, access: public }
  - { service: Admin, host: proxy, to: admin, access: { groups: [admin] } }
`
    t.strictSame(readTable(text).problems, [], login)
  }
})

t.test('the examples of README are tables that check accepts', async (t) => {
  const readme = readFileSync(new URL('README.md', root), 'utf8')
  const [, table = ''] = /```yaml\n(version: 1[\s\S]*?)```/.exec(readme) ?? []
  const [, route = ''] = / {2}```yaml\n( {2}- host: vault[\s\S]*?) {2}```/.exec(readme) ?? []
  const [, machines = ''] = /```yaml\n(vms:[\s\S]*?)```/.exec(readme) ?? []
  t.ok(table !== '' && route !== '' && machines !== '', 'they were found')
  const asleep = table.replace(/^vms:\n(?: .*\n)+/m, () => machines)
  t.not(asleep, table)
  for (const text of [table, table + route, asleep]) {
    const codes = readTable(text).problems.map(({ code }) => code)
    // Of the backends' address, which is one of an example.
    t.strictSame([...new Set(codes)], ['plain-http'])
  }
})

t.test('every promise of SECURITY.md names tests, and they exist', async (t) => {
  const security = readFileSync(new URL('SECURITY.md', root), 'utf8')
  const promised = security.slice(
    security.indexOf('## What is promised'),
    security.indexOf('## What is not'),
  )
  const promises = promised.split(/^(?=\d+\. \*\*)/m).slice(1)
  t.ok(promises.length >= 21, `${promises.length} promises`)
  for (const promise of promises) {
    const [head = ''] = promise.split('**', 2)
    const names = [...promise.matchAll(/`test\/(\w+)\/([\w*-]+\.test\.ts)`/g)]
    t.ok(names.length > 0, `${head} names tests`)
    for (const [, folder = '', name = ''] of names) {
      const fits = new RegExp(`^${name.replaceAll('.', '\\.').replace('*', '.*')}$`)
      const there = readdirSync(new URL(`test/${folder}/`, root)).some((each) => fits.test(each))
      t.ok(there, `test/${folder}/${name}`)
    }
  }
})
