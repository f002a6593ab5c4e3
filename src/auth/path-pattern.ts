// Patterns over canonical paths: `*` inside one segment, `**` any number of segments. Compiled once. Hot path.

import { foldPath } from '../path-case.ts'

/** A test for paths, made from patterns. */
export type PathTest = (path: string) => boolean

/**
 * Compiles patterns to one test over canonical paths (`proxy/target.ts`); it is true when any of them fits the whole
 * path. `*` stands for any characters inside a segment, the mark of an encoded slash included, and where it is the whole
 * segment for at least one; `**` is a segment of its own and stands for any number of segments, none included, so that
 * `/api/**` fits `/api` too. A slash at the end makes no difference on either side: backends hardly ever make one.
 * Everything else stands for itself, upper and lower case apart. Patterns are as people write them; what
 * `patternFault` finds fault with fits nothing that was meant.
 *
 * The test takes time in proportion to the path's length, for every path: there is no backtracking beyond one star.
 */
export function compilePathPatterns(patterns: readonly string[]): PathTest {
  return compile(patterns.map(asPathBytes))
}

/** The same for a backend that does not tell upper from lower case. The test takes what `foldPath` returns. */
export function compilePathPatternsIgnoringCase(patterns: readonly string[]): PathTest {
  return compile(patterns.map((pattern) => foldPath(asPathBytes(pattern))))
}

/** Text as canonical paths have it: its UTF-8 bytes as characters (`proxy/target.ts`). */
export function asPathBytes(text: string): string {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0x7e) return Buffer.from(text, 'utf8').toString('latin1')
  }
  return text
}

/** Why a text is no pattern, and what to write instead; `null` when it is one. */
export function patternFault(text: string): { what: string; remedy: string } | null {
  if (!text.startsWith('/')) {
    return { what: 'does not begin with /', remedy: 'write the whole path, such as /share/*' }
  }
  if (text.length > 500) return { what: 'is longer than 500 characters', remedy: 'shorten it' }
  if (text.includes('%')) {
    return { what: 'is percent-encoded', remedy: 'write the characters themselves' }
  }
  if (/[?#;\\\s[\]{}]/.test(text) || hasControls(text)) {
    return {
      what: 'has a character that patterns cannot have (? # ; \\ [ ] { } or white space)',
      remedy: 'write segments, * and ** alone; a query is never looked at',
    }
  }
  if (text.includes('//') || /\/\.{1,2}(?:\/|$)/.test(text)) {
    return { what: 'has an empty or a dot segment', remedy: 'write the path without it' }
  }
  if (text.split('/').some((segment) => segment.includes('**') && segment !== '**')) {
    return {
      what: 'has ** beside other characters',
      remedy: 'write ** as a segment of its own, such as /api/**, or one * inside a segment',
    }
  }
  if ((text.match(/\*/g) ?? []).length > 20) {
    return { what: 'has more than 20 stars', remedy: 'write fewer, or several patterns' }
  }
  return null
}

function compile(patterns: readonly string[]): PathTest {
  const literals = new Set<string>()
  const prefixes: string[] = []
  const others: Segments[] = []
  let everything = false
  for (const pattern of patterns) {
    const trimmed = withoutSlash(pattern)
    const head = trimmed.slice(0, -3)
    if (trimmed === '/**') everything = true
    else if (!trimmed.includes('*')) literals.add(trimmed)
    else if (trimmed.endsWith('/**') && !head.includes('*')) prefixes.push(head)
    else others.push(segmentsOf(trimmed))
  }
  if (everything) return () => true
  return (path) => {
    const trimmed = withoutSlash(path)
    if (literals.has(trimmed)) return true
    for (const prefix of prefixes) if (isBelow(trimmed, prefix)) return true
    if (others.length === 0) return false
    const segments = trimmed === '/' ? [] : trimmed.slice(1).split('/')
    for (const pattern of others) if (fits(pattern, segments)) return true
    return false
  }
}

/** `null`: `**`. Else the pieces of a segment between its stars: one piece has no star. */
type Segments = readonly (readonly string[] | null)[]

function segmentsOf(pattern: string): Segments {
  return pattern
    .slice(1)
    .split('/')
    .map((segment) => (segment === '**' ? null : segment.split('*')))
}

/** A later `**` makes every earlier one's choice final: the leftmost fit of what stands between them is as good as any. */
function fits(pattern: Segments, path: readonly string[]): boolean {
  let at = 0
  let from = 0
  let star = -1
  let starFrom = 0
  while (from < path.length) {
    const expected = pattern[at]
    if (expected === null) {
      star = at
      starFrom = from
      at += 1
    } else if (expected !== undefined && segmentFits(expected, path[from] ?? '')) {
      at += 1
      from += 1
    } else {
      if (star === -1) return false
      starFrom += 1
      from = starFrom
      at = star + 1
    }
  }
  while (pattern[at] === null) at += 1
  return at === pattern.length
}

function segmentFits(pieces: readonly string[], segment: string): boolean {
  const first = pieces[0] ?? ''
  if (pieces.length === 1) return segment === first
  const last = pieces[pieces.length - 1] ?? ''
  if (segment.length < first.length + last.length) return false
  if (!segment.startsWith(first) || !segment.endsWith(last)) return false
  const end = segment.length - last.length
  let at = first.length
  for (let i = 1; i < pieces.length - 1; i++) {
    const piece = pieces[i] ?? ''
    const found = segment.indexOf(piece, at)
    if (found === -1 || found + piece.length > end) return false
    at = found + piece.length
  }
  return true
}

function isBelow(path: string, prefix: string): boolean {
  if (!path.startsWith(prefix)) return false
  return path.length === prefix.length || path.charCodeAt(prefix.length) === 0x2f
}

function withoutSlash(path: string): string {
  const last = path.length - 1
  return last > 0 && path.charCodeAt(last) === 0x2f ? path.slice(0, last) : path
}

function hasControls(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c < 0x20 || (c >= 0x7f && c < 0xa0)) return true
  }
  return false
}
