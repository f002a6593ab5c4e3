// `requestHeaders`, `responseHeaders` and `securityHeaders`: names and values that may be written.

import type { HeaderEdits, HeaderValue } from '../model.ts'
import type { Fault, Path, Reporter } from './problem.ts'
import { quote } from './quote.ts'
import type { RawHeaderEdits } from './schema.ts'

export type Direction = 'request' | 'response'

const noEdits: HeaderEdits = { set: [], remove: [] }

/** Reads one direction's edits; reports every name and value that is not allowed. */
export function readHeaderEdits(
  raw: RawHeaderEdits | undefined,
  at: Path,
  deps: { readonly direction: Direction; readonly reporter: Reporter },
): HeaderEdits {
  if (raw === undefined) return noEdits
  const { direction, reporter } = deps
  const set = new Map<string, HeaderValue>()
  for (const [name, value] of Object.entries(raw.set ?? {})) {
    const where = [...at, 'set', name]
    const fault =
      nameFault(name, direction) ?? (typeof value === 'string' ? valueFault(value) : null)
    const lower = name.toLowerCase()
    if (fault !== null) reporter.error(where, fault)
    else if (set.has(lower)) reporter.error(where, twice(name))
    else set.set(lower, value)
  }
  const remove: string[] = []
  for (const [index, name] of (raw.remove ?? []).entries()) {
    const fault = nameFault(name, direction)
    if (fault !== null) reporter.error([...at, 'remove', index], fault)
    else remove.push(name.toLowerCase())
  }
  return { set: [...set], remove }
}

/** `own` on top of `base`: what a route sets or removes wins over the same header in `defaults`. */
export function mergeHeaderEdits(base: HeaderEdits, own: HeaderEdits): HeaderEdits {
  const named = new Set([...own.set.map(([name]) => name), ...own.remove])
  return {
    set: [...base.set.filter(([name]) => !named.has(name)), ...own.set],
    remove: [...base.remove.filter((name) => !named.has(name)), ...own.remove],
  }
}

/** Why a header may not be named in the file; `null` when it may. */
export function nameFault(name: string, direction: Direction): Fault | null {
  // Narrower than a token (RFC 9110 §5.1): servers read `Remote_User` and `Remote.User` as `Remote-User`.
  if (!/^[A-Za-z0-9][A-Za-z0-9-]{0,99}$/.test(name)) {
    return {
      code: 'header-name',
      what: `${quote(name)} is no usable header name`,
      remedy: 'use letters, digits and hyphens',
    }
  }
  const lower = name.toLowerCase()
  const reason = reservedReason(lower, direction)
  if (reason === null) return null
  return {
    code: 'header-reserved',
    what: `${name} ${reason}`,
    remedy: lower === 'host' ? 'use upstreamHost' : 'choose another name',
  }
}

/** Why a backend may not be told by this header who asks; `null` when it may. */
export function identityNameFault(name: string): Fault | null {
  const lower = name.toLowerCase()
  if (identityNames.has(lower)) return null
  // What tells of the person is ours to write, what tells of the connection is written already.
  const person = lower.startsWith('remote-') || lower.startsWith('x-remote-')
  if (!person && (ordinary.test(lower) || lower.startsWith('x-gatehouse-'))) {
    return {
      code: 'header-reserved',
      what: `${name} says something else to every server`,
      remedy: 'choose a name such as Remote-User or X-Remote-User',
    }
  }
  return nameFault(name, person ? 'response' : 'request')
}

/** Headers of HTTP itself: a backend that finds a person there does something else with it. */
const ordinary =
  /^(?:accept|access-control|age$|allow$|authorization$|cache-control$|content-|date$|early-data$|etag$|from$|if-|last-event-id$|link$|origin$|pragma$|priority$|range$|referer$|sec-|service-worker|upgrade-insecure|user-agent$|x-csrf|x-xsrf|x-requested-with$)/

const identityNames = new Set([
  'x-forwarded-email',
  'x-forwarded-groups',
  'x-forwarded-preferred-username',
  'x-forwarded-user',
  'x-gatehouse-assertion',
])

/** Why a value may not be sent: line ends split a message in two, other controls are read differently by everyone. */
export function valueFault(value: string): Fault | null {
  let what: string | null = null
  if (/[\r\n]/.test(value)) what = 'contains a line end'
  else if (hasControls(value)) what = 'contains a control character'
  else if (!isLatin(value)) what = 'contains a character outside Latin-1'
  else if (value.trim() !== value) what = 'begins or ends with white space'
  // RFC 9110 §5.5.
  return what === null
    ? null
    : { code: 'header-value', what, remedy: 'write plain text on one line' }
}

function hasControls(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i)
    if ((c < 0x20 && c !== 0x09) || c === 0x7f) return true
  }
  return false
}

function isLatin(value: string): boolean {
  for (let i = 0; i < value.length; i++) if (value.charCodeAt(i) > 0xff) return false
  return true
}

/** RFC 9110 §7.6.1: these end at this hop; the others frame the message. Gatehouse writes them. */
const framing = new Set([
  'connection',
  'content-length',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Backends believe these. They carry what was checked, so no line of a file may say them instead. */
const told = new Set([
  'cf-connecting-ip',
  'client-ip',
  'cookie',
  'forwarded',
  'host',
  'max-forwards',
  'true-client-ip',
  'via',
  'x-client-ip',
  'x-forwarded',
  'x-forwarded-email',
  'x-forwarded-for',
  'x-forwarded-groups',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-preferred-username',
  'x-forwarded-proto',
  'x-forwarded-server',
  'x-forwarded-user',
  'x-real-ip',
  'x-request-id',
])

function reservedReason(lower: string, direction: Direction): string | null {
  if (framing.has(lower)) return 'belongs to the connection and is written by Gatehouse'
  if (lower.startsWith('x-gatehouse-')) return "is one of Gatehouse's own headers"
  if (direction === 'response') {
    return lower === 'x-request-id' || lower === 'set-cookie' ? 'is written by Gatehouse' : null
  }
  if (lower.startsWith('sec-websocket-')) return 'belongs to the WebSocket handshake'
  const identity = lower.startsWith('remote-') || told.has(lower)
  return identity ? 'tells the backend who asks and is written by Gatehouse' : null
}

function twice(name: string): Fault {
  return {
    code: 'duplicate-key',
    what: `${name} is set twice, in two spellings`,
    remedy: 'remove one of them',
  }
}
