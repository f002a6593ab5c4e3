// Samples that stand for patterns: tables are compared by them, so none may be missing or wrong.

import t from 'tap'
import { asPathBytes, compilePathPatterns } from '../../src/auth/path-pattern.ts'
import {
  coversPattern,
  deepSample,
  overlap,
  samplesOf,
  sampleWords,
  sharedSamples,
} from '../../src/routes-file/path-samples.ts'
import { random } from '../fixtures/random.ts'

const words = (samples: readonly string[]) => samples.map(sampleWords)

t.test('samples of a pattern are read as the file would write them', async (t) => {
  for (const [pattern, expected] of [
    ['/', ['/']],
    ['/a', ['/a']],
    ['/a/', ['/a']],
    ['/share/*', ['/share/*']],
    ['/api/**', ['/api/**', '/api', '/api/*', '/api/*/*']],
    ['/**/*.jpg', ['/**/*.jpg', '/*.jpg', '/*/*.jpg', '/*/*/*.jpg']],
  ] as const) {
    t.strictSame(words(samplesOf(pattern)), expected)
  }
  t.equal(sampleWords(deepSample('/a/**')), '/a/**')
})

t.test('two patterns share paths or they do not', async (t) => {
  for (const [a, b, expected] of [
    ['/a/*', '/*/b', ['/a/b']],
    ['/a/**', '/**/b', ['/a/**/b', '/a/b', '/a/*/b', '/a/*/*/b']],
    ['/a/**', '/a', ['/a']],
    ['/a*', '/*b', ['/a*b']],
    ['/a*c', '/ab*', ['/ab*c']],
    ['/**', '/', ['/']],
    ['/x/**/y', '/x/*/*/y', ['/x/*/*/y']],
    ['/a/*', '/b/*', []],
    ['/a', '/a/*', []],
    ['/a/**', '/ab', []],
    ['/*.jpg', '/*.png', []],
    ['/a/*/c', '/a/b', []],
  ] as const) {
    t.strictSame(words(sharedSamples(a, b)), expected, `${a} ${b}`)
    t.strictSame(words(sharedSamples(b, a)), expected, `${b} ${a}`)
    t.equal(overlap(a, b), expected.length > 0)
  }
})

t.test('one pattern covers another', async (t) => {
  for (const [outer, inner, covers] of [
    ['/**', '/a/*', true],
    ['/a/**', '/a', true],
    ['/a/**', '/a/b/**', true],
    ['/a/*', '/a/b*', true],
    ['/**/b', '/a/**/b', true],
    ['/*/**', '/**', false],
    ['/*/*', '/**', false],
    ['/a/*', '/a/**', false],
    ['/a/b*', '/a/*', false],
    ['/a', '/A', false],
  ] as const) {
    t.equal(coversPattern([outer], inner), covers, `${outer} ${inner}`)
  }
  t.ok(coversPattern(['/a', '/a/*/**'], '/a/**'), 'several together')
  t.notOk(coversPattern([], '/a'))
})

t.test('whatever two lists of patterns make of a path, they make of some sample', async (t) => {
  const below = random(7)
  const word = (letters: string, most: number) =>
    Array.from({ length: 1 + below(most) }, () => letters[below(letters.length)]).join('')
  const pattern = () => {
    const segments = Array.from({ length: 1 + below(3) }, () =>
      below(10) < 4 ? '**' : below(10) < 4 ? '*' : word('ab*', 2).replaceAll('**', '*'),
    )
    return `/${segments.join('/')}`
  }
  const paths = Array.from(
    { length: 80 },
    () => `/${Array.from({ length: below(5) }, () => word('ab', 2)).join('/')}`,
  )
  /** Position of the first of `patterns` that fits. */
  const first = (patterns: readonly string[]) => {
    const tests = patterns.map((p) => compilePathPatterns([p]))
    return (path: string) => tests.findIndex((fits) => fits(path))
  }
  let missed = 0
  let rounds = 0
  for (let round = 0; round < 700; round++) {
    const before = [pattern(), pattern(), '/**']
    const after = [pattern(), pattern(), '/**']
    const all = [...new Set([...before, ...after])]
    const samples = all.flatMap(samplesOf)
    for (const a of before) for (const b of after) samples.push(...sharedSamples(a, b))
    const [was, is] = [first(before), first(after)]
    const seen = new Set(samples.map((path) => `${was(path)} ${is(path)}`))
    for (const path of paths) {
      rounds += 1
      if (!seen.has(`${was(path)} ${is(path)}`)) missed += 1
    }
  }
  t.equal(missed, 0, `of ${rounds}`)
})

t.test('patterns beyond ASCII are compared as the bytes of requests', async (t) => {
  t.ok(compilePathPatterns(['/é/**'])(asPathBytes(deepSample('/é/*'))))
  t.ok(coversPattern(['/é/**'], '/é/x'))
})

t.test('long patterns are compared in no time', async (t) => {
  const a = `/${'*a'.repeat(20)}`
  const b = `/${'a*'.repeat(20)}b`
  const start = performance.now()
  sharedSamples(a, b)
  sharedSamples(`/${'**/a/'.repeat(10)}b`, `/${'**/*/'.repeat(10)}c`)
  t.ok(performance.now() - start < 200)
})
