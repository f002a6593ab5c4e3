// Did you mean?

import t from 'tap'
import { nearest } from '../../src/nearest.ts'

const words = ['check', 'explain', 'doctor', 'serve']

t.test('a word with one slip is recognised', async (t) => {
  for (const typo of ['chek', 'cehck', 'checkk', 'chick'])
    t.equal(nearest(typo, words), 'check', typo)
  t.equal(nearest('expalin', words), 'explain')
  t.equal(nearest('dctr', words), null, 'two letters of four are too many')
})

t.test('a stranger is not forced into the list', async (t) => {
  for (const word of ['', 'x', 'banana', 'status']) t.equal(nearest(word, words), null, word)
})

t.test('a very long word costs nothing', async (t) => {
  t.equal(nearest('x'.repeat(1_000_000), words), null)
})
