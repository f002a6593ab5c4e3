// user import: what is taken from Authelia's users file and from htpasswd files, and what is said of the rest.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { secretHash } from '../../src/auth/secret-text.ts'
import { readHtpasswd } from '../../src/cli/htpasswd.ts'
import { readAutheliaUsers } from '../../src/routes-file/authelia-users.ts'
import {
  createHouse,
  type House,
  idOf,
  secretOf,
  start,
  withStore,
} from '../fixtures/people-house.ts'

const argon = `$argon2id$v=19$m=65536,t=3,p=4$${'c2FsdHNhbHRzYWx0'}$${'aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g'}`
const bcrypt = `$2y$10$${'a'.repeat(53)}`
const sha512 = '$6$rounds=50000$abcdefgh$SECRETSECRET'

const authelia = `---
users:
  ana:
    disabled: false
    displayname: 'Ana Lima'
    password: '${argon}'
    email: 'ana@example.com'
    groups: ['admins', 'two words', 'dev']
    picture: 'https://example.com/a.png'
    address: { locality: Porto }
  Diego:
    disabled: true
    displayname: Diego
    password: '${bcrypt}'
    email: diego
    groups: []
  eve:
    displayname: 'Eve'
    password: '${sha512}'
  'x y':
    displayname: 'X'
    password: '${argon}'
  nobody: 7
`

function write(house: House, name: string, text: string): string {
  const file = join(house.directory, name)
  writeFileSync(file, text)
  return file
}

t.test(
  'people come over from Authelia with groups and passwords, and what does not is said',
  async (t) => {
    const house = createHouse(t)
    const file = write(house, 'users_database.yml', authelia)
    const outcome = await house.run(['user', 'import', file, '--json'])
    if (outcome.kind !== 'done') throw new Error(JSON.stringify(outcome))
    t.equal(outcome.code, 1, 'something was left behind')
    const rows = JSON.parse(outcome.out)
    t.match(rows, [
      { id: 'ana', displayName: 'Ana Lima', groups: ['admins', 'dev'], password: true },
      { id: 'diego', email: null, disabled: true, password: true, link: null },
      { id: 'eve', password: false, link: /\/enrol\// },
    ])
    t.equal(rows.length, 3)
    for (const sentence of [
      'users_database.yml:3: ana: "two words" cannot be a group',
      'users_database.yml:11: Diego is diego here: names are in lower case',
      'users_database.yml:11: diego: the e-mail address cannot be taken',
      'users_database.yml:17: eve: the password cannot be verified here ($6$); the link sets a new one',
      'users_database.yml:20: "x y" cannot be a user name, left out',
      'users.nobody: is no map',
    ]) {
      t.match(outcome.error, sentence)
    }
    t.notMatch(outcome.error, 'SECRET')
    await withStore(house, async ({ users }) => {
      t.match((await users.credentials(idOf('ana'))).password, { hash: argon })
      t.match((await users.credentials(idOf('diego'))).password, { hash: bcrypt })
      t.equal((await users.credentials(idOf('eve'))).password, null)
      t.match(await users.link(secretHash(secretOf(rows[0].link)), start), { user: 'ana' })
    })
  },
)

t.test('a second import changes nobody who is there', async (t) => {
  const house = createHouse(t)
  await house.json('user add ana --groups mine')
  const file = write(house, 'users.yml', `users: { ana: { displayname: A, password: '${argon}' } }`)
  t.match(await house.run(['user', 'import', file]), {
    code: 1,
    out: /^Added 0 users/,
    error: 'ana is there already: unchanged',
  })
  t.match(await house.json('user list'), [{ groups: ['mine'], password: false }])
})

t.test('people come over from an htpasswd file', async (t) => {
  const house = createHouse(t)
  const file = write(
    house,
    '.htpasswd',
    `# two\r\nana:${bcrypt}:a comment\r\n\nbob:{SHA}abc\nnonsense\n`,
  )
  t.match(await house.run(['user', 'import', file]), {
    code: 1,
    out: /Added 2 users from \.htpasswd\.\n {2}ana \(ana\), no groups, password taken\n {4}https:\/\/auth\.example\.com\/enrol\//,
    error: /:4: bob: the password cannot be verified here \(\{SHA\}\)/,
  })
  t.match(await house.run(['user', 'import', file]), { error: /\.htpasswd:5: is not name:hash/ })
  const clean = write(house, 'clean', `carl:${bcrypt}\n`)
  t.match(await house.run(['user', 'import', clean]), { code: 0, error: '' })
})

t.test('a file that is neither is refused as a whole', async (t) => {
  const house = createHouse(t)
  for (const [name, text] of [
    ['broken.yml', 'users: [\n'],
    ['other.yml', 'version: 1\n'],
    ['list.yml', 'users: []\n'],
    ['anchors.yml', 'users: { a: &x {}, b: *x }\n'],
    ['empty', ''],
    ['prose', 'hello\n'],
  ] as const) {
    const file = write(house, name, text)
    await t.rejects(house.run(['user', 'import', file]), { code: 'import-invalid' }, name)
  }
  for (const file of ['/nowhere/at/all', house.directory, '/dev/zero']) {
    await t.rejects(house.run(['user', 'import', file]), { code: 'import-unreadable' }, file)
  }
  t.same(await house.json('user list'), [])
})

t.test('two spellings of a name are one person, and the first counts', async (t) => {
  const house = createHouse(t)
  const file = write(house, 'h', `Ana:${bcrypt}\nana:${bcrypt.replaceAll('a', 'b')}\n`)
  t.match(await house.run(['user', 'import', file]), { error: /ana is there twice/ })
  await withStore(house, async ({ users }) => {
    t.match((await users.credentials(idOf('ana'))).password, { hash: bcrypt })
  })
})

t.test('odd values in the YAML harm nobody', async (t) => {
  const { users, problems } = readAutheliaUsers(`users:
  __proto__: { password: x, groups: a }
  constructor: { displayname: 7, groups: [a, [b], 3], email: { a: b }, disabled: 'no' }
  12: {}
`)
  t.match(users, [
    { name: '__proto__', hash: 'x', groups: [] },
    { name: 'constructor', displayName: '7', groups: ['a', '3'], email: null, disabled: true },
    { name: '12', hash: null, disabled: false },
  ])
  t.equal(problems.length, 3)
  t.ok(problems.every(({ severity }) => severity === 'warning'))
})

t.test('htpasswd lines are read as Apache reads them', async (t) => {
  t.match(readHtpasswd('a:h\n#b:h\n :h\nc:\n:h\nd:h:x:y'), {
    users: [
      { name: 'a', hash: 'h', line: 1 },
      { name: ' ', line: 3 },
      { name: 'd', hash: 'h' },
    ],
    badLines: [4, 5],
  })
})
