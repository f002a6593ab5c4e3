// Nanoseconds and bytes per call of each hot function, one process per group so that nobody's inline caches are spoilt.
//   node bench/micro.ts [group]

import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type MicroGroup, measureCase } from './micro/harness.ts'

const directory = join(import.meta.dirname, 'micro')
const groups = readdirSync(directory)
  .map((file) => basename(file, '.ts'))
  .filter((name) => name !== 'harness' && name !== 'samples')
const [wanted, flag] = process.argv.slice(2)

if (flag === '--here' && wanted !== undefined) await runGroup(wanted)
else runAll(wanted === undefined ? groups : groups.filter((name) => name === wanted))

function runAll(names: readonly string[]): void {
  if (names.length === 0) throw new Error(`no such group; there are ${groups.join(', ')}`)
  print(['function', 'ns/call', 'fastest', 'bytes/call'])
  print(['-'.repeat(46), '-'.repeat(9), '-'.repeat(9), '-'.repeat(10)])
  for (const name of names) {
    spawnSync(process.execPath, [import.meta.filename, name, '--here'], { stdio: 'inherit' })
  }
}

async function runGroup(name: string): Promise<void> {
  const group: MicroGroup = await import(join(directory, `${name}.ts`))
  for (const each of group.cases) {
    const { medianNs, fastestNs, bytes } = measureCase(each)
    print([each.name, medianNs.toFixed(1), fastestNs.toFixed(1), bytes.toFixed(0)])
  }
}

function print([name = '', ...numbers]: readonly string[]): void {
  const cells = numbers.map((text, i) => text.padStart(i === 2 ? 10 : 9))
  process.stdout.write(`| ${[name.padEnd(46), ...cells].join(' | ')} |\n`)
}
