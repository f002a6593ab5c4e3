// scripts/build.ts: what comes out of a source tree.

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { build, toJavaScript } from '../../scripts/build.ts'

const tree = {
  'main.ts': [
    "import { readFileSync } from 'node:fs'",
    "import { greet, type Greeting } from './part/greet.ts'",
    "const data: string = readFileSync(new URL('./data.yaml', import.meta.url), 'utf8')",
    'const greeting: Greeting = greet(data.trim())',
    'process.stdout.write(greeting.text)',
    '',
  ].join('\n'),
  'data.yaml': 'world\n',
  part: {
    'greet.ts': [
      'export interface Greeting { readonly text: string }',
      "export const workerUrl = () => new URL('./worker.ts', import.meta.url).href",
      'export function greet(name: string): Greeting { return { text: ["hello", name].join(" ") } }',
      '',
    ].join('\n'),
    'worker.ts': 'export {}\n',
  },
}

t.test('the output runs as it is, beside the files it reads', async (t) => {
  const root = t.testdir({ src: tree, dist: { 'old.js': 'left over\n' } })
  const result = build(join(root, 'src'), join(root, 'dist'))
  t.strictSame(result.scripts, ['main.js', 'part/greet.js', 'part/worker.js'])
  t.strictSame(result.assets, ['data.yaml'])
  t.notOk(existsSync(join(root, 'dist/old.js')), 'nothing of an earlier build stays')
  const main = join(root, 'dist/main.js')
  t.equal(
    execFileSync(process.execPath, ['--no-strip-types', main], { encoding: 'utf8' }),
    'hello world',
  )
  t.equal(readFileSync(main, 'utf8').split('\n')[0], '#!/usr/bin/env node')
  t.equal(statSync(main).mode & 0o111, 0o111, 'executable for all')
  t.match(readFileSync(join(root, 'dist/part/greet.js'), 'utf8'), "new URL('./worker.js'")
})

t.test('a position in the output is the position in the source', async (t) => {
  const root = t.testdir({ src: tree })
  const file = join(root, 'src/main.ts')
  const source = readFileSync(file, 'utf8')
  const output = toJavaScript(source, file)
  t.equal(output.length, source.length)
  t.equal(output.indexOf('process.stdout'), source.indexOf('process.stdout'))
})

t.test('what cannot be built says where', async (t) => {
  const root = t.testdir({ src: {} })
  const file = join(root, 'src/x.ts')
  t.throws(
    () => toJavaScript("import './missing.ts'\n", file),
    /x\.ts: \.\/missing\.ts does not exist/,
  )
  t.throws(
    () => toJavaScript('enum E { A }\n', file),
    /enum/i,
    'syntax that needs more than erasing',
  )
})
