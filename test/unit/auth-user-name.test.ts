// Names of users: one spelling of each.

import t from 'tap'
import { parseUserName } from '../../src/auth/user-name.ts'

t.test('lower-case letters, digits, and inside also dot, hyphen and underscore', async (t) => {
  for (const text of ['diego', 'a', '0', 'd.n-m_1', 'x'.repeat(64)])
    t.equal(parseUserName(text), text)
})

t.test('every other spelling is no name', async (t) => {
  for (const text of [
    '',
    'Diego',
    ' diego',
    'diego ',
    'di ego',
    '.diego',
    '-diego',
    '_diego',
    'diego@example.com',
    'diego,admin',
    'die\u0000go',
    'die\ngo',
    'dıego',
    '\u212Aurt',
    'ｄiego',
    'x'.repeat(65),
    // Actors of the audit log.
    'cli',
    'gateway',
  ]) {
    t.equal(parseUserName(text), null, JSON.stringify(text))
  }
})
