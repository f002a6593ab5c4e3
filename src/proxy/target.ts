// Request target → the one reading of the path that routing, policy, upstream and log share. Hot path.

import type { CanonicalPath } from '../model.ts'

/** Longest request target, in bytes. Cloudflare passes at most 16 KB. */
export const maxTargetLength = 16_384

/**
 * Stands in a canonical path for an encoded slash: a character that no route's path can contain, so that
 * `/git%2Fx` is one segment and never equal to `/git/x`.
 */
const encodedSlashMark = '\u0001'

/** ASCII in more bytes than it needs: no UTF-8 (RFC 3629 §3), but `%c0%ae` is a dot to decoders that do not look. */
const overlong = /[\xc0\xc1][\x80-\xbf]|\xe0[\x80-\x9f][\x80-\xbf]|\xf0[\x80-\x8f][\x80-\xbf]/

const noAlternatives: readonly CanonicalPath[] = []

/** A request target that was found to have one meaning. */
export interface RequestTarget {
  /** Authority of an absolute-form target (RFC 9112 §3.2.2), which replaces `Host`; `null` in origin-form. */
  readonly authority: string | null
  /** The path exactly as it was sent; this is what the backend gets. */
  readonly rawPath: string
  /** The query with its `?`, exactly as sent; empty when there is none. */
  readonly query: string
  /** What routes are matched with: decoded once, `//` merged (RFC 3986 §6.2.2). */
  readonly path: CanonicalPath
  /** The path contains `%2F`. */
  readonly encodedSlash: boolean
  /**
   * Other readings a backend may have of the same bytes: `%2F` as a separator, `;parameters` cut off, what follows
   * `//` taken for a host (RFC 3986 §4.2).
   * Each must lead to the same route as `path`, or the request is refused.
   */
  readonly alternatives: readonly CanonicalPath[]
}

export type TargetRefusal = 'bad-target' | 'target-too-long'

/**
 * Reads an origin-form or absolute-form request target.
 *
 * Refuses what two programs could read differently: control and non-ASCII bytes, white space, `#`, `\`,
 * `%5C`, encoded control bytes, broken percent triplets, overlong UTF-8, and dot segments in any spelling (`..`,
 * `%2e%2e`, `..;x`, `..%2f`). Encodings below the first are left alone: `%252e` is the text `%2e`.
 *
 * @returns the refusal's code for a target with more than one meaning. RFC 9112 §3.2, RFC 3986 §3.3.
 */
export function readTarget(rawTarget: string): RequestTarget | TargetRefusal {
  const length = rawTarget.length
  if (length > maxTargetLength) return 'target-too-long'
  let authority: string | null = null
  let target = rawTarget
  if (rawTarget.charCodeAt(0) !== 0x2f) {
    const start = authorityStart(rawTarget)
    if (start === -1) return 'bad-target'
    const end = authorityEnd(rawTarget, start)
    authority = rawTarget.slice(start, end)
    target = rawTarget.slice(end)
    if (target.charCodeAt(0) !== 0x2f) target = `/${target}`
  }

  let pathEnd = target.length
  let plain = true
  let previous = 0
  for (let i = 0; i < target.length; i++) {
    const c = target.charCodeAt(i)
    if (c <= 0x20 || c >= 0x7f || c === 0x23) return 'bad-target'
    if (i >= pathEnd) continue
    if (c === 0x3f) {
      pathEnd = i
      continue
    }
    if (c === 0x5c) return 'bad-target'
    if (c === 0x25 || c === 0x3b) plain = false
    else if (previous === 0x2f && (c === 0x2f || c === 0x2e)) plain = false
    previous = c
  }

  const rawPath = pathEnd === target.length ? target : target.slice(0, pathEnd)
  const query = pathEnd === target.length ? '' : target.slice(pathEnd)
  if (plain) {
    return {
      authority,
      rawPath,
      query,
      path: rawPath as CanonicalPath,
      encodedSlash: false,
      alternatives: noAlternatives,
    }
  }
  return readUnusualPath(authority, rawPath, query)
}

/** Writes a path from routes.yaml as `readTarget` would: UTF-8 bytes as characters, no encodings. */
export function canonicalRoutePath(path: string): CanonicalPath {
  let ascii = true
  for (let i = 0; i < path.length; i++) if (path.charCodeAt(i) > 0x7e) ascii = false
  return (ascii ? path : Buffer.from(path, 'utf8').toString('latin1')) as CanonicalPath
}

