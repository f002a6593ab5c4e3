// Our cookies: reads them, keeps them from backends, and keeps backends from setting them. Hot path.

import { isSecretAt, secretLength } from './secret-text.ts'

/** The session: for the whole domain, so every host under it is sent it. */
export const sessionCookieName = '__Secure-gatehouse'
/** Beside the session, on the login host alone: without it the account cannot be changed. */
export const accountCookieName = '__Host-gatehouse-account'
/** A browser on the login host, signed in or not: what forms and flows are bound to. */
export const browserCookieName = '__Host-gatehouse-browser'
/** A browser somebody has signed in with before. */
export const deviceCookieName = '__Host-gatehouse-device'
/** On the admin's host: beside the session, without which nothing is shown there. */
export const adminCookieName = '__Host-gatehouse-admin'
/** On the admin's host, for ten minutes: the browser that was sent to the login host to get the cookie above. */
export const adminStateCookieName = '__Host-gatehouse-admin-state'

/**
 * All values of a cookie, in order: a sibling host can add more of the same name (RFC 6265 §5.4), and nothing in the
 * header tells them apart. Only values of exactly our shape, 43 characters base64url.
 *
 * @param header all `Cookie` lines, joined with `; `.
 */
export function cookieValues(header: string, name: string): readonly string[] {
  const values: string[] = []
  for (let at = 0; ; at += secretLength) {
    at = cookieValueAt(header, name, at)
    if (at === -1) return values
    values.push(header.slice(at, at + secretLength))
  }
}

/**
 * Where the next value of a cookie begins, looking from `from` on: the start of the header, or the end of the value
 * before. The value has 43 characters.
 *
 * @returns -1: there is none of our shape any more.
 */
export function cookieValueAt(header: string, name: string, from: number): number {
  for (let at = header.indexOf(name, from); at !== -1; at = header.indexOf(name, at + 1)) {
    const value = at + name.length + 1
    if (header.charCodeAt(value - 1) !== equals || !isSecretAt(header, value)) continue
    if (beginsSegment(header, at) && endsSegment(header, value + secretLength)) return value
  }
  return -1
}

/**
 * The header as a backend may see it: without our cookies, in whatever case, quotes, encoding or position somebody
 * wrote them. The bytes of the others stay as they are.
 *
 * @returns the same string when nothing was ours; `null`: nothing is left.
 */
export function withoutOwnCookies(header: string): string | null {
  const { length } = header
  let kept: string | null = null
  let copied = 0
  let comma = indexFrom(header, ',', 0)
  let blank = indexFrom(header, ' ', 0)
  let tabulator = indexFrom(header, '\t', 0)
  for (let start = 0, end = 0; start <= length; start = end + 1) {
    end = indexFrom(header, ';', start)
    for (let at = start; at < end; ) {
      at = skipDecoration(header, at, end)
      if (isReservedAt(header, at)) {
        const before = start === 0 ? '' : header.slice(copied, start - 1)
        kept = kept === null ? before : kept + before
        copied = end
        break
      }
      // Some readers begin a cookie at white space too (Python's http.cookies), some at commas (RFC 2965 §3.3.4).
      if (comma < at) comma = indexFrom(header, ',', at)
      if (blank < at) blank = indexFrom(header, ' ', at)
      if (tabulator < at) tabulator = indexFrom(header, '\t', at)
      at = Math.min(comma, blank, tabulator)
    }
  }
  return kept === null ? header : withoutLeadingSeparators(kept + header.slice(copied))
}

/** A `Set-Cookie` line for one of our cookies. `__Host-` names take no domain (RFC 6265bis §4.1.3.2). */
export function setCookie(
  name: string,
  value: string,
  options: { readonly domain?: string; readonly maxAgeSeconds?: number } = {},
): string {
  const { domain, maxAgeSeconds } = options
  if (domain !== undefined && name.startsWith('__Host-')) throw new TypeError('a __Host- cookie')
  let line = `${name}=${value}; Path=/; Secure; HttpOnly; SameSite=Lax`
  if (domain !== undefined) line += `; Domain=${domain}`
  if (maxAgeSeconds !== undefined) line += `; Max-Age=${Math.floor(maxAgeSeconds)}`
  return line
}

const goneAt = { maxAgeSeconds: 0 } as const

/** A `Set-Cookie` line that takes one of our cookies away; the domain must be the one it was set with. */
export function clearCookie(name: string, options: { readonly domain?: string } = {}): string {
  const { domain } = options
  return setCookie(name, '', domain === undefined ? goneAt : { domain, maxAgeSeconds: 0 })
}

/**
 * May a backend set this cookie? Read as browsers do (RFC 6265bis §5.6), and where they differ so that none of them
 * could take it for a cookie of a parent domain or for one of ours.
 *
 * @param value of one `Set-Cookie` line.
 * @param host whose backend it is.
 * @param parentAllowed the backend may set cookies for the parent domain; ours it may set never.
 * @returns `null`: drop it; else the value, without a `Domain` that is not the host's own name: a cookie of the host alone.
 */
