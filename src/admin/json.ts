// JSON as the admin takes it: one reading alone. A name that stands twice, or `__proto__`, is refused.

import { GatehouseError } from '../errors.ts'

/** Objects and lists inside each other; our deepest has a handful. */
const maxDepth = 32

/**
 * Reads JSON (RFC 8259). Readers differ in what a name that stands twice means (§4), so it means nothing here.
 *
 * @throws GatehouseError `bad-request`: no UTF-8, no JSON, a name twice, `__proto__`, nested too deeply.
 */
export function parseStrictJson(body: Buffer): unknown {
  let text: string
  let value: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
    value = JSON.parse(text)
  } catch {
    throw new GatehouseError('bad-request', 'the body is not JSON')
  }
  assertOneReading(text)
  return value
}

/** Walks text that is JSON already: only strings and brackets matter. */
function assertOneReading(text: string): void {
  /** Names of each open object; `null`: a list. */
  const open: (Set<string> | null)[] = []
  let expectsName = false
  for (let at = 0; at < text.length; at++) {
    const c = text[at]
    if (c === '{' || c === '[') {
      open.push(c === '{' ? new Set() : null)
      if (open.length > maxDepth) throw new GatehouseError('bad-request', 'it is nested too deeply')
      expectsName = c === '{'
    } else if (c === '}' || c === ']') {
      open.pop()
      expectsName = false
    } else if (c === ',') {
      expectsName = open.at(-1) != null
    } else if (c === '"') {
      const end = endOfString(text, at)
      const names = open.at(-1)
      if (expectsName && names != null) take(names, text.slice(at, end))
      expectsName = false
      at = end - 1
    }
  }
}

function take(names: Set<string>, quoted: string): void {
  const name = String(JSON.parse(quoted))
  if (name === '__proto__') throw new GatehouseError('bad-request', 'a member is called __proto__')
  if (names.has(name)) throw new GatehouseError('bad-request', 'a member stands twice')
  names.add(name)
}

/** Behind the closing quote. */
function endOfString(text: string, from: number): number {
  let at = from + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}
