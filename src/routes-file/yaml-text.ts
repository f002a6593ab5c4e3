// The text of routes.yaml as plain data, and the line and column of every part of it.

import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLError,
} from 'yaml'
import type { Fault, Path, Problem } from './problem.ts'
import { formatPath } from './problem.ts'

/** 1-based. */
export interface Place {
  readonly line: number
  readonly column: number
}

export interface YamlText {
  /** Maps are objects without prototype, so that a key `__proto__` is a key. */
  readonly data: unknown
  /** Faults of the YAML itself, all of them errors. */
  readonly problems: readonly Problem[]
  /** `data` is complete enough for further checks to be meaningful. */
  readonly usable: boolean
  /** Place of a value, or of its key; the nearest known parent when there is nothing at the path. */
  locate(path: Path, part: 'value' | 'key'): Place
}

/** A table of a thousand routes is 200 kB; more is a wrong file or an attack on memory. */
export const maxTextLength = 1024 * 1024
/** The format needs 6. Each level costs stack in every recursive walk. */
const maxDepth = 32
/** A file that is no YAML at all has a fault in every line. */
const maxSyntaxFaults = 50

/** Reads YAML 1.2 without anchors, aliases, merge keys and tags: each of them makes a table say what it does not show. */
export function readYamlText(text: string): YamlText {
  const early = unreadable(text)
  if (early !== null) return refused(early)
  const counter = new LineCounter()
  const doc = parseDocument(text, {
    lineCounter: counter,
    version: '1.2',
    prettyErrors: false,
    keepSourceTokens: false,
    // YAML 1.2 core: `yes`, `on` and `012` do not turn into booleans and octal numbers.
    schema: 'core',
  })
  const problems: Problem[] = []
  let usable = true

  function place(offset: number): Place {
    const { line, col } = counter.linePos(Math.min(Math.max(offset, 0), text.length))
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }

  function add(offset: number, path: Path, fault: Fault): void {
    problems.push({ severity: 'error', ...place(offset), where: formatPath(path), ...fault })
  }

  if (doc.directives?.yaml.explicit === true && doc.directives.yaml.version !== '1.2') {
    add(0, [], {
      code: 'yaml-version',
      what: `is written for YAML ${doc.directives.yaml.version}, where yes, no and 012 mean something else`,
      remedy: 'remove the %YAML line',
    })
    usable = false
  }
  let lastLine = 0
  for (const error of doc.errors.slice(0, maxSyntaxFaults)) {
    // A key written twice leaves the rest readable; after other faults the remaining structure is a guess,
    // and the first fault of a line is the one to mend.
    const structural = error.code !== 'DUPLICATE_KEY'
    const { line } = place(error.pos[0])
    if (structural && line === lastLine) continue
    if (structural) {
      usable = false
      lastLine = line
    }
    add(error.pos[0], [], syntaxFault(error, text))
  }
  const broken = !usable

  function plain(node: unknown, path: Path): unknown {
    if (node === null || node === undefined) return null
    if (!isNode(node)) return null
    const at = node.range?.[0] ?? 0
    if (isAlias(node)) {
      if (node.source !== '') add(at, path, aliasFault(node.source, path))
      usable = false
      return null
    }
    if (path.length > maxDepth) {
      add(at, [], { code: 'yaml-depth', what: 'nests too deeply', remedy: 'see the format' })
      usable = false
      return null
    }
    // `!!binary` and the like turn the text that is read into another; a tag nobody knows is only a warning.
    if (node.tag !== undefined) {
      add(at, path, badTag)
      usable = false
    }
    if (node.anchor !== undefined) add(at, path, sharedFault(`anchor &${node.anchor}`))
    if (isScalar(node)) return scalar(node.value)
    if (isSeq(node)) return node.items.map((item, index) => plain(item, [...path, index]))
    if (!isMap(node)) return null
    const object: Record<string, unknown> = Object.create(null)
    for (const pair of node.items) {
      const key = keyText(pair.key)
      const keyAt = isNode(pair.key) ? (pair.key.range?.[0] ?? at) : at
      if (key === null) {
        if (!broken) add(keyAt, path, badKey)
        usable = false
      } else if (key === '<<') {
        add(keyAt, path, sharedFault('merge key <<'))
        usable = false
      } else {
        object[key] = plain(pair.value, [...path, key])
      }
    }
    return object
  }

  const data = plain(doc.contents, [])

  function locate(path: Path, part: 'value' | 'key'): Place {
    let node: unknown = doc.contents
    let at = isNode(node) ? (node.range?.[0] ?? 0) : 0
    for (const [depth, step] of path.entries()) {
      const found = child(node, step)
      if (found === null) break
      node = found.value
      const last = depth === path.length - 1
      const target = last && part === 'key' ? (found.key ?? found.value) : found.value
      at = target?.range?.[0] ?? found.key?.range?.[0] ?? at
    }
    return place(at)
  }

  return { data, problems, usable, locate }
}