function readUnusualPath(
  authority: string | null,
  rawPath: string,
  query: string,
): RequestTarget | TargetRefusal {
  const decoded = decodeOnce(rawPath)
  if (decoded === null || overlong.test(decoded)) return 'bad-target'
  const encodedSlash = decoded.includes(encodedSlashMark)
  const parameters = decoded.includes(';')
  // The strictest reading decides about dot segments: encoded slashes separate, parameters are cut off.
  const separated = encodedSlash ? decoded.replaceAll(encodedSlashMark, '/') : decoded
  if (hasDotSegment(parameters ? withoutParameters(separated) : separated)) return 'bad-target'
  if (hasDotSegment(separated) || hasDotSegment(decoded)) return 'bad-target'

  const path = mergeSlashes(decoded)
  const alternatives: CanonicalPath[] = []
  if (rawPath.charCodeAt(1) === 0x2f) alternatives.push(withoutAuthority(decoded))
  if (encodedSlash) alternatives.push(mergeSlashes(separated))
  if (parameters) alternatives.push(mergeSlashes(withoutParameters(decoded)))
  if (encodedSlash && parameters) alternatives.push(mergeSlashes(withoutParameters(separated)))
  return { authority, rawPath, query, path, encodedSlash, alternatives }
}

/** One decode; `%2F` becomes the mark. `null`: broken or forbidden encodings. */
function decodeOnce(rawPath: string): string | null {
  if (!rawPath.includes('%')) return rawPath
  let out = ''
  let copied = 0
  for (let i = rawPath.indexOf('%'); i !== -1; i = rawPath.indexOf('%', copied)) {
    const byte = hexByte(rawPath, i + 1)
    if (byte < 0x20 || byte === 0x7f || byte === 0x5c) return null
    out += rawPath.slice(copied, i)
    out += byte === 0x2f ? encodedSlashMark : String.fromCharCode(byte)
    copied = i + 3
  }
  return out + rawPath.slice(copied)
}

/** @returns -1 when the two characters at `from` are no hexadecimal digits. */
function hexByte(text: string, from: number): number {
  const high = hexDigit(text.charCodeAt(from))
  const low = hexDigit(text.charCodeAt(from + 1))
  return high === -1 || low === -1 ? -1 : high * 16 + low
}

function hexDigit(c: number): number {
  if (c >= 0x30 && c <= 0x39) return c - 0x30
  const lower = c | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

function mergeSlashes(path: string): CanonicalPath {
  let merged = path
  while (merged.includes('//')) merged = merged.replaceAll('//', '/')
  return merged as CanonicalPath
}

/** As a program sees `//a/b` that hands it to a URL parser: `a` is a host there, and only `/b` the path. */
function withoutAuthority(path: string): CanonicalPath {
  const authority = /^\/+[^/]*/.exec(path)?.[0] ?? ''
  return mergeSlashes(path.slice(authority.length) || '/')
}

function withoutParameters(path: string): string {
  if (!path.includes(';')) return path
  let out = ''
  for (const segment of path.split('/')) {
    const semicolon = segment.indexOf(';')
    out += `/${semicolon === -1 ? segment : segment.slice(0, semicolon)}`
  }
  return out.slice(1)
}

function hasDotSegment(path: string): boolean {
  let at = path.indexOf('/.')
  while (at !== -1) {
    const next = path.charCodeAt(at + 2)
    if (Number.isNaN(next) || next === 0x2f) return true
    if (next === 0x2e) {
      const after = path.charCodeAt(at + 3)
      if (Number.isNaN(after) || after === 0x2f || after === 0x3b) return true
    } else if (next === 0x3b) return true
    at = path.indexOf('/.', at + 1)
  }
  return false
}

/** Index after `http://` or `https://` in any case; -1 for every other scheme. */
function authorityStart(target: string): number {
  const scheme = target.slice(0, 8).toLowerCase()
  if (scheme.startsWith('http://')) return 7
  return scheme === 'https://' ? 8 : -1
}

function authorityEnd(target: string, from: number): number {
  for (let i = from; i < target.length; i++) {
    const c = target.charCodeAt(i)
    if (c === 0x2f || c === 0x3f || c === 0x23) return i
  }
  return target.length
}
