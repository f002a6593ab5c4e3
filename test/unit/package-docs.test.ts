// Documents that list what exists: dependencies, decisions, source files. Each list is compared both ways.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'

const root = dirname(dirname(import.meta.dirname))
const read = (path: string) => readFileSync(join(root, path), 'utf8')

/** First cells of a table's rows that are code: "| `name` | …". */
function namesIn(text: string): string[] {
  return [...text.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1] ?? '').sort()
}

t.test('every dependency has its reason written down, and nothing else has', async (t) => {
  const [, running = '', development = ''] = read('docs/decisions/dependencies.md').split(/^## /m)
  const manifest = JSON.parse(read('package.json'))
  t.strictSame(namesIn(running), Object.keys(manifest.dependencies).sort())
  t.strictSame(namesIn(development), Object.keys(manifest.devDependencies).sort())
})

t.test('every dependency is pinned to one version', async (t) => {
  const manifest = JSON.parse(read('package.json'))
  const loose = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }).filter(
    ([, version]) => !/^\d+\.\d+\.\d+$/.test(String(version)),
  )
  t.strictSame(loose, [])
})

t.test('the lock file names no registry', async (t) => {
  t.notMatch(read('package-lock.json'), /"resolved"/)
})

t.test('every decision is in the index, and has context, decision and consequences', async (t) => {
  const index = read('docs/decisions/README.md')
  const linked = [...index.matchAll(/\]\(([\w-]+\.md)\)/g)].map((match) => match[1] ?? '').sort()
  const records = readdirSync(join(root, 'docs/decisions')).filter((name) => name !== 'README.md')
  t.strictSame(linked, records.sort())
  for (const name of records.filter((name) => /^\d/.test(name))) {
    const headings = [...read(`docs/decisions/${name}`).matchAll(/^## (.+)$/gm)].map((m) => m[1])
    t.strictSame(headings, ['Context', 'Decision', 'Consequences'], name)
  }
})

t.test(
  'every file of src is named in the tree of ARCHITECTURE.md, and none that is not there',
  async (t) => {
    const tree = /```tree\n([\s\S]*?)```/.exec(read('ARCHITECTURE.md'))?.[1] ?? ''
    const files = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(join(root, 'src/').length))
    t.strictSame(filesOfTree(tree), files.sort())
  },
)

/** Indented names, folders ending in a slash: two spaces deeper is inside. */
function filesOfTree(tree: string): string[] {
  const files: string[] = []
  const folders: string[] = []
  for (const line of tree.split('\n')) {
    const match = /^( *)([\w.-]+\/?)(?= |$)/.exec(line)
    const name = match?.[2]
    if (match === null || name === undefined) continue
    folders.length = (match[1] ?? '').length / 2
    if (name.endsWith('/')) folders.push(name)
    else files.push((folders.join('') + name).replace(/^src\//, ''))
  }
  return files.sort()
}