export function guardedSetCookie(
  value: string,
  host: string,
  parentAllowed: boolean,
): string | null {
  if (isOwnOrBroken(value)) return null
  let at = value.indexOf(';')
  if (parentAllowed || at === -1) return value
  let kept: string | null = null
  let copied = 0
  while (at !== -1) {
    const next = value.indexOf(';', at + 1)
    const end = next === -1 ? value.length : next
    // Every Domain, not the last one alone: readers of RFC 6265 pass over an empty one and take the one before.
    if (isForeignDomain(value, at + 1, end, host)) {
      const before = value.slice(copied, at)
      kept = kept === null ? before : kept + before
      copied = end
    }
    at = next
  }
  return kept === null ? value : kept + value.slice(copied)
}

const tab = 0x09
const space = 0x20
const quote = 0x22
const percent = 0x25
const apostrophe = 0x27
const comma = 0x2c
const dot = 0x2e
const semicolon = 0x3b
const equals = 0x3d
const bracket = 0x5b
const underscore = 0x5f
const del = 0x7f

/** As `indexOf`, which is far quicker than a loop over characters; the end of the text when there is none. */
function indexFrom(text: string, character: string, from: number): number {
  const at = text.indexOf(character, from)
  return at === -1 ? text.length : at
}

/** Past what a name can hide behind: white space of any kind, quotes, commas, and `=` where there is no name. */
function skipDecoration(text: string, from: number, end: number): number {
  let at = from
  while (at < end && isDecoration(text.charCodeAt(at))) at += 1
  return at
}

function isDecoration(c: number): boolean {
  return c <= space || c >= del || c === equals || c === quote || c === apostrophe || c === comma
}

/** Only `;` and blanks between the start of a cookie and what is before it. */
function beginsSegment(header: string, at: number): boolean {
  let i = at - 1
  while (i >= 0 && isBlank(header.charCodeAt(i))) i -= 1
  return i < 0 || header.charCodeAt(i) === semicolon
}

function endsSegment(header: string, at: number): boolean {
  let i = at
  while (i < header.length && isBlank(header.charCodeAt(i))) i += 1
  return i === header.length || header.charCodeAt(i) === semicolon
}

function isBlank(c: number): boolean {
  return c === space || c === tab
}

/** What removed cookies left at the front; `null`: there is nothing else. */
function withoutLeadingSeparators(rest: string): string | null {
  let i = 0
  while (i < rest.length && (rest.charCodeAt(i) === semicolon || isBlank(rest.charCodeAt(i))))
    i += 1
  if (i === rest.length) return null
  return i === 0 ? rest : rest.slice(i)
}

const reservedNames = ['__secure-gatehouse', '__host-gatehouse'] as const

/** Does a name of ours begin here? PHP decodes names and takes `.` and `[` for `_`. */
function isReservedAt(text: string, from: number): boolean {
  const first = text.charCodeAt(from)
  if (first !== underscore && first !== percent && first !== dot && first !== bracket) return false
  return spells(text, from, reservedNames[0]) || spells(text, from, reservedNames[1])
}

function spells(text: string, from: number, name: string): boolean {
  let at = from
  for (let i = 0; i < name.length; i++) {
    let c = text.charCodeAt(at)
    at += 1
    if (c === percent) {
      c = hexDigit(text.charCodeAt(at)) * 16 + hexDigit(text.charCodeAt(at + 1))
      at += 2
    }
    if (c === dot || c === bracket) c = underscore
    else if (c >= 0x41 && c <= 0x5a) c |= 0x20
    // NaN, past the end, is equal to nothing.
    if (c !== name.charCodeAt(i)) return false
  }
  return true
}

function hexDigit(c: number): number {
  if (c >= 0x30 && c <= 0x39) return c - 0x30
  const lower = c | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : Number.NaN
}

/**
 * A cookie without a name (`=__Secure-gatehouse=x`, or no `=` at all) goes out as its value, and so as ours. A control
 * character makes a browser refuse the cookie (RFC 6265bis §5.6 step 1) or, in older ones, end it early.
 */
function isOwnOrBroken(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i)
    if ((c < space && c !== tab) || c === del) return true
  }
  let at = 0
  while (at < value.length && (isDecoration(value.charCodeAt(at)) || value[at] === ';')) at += 1
  return isReservedAt(value, at)
}

/** Is this attribute a `Domain` other than the host's own name, with or without a leading dot, in any case? */
function isForeignDomain(value: string, start: number, end: number, host: string): boolean {
  let from = start
  while (from < end && isBlank(value.charCodeAt(from))) from += 1
  if (value.slice(from, from + 6).toLowerCase() !== 'domain') return false
  from += 6
  while (from < end && isBlank(value.charCodeAt(from))) from += 1
  if (from >= end) return true
  if (value.charCodeAt(from) !== equals) return false
  from += 1
  let to = end
  while (from < to && isBlank(value.charCodeAt(from))) from += 1
  while (to > from && isBlank(value.charCodeAt(to - 1))) to -= 1
  if (value.charCodeAt(from) === dot) from += 1
  return value.slice(from, to).toLowerCase() !== host
}
