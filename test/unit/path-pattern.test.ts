// Path patterns: what fits, what does not, and that no path makes them slow.

import t from 'tap'
import {
  asPathBytes,
  compilePathPatterns,
  compilePathPatternsIgnoringCase,
  patternFault,
} from '../../src/auth/path-pattern.ts'
import { foldPath } from '../../src/path-case.ts'
import { random } from '../fixtures/random.ts'

const cases: readonly (readonly [
  pattern: string,
  fits: readonly string[],
  not: readonly string[],
])[] = [
  ['/', ['/'], ['/a', '/a/']],
  ['/share', ['/share', '/share/'], ['/', '/shared', '/share/x', '/x/share', '/SHARE']],
  ['/share/', ['/share', '/share/'], ['/share/x']],
  [
    '/share/*',
    ['/share/a', '/share/a/', '/share/*'],
    ['/share', '/share/', '/share/a/b', '/sharea'],
  ],
  ['/**', ['/', '/a', '/a/b/c/'], []],
  ['/api/**', ['/api', '/api/', '/api/a', '/api/a/b'], ['/apiary', '/', '/x/api/a', '/Api']],
  ['/*', ['/a', '/a/'], ['/', '/a/b']],
  ['/**/x', ['/x', '/a/x', '/a/b/x/'], ['/', '/x/a', '/ax']],
  ['/a/**/z', ['/a/z', '/a/b/z', '/a/z/z', '/a/b/z/c/z'], ['/a', '/z', '/a/b/zz', '/a/z/b']],
  ['/a/**/b/**/c', ['/a/b/c', '/a/x/b/y/c', '/a/b/b/c/c'], ['/a/c', '/a/b', '/a/c/b']],
  [
    '/img/*.jpg',
    ['/img/.jpg', '/img/a.jpg', '/img/a.b.jpg'],
    ['/img/a.jpeg', '/img/a/b.jpg', '/img/jpg'],
  ],
  ['/u*/f*o*', ['/u/fo', '/user/foo', '/u/fxxox'], ['/u/f', '/x/fo', '/u']],
  ['/v*1*/x', ['/v1/x', '/va1b/x', '/v11/x'], ['/v/x', '/1/x']],
  ['/a.b', ['/a.b'], ['/axb']],
  ['/caf\u00e9/*', [asPathBytes('/caf\u00e9/x')], ['/caf\u00e9/x', '/cafe/x']],
]

t.test('a pattern is over the whole path, segment by segment', async (t) => {
  for (const [pattern, fitting, others] of cases) {
    const test = compilePathPatterns([pattern])
    for (const path of fitting) t.ok(test(path), `${pattern} fits ${path}`)
    for (const path of others) t.notOk(test(path), `${pattern} does not fit ${path}`)
  }
})

t.test('any of several is enough, and none is nothing', async (t) => {
  const test = compilePathPatterns(['/a', '/b/**', '/c/*/d'])
  for (const path of ['/a', '/b/x', '/c/x/d']) t.ok(test(path), path)
  for (const path of ['/', '/c/d', '/ab']) t.notOk(test(path), path)
  t.notOk(compilePathPatterns([])('/'))
})

t.test('an encoded slash stays inside its segment', async (t) => {
  const mark = '\u0001'
  t.ok(compilePathPatterns(['/git/*'])(`/git/a${mark}b`))
  t.ok(compilePathPatterns(['/git/**'])(`/git/a${mark}b`))
  t.notOk(compilePathPatterns(['/git/*/b'])(`/git/a${mark}b`))
  t.notOk(compilePathPatterns(['/git/a/b'])(`/git/a${mark}b`))
  t.notOk(compilePathPatterns(['/git/**'])(`/git${mark}a`))
})

t.test('without regard to case, beyond ASCII too', async (t) => {
  const test = compilePathPatternsIgnoringCase(['/Admin/**', '/\u00c9cole', '/\u212a'])
  const spelt = ['/admin', '/ADMIN/x', '/\u00e9cole', '/e\u0301COLE', '/E\u0301cole', '/k', '/K']
  for (const path of spelt) t.ok(test(foldPath(asPathBytes(path))), path)
  t.notOk(test(foldPath(asPathBytes('/ecole'))))
})

t.test('it says the same as a regular expression, on small alphabets', async (t) => {
  const below = random(31)
  const word = (letters: string, most: number) =>
    Array.from({ length: below(most + 1) }, () => letters[below(letters.length)]).join('')
  for (let round = 0; round < 4000; round++) {
    const segments = Array.from({ length: 1 + below(4) }, () =>
      below(10) < 3 ? '**' : word('ab*', 3).replaceAll('**', '*') || 'a',
    )
    const pattern = `/${segments.join('/')}`
    const source = segments
      .map((s) =>
        s === '**' ? '(?:/[^/]+)*' : s === '*' ? '/[^/]+' : `/${s.replaceAll('*', '[^/]*')}`,
      )
      .join('')
    const path = `/${Array.from({ length: below(5) }, () => word('ab', 2) || 'b').join('/')}`
    const expected = new RegExp(`^${source}$`).test(path === '/' ? '' : path)
    if (compilePathPatterns([pattern])(path) === expected) continue
    t.fail(`${pattern} and ${path}: a regular expression says ${expected}`)
  }
})

t.test('no path makes a pattern slow', async (t) => {
  const nasty = ['/**/a/**/a/**/a/**/b', `/*${'a*'.repeat(18)}b`, '/**/a/a/a/a/a/a/a/b/**']
  const paths = [`/${'a/'.repeat(8000)}c`, `/${'a'.repeat(16_000)}c`, `/${'a/'.repeat(8000)}`]
  const test = compilePathPatterns(nasty)
  const start = performance.now()
  for (const path of paths) for (let i = 0; i < 20; i++) test(path)
  const each = (performance.now() - start) / 60
  t.ok(each < 20, `${each.toFixed(2)} ms for 16 KB`)
})

t.test('what is no pattern is told why', async (t) => {
  for (const pattern of ['/', '/a', '/a/**', '/**/x', '/a*b/*', '/caf\u00e9', '/a/', '/a:b@c,d']) {
    t.equal(patternFault(pattern), null, pattern)
  }
  const faults: readonly (readonly [string, RegExp])[] = [
    ['', /begin/],
    ['a/b', /begin/],
    ['/a**', /beside/],
    ['/a/***', /beside/],
    ['/a?b', /character/],
    ['/a/{b,c}', /character/],
    ['/[ab]', /character/],
    ['/a b', /character/],
    ['/a\\b', /character/],
    ['/a;b', /character/],
    ['/a#b', /character/],
    ['/a\u0001b', /character/],
    ['/a%2fb', /percent/],
    ['//a', /empty/],
    ['/a/../b', /dot/],
    ['/a/.', /dot/],
    [`/${'a'.repeat(600)}`, /longer/],
    [`/${'*a'.repeat(21)}`, /stars/],
  ]
  for (const [pattern, what] of faults) t.match(patternFault(pattern)?.what, what, pattern)
})
