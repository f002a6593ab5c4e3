// Markdown files: every relative link leads somewhere, every named file of ours is there, the tree of ARCHITECTURE.md is whole.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import t from 'tap'
import { sourceFiles, withTree } from '../../scripts/tree.ts'

const root = dirname(dirname(import.meta.dirname))
const skipped = ['node_modules', 'dist', '.git', '.tap', '.demo', 'data']
/** Folders of the repository whose files the text names by their path from the top. */
const ours = /^(?:src|test|docs|packaging|demo|bench|scripts|certs|\.ci)\/[\w./*-]+\.\w+$/

function markdownBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (skipped.includes(entry.name)) return []
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return markdownBelow(path)
    return entry.name.endsWith('.md') ? [path] : []
  })
}

/** Prose without code blocks, whose brackets are no links. */
const proseOf = (text: string) => text.replace(/^```[\s\S]*?^```/gm, '')

/** As GitHub names a heading: lower case, without punctuation, blanks as hyphens. */
function anchorsOf(text: string): string[] {
  return [...proseOf(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

/** Why a link leads nowhere; `null`: it does. */
function deadEnd(file: string, link: string): string | null {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? file : join(dirname(file), path)
  if (!existsSync(target)) return `${link}: no such file`
  if (anchor === undefined || !target.endsWith('.md')) return null
  return anchorsOf(readFileSync(target, 'utf8')).includes(anchor)
    ? null
    : `${link}: no such heading`
}

function isThere(path: string): boolean {
  if (!path.includes('*')) return existsSync(join(root, path))
  const name = new RegExp(`^${path.split('/').at(-1)?.replaceAll('.', '\\.').replace('*', '.*')}$`)
  const folder = join(root, dirname(path))
  return existsSync(folder) && readdirSync(folder).some((entry) => name.test(entry))
}

const files = markdownBelow(root)

t.test(
  'every relative link in the Markdown files leads to a file, and to a heading in it',
  async (t) => {
    t.ok(files.length > 10, 'the files were found')
    const dead = files.flatMap((file) => {
      const links = [...proseOf(readFileSync(file, 'utf8')).matchAll(/\]\(([^()\s]+)\)/g)]
      return links.flatMap(([, link = '']) => {
        const problem = /^[a-z]+:/.test(link) ? null : deadEnd(file, link)
        return problem === null ? [] : [`${relative(root, file)} → ${problem}`]
      })
    })
    t.strictSame(dead, [])
  },
)

t.test('every file that the Markdown files name by its path exists', async (t) => {
  const missing = files.flatMap((file) => {
    const names = [...proseOf(readFileSync(file, 'utf8')).matchAll(/`([^`\s]+)`/g)]
    return names.flatMap(([, name = '']) =>
      ours.test(name) && !isThere(name) ? [`${relative(root, file)} → ${name}`] : [],
    )
  })
  t.strictSame(missing, [])
})

t.test('the tree in ARCHITECTURE.md lists exactly the files below src', async (t) => {
  const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8')
  const files = sourceFiles()
  t.ok(files.length > 100, 'the files were found')
  t.equal(withTree(text, files), text, '`npm run tree` brings it in step')
  const tree = /^```tree\n([\s\S]*?)^```/m.exec(text)?.[1] ?? ''
  const poor = tree.split('\n').filter((line) => line.length > 100 || /^ +\S+$/.test(line))
  t.strictSame(poor, [], 'each line fits, and says something')

  const less = files.filter((file) => file !== 'wake/ledger.ts')
  t.notMatch(withTree(text, less), /^ {4}ledger\.ts /m, 'what is gone goes')
  t.match(
    withTree(withTree(text, less), files),
    /\n {4}ledger\.ts +the history of one machine/,
    'or is new',
  )
})
