// Brings the tree in ARCHITECTURE.md in step with the files below src. `npm run tree` writes it; a test asks for the same text.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const document = join(root, 'ARCHITECTURE.md')
const block = /(?<=^```tree\n)[\s\S]*?(?=^```)/m
/** Where descriptions begin; longer names push theirs to the right. */
const column = 34
const longest = 66

/** All files below src, as `proxy/listen.ts`. */
export const sourceFiles = (): string[] =>
  readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true, encoding: 'utf8' })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(root, 'src/').length))

/**
 * The document with a tree of exactly these files. What it describes already keeps its words and its place among its
 * neighbours; what is new stands behind them, with the beginning of its first line.
 */
export function withTree(text: string, files: readonly string[]): string {
  const known = readTree(block.exec(text)?.[0] ?? '')
  return text.replace(block, () => `${folderLines('', files, known).join('\n')}\n`)
}

/** Path → description. Folders end in a slash; src itself is ''. */
function readTree(tree: string): Map<string, string> {
  const known = new Map<string, string>()
  const folders: string[] = []
  for (const line of tree.split('\n')) {
    const [, indent = '', name, words = ''] = /^( *)(\S+) *(.*)$/.exec(line) ?? []
    if (name === undefined || indent === '') continue
    folders.length = indent.length / 2 - 1
    known.set(folders.join('') + name, words)
    if (name.endsWith('/')) folders.push(name)
  }
  return known
}

function folderLines(
  folder: string,
  files: readonly string[],
  known: ReadonlyMap<string, string>,
): string[] {
  const inside = files.filter((file) => file.startsWith(folder))
  const names = new Set(inside.map((file) => file.slice(folder.length).replace(/\/.*/s, '/')))
  const places = [...known.keys()]
  const placeOf = (name: string) => places.indexOf(folder + name) >>> 0
  const sorted = [...names].sort(
    (a, b) =>
      Number(a.endsWith('/')) - Number(b.endsWith('/')) ||
      placeOf(a) - placeOf(b) ||
      (a < b ? -1 : 1),
  )
  const depth = folder.split('/').length
  const own = line(depth - 1, folder === '' ? 'src/' : lastOf(folder), known.get(folder) ?? '')
  return [
    own,
    ...sorted.flatMap((name) =>
      name.endsWith('/')
        ? folderLines(folder + name, inside, known)
        : [line(depth, name, known.get(folder + name) || firstWords(folder + name))],
    ),
  ]
}

const line = (depth: number, name: string, words: string) =>
  `${`${'  '.repeat(depth)}${name} `.padEnd(column)}${words}`.trimEnd()

const lastOf = (folder: string) => folder.replace(/^.*\/(?=[^/]+\/$)/, '')

/** The first line of a file as far as it fits, without "Hot path." */
function firstWords(file: string): string {
  const lines = readFileSync(join(root, 'src', file), 'utf8').split('\n', 2)
  const comment = (lines[0]?.startsWith('#!') ? lines[1] : lines[0]) ?? ''
  const said = comment.replace(/^(?:\/\/|#) ?/, '').replace(/ Hot path\.$/, '')
  let words = said.replace(/\. .*|\.$/, '')
  for (const part of [/[;:] .*/, / \(.*/, /, .*/]) {
    if (words.length > longest) words = words.replace(part, '')
  }
  if (words.length > longest) words = words.slice(0, longest).replace(/ \S*$/, '')
  return words.charAt(0).toLowerCase() + words.slice(1)
}

if (import.meta.main) {
  writeFileSync(document, withTree(readFileSync(document, 'utf8'), sourceFiles()))
}
