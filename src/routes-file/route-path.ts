// The `path:` of a route and other paths in the file: written the way requests are matched.

import type { Fault } from './problem.ts'
import { quote } from './quote.ts'

/** Everything below is Gatehouse's own on every host: sign-in callbacks, wake pages, events. */
export const ownPath = '/.gatehouse'

/**
 * Reads a path. Percent-encoding, dot segments, doubled slashes and parameters are refused: requests are
 * matched by their decoded, merged path (RFC 3986 §6.2.2), so such a route would never be reached.
 *
 * @returns the path without trailing slash, `/` excepted.
 */
export function readPath(text: string): { readonly path: string } | Fault {
  const fault = pathFault(text)
  if (fault !== null) return { code: 'path-invalid', ...fault }
  const path = text.length > 1 && text.endsWith('/') ? text.slice(0, -1) : text
  const lower = path.toLowerCase()
  if (lower === ownPath || lower.startsWith(`${ownPath}/`)) {
    return {
      code: 'path-reserved',
      what: `${ownPath} is Gatehouse's own on every host`,
      remedy: 'choose another path',
    }
  }
  return { path }
}

function pathFault(text: string): { what: string; remedy: string } | null {
  if (!text.startsWith('/')) {
    return { what: `${quote(text)} is no path`, remedy: `write ${quote(`/${text}`)}` }
  }
  if (text.length > 1000) return { what: 'is longer than 1000 characters', remedy: 'shorten it' }
  if (text.includes('%')) {
    return { what: 'is percent-encoded', remedy: 'write the characters themselves' }
  }
  if (/[?#;\\*\s]/.test(text) || hasControls(text)) {
    return {
      what: `${quote(text)} has a character that paths here cannot have (? # ; \\ * or white space)`,
      remedy: 'write plain segments, such as /a/b; a prefix covers all paths below',
    }
  }
  if (text.includes('//') || /\/\.{1,2}(?:\/|$)/.test(text)) {
    return { what: 'has an empty or a dot segment', remedy: 'write the path without it' }
  }
  return null
}

function hasControls(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c < 0x20 || (c >= 0x7f && c < 0xa0)) return true
  }
  return false
}