function unreadable(text: string): Fault | null {
  if (text.length > maxTextLength) {
    return { code: 'too-large', what: 'is larger than 1 MiB', remedy: 'name the right file' }
  }
  if (text.trim() === '') {
    return { code: 'empty', what: 'is empty', remedy: 'start from the table of `gatehouse init`' }
  }
  return null
}

function refused(fault: Fault): YamlText {
  const start = { line: 1, column: 1 }
  return {
    data: null,
    problems: [{ severity: 'error', ...start, where: '', ...fault }],
    usable: false,
    locate: () => start,
  }
}

function child(
  node: unknown,
  step: string | number,
): { key: Node | null; value: Node | null } | null {
  if (isSeq(node) && typeof step === 'number') {
    const item = node.items[step]
    return isNode(item) ? { key: null, value: item } : null
  }
  if (!isMap(node)) return null
  // The last one, as `data` has it when a key stands twice.
  const pair = node.items.findLast((item) => keyText(item.key) === String(step))
  if (pair === undefined) return null
  return {
    key: isNode(pair.key) ? pair.key : null,
    value: isNode(pair.value) ? pair.value : null,
  }
}

/** Numbers and `true` are fine as names of VMs and headers; lists, maps and nothing are not. */
export function keyText(key: unknown): string | null {
  if (!isScalar(key)) return null
  const value = key.value
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return key.source ?? String(value)
  return null
}

function scalar(value: unknown): unknown {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
      return value
    default:
      return null
  }
}

const badTag: Fault = {
  code: 'yaml-tag',
  what: 'has a tag',
  remedy: 'remove the word that begins with !',
}

const badKey: Fault = {
  code: 'yaml-key',
  what: 'has a key that is not a word',
  remedy: 'quote a text that begins with [ or {, and write name: value',
}

function aliasFault(source: string, path: Path): Fault {
  const fault = sharedFault(`alias *${source}`)
  // `host: *.x` means a wildcard to everybody but YAML.
  return path.at(-1) === 'host' ? { ...fault, remedy: `put it in quotes: '*${source}'` } : fault
}

function sharedFault(what: string): Fault {
  return {
    code: 'yaml-shared',
    what: `uses the ${what}; a route must show all it says`,
    remedy: 'write the value out, or put it into defaults',
  }
}

function syntaxFault(error: YAMLError, text: string): Fault {
  const first = text[error.pos[0]]
  // `host: @` and `host: *` are the two every newcomer writes.
  if (first === '@' || first === '*' || first === '`' || first === '%') {
    return {
      code: 'yaml-syntax',
      what: `${first} cannot begin an unquoted text`,
      remedy: `put it in quotes: '${first === '`' ? '...' : first}'`,
    }
  }
  switch (error.code) {
    case 'DUPLICATE_KEY':
      return {
        code: 'duplicate-key',
        what: 'this key stands here a second time',
        remedy: 'remove one of them',
      }
    case 'TAB_AS_INDENT':
      return { code: 'yaml-syntax', what: 'is indented by a tab', remedy: 'indent with spaces' }
    case 'MULTIPLE_DOCS':
      return {
        code: 'yaml-syntax',
        what: 'begins a second document',
        remedy: 'remove the line with ---',
      }
    case 'RESOURCE_EXHAUSTION':
      return { code: 'yaml-depth', what: 'nests too deeply', remedy: 'close the brackets' }
    case 'TAG_RESOLVE_FAILED':
      return badTag
    default:
      return {
        code: 'yaml-syntax',
        what: lowerFirst(error.message.split('\n')[0] ?? 'is not YAML'),
        remedy: 'check indentation, brackets and quotes here',
      }
  }
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
