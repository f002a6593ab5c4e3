// Gatehouse's own paths on every host: what stands in front of the path that a request is about. Hot path.

import type { Request } from './admission.ts'
import type { FailureCode } from './errors.ts'
import type { WakeAction } from './gate.ts'
import { tokenPathPrefix } from './proxy/request-head.ts'
import { type RequestTarget, readTarget } from './proxy/target.ts'

/** No route can take them. */
export const ownPrefix = '/.gatehouse'
/** What follows is the path of the page that it is about: the same people may as may open that page. */
const wakePrefix = '/.gatehouse/wake/'

type Asks = Pick<Request, 'exchange' | 'pathToken' | 'wakeAction'>

/** Takes a token or a word about machines out of the path, and notes it in the request. What remains is read anew. */
export function readOwnPath(request: Asks, target: RequestTarget): RequestTarget | FailureCode {
  let inner: RequestTarget | FailureCode = target
  if (inner.rawPath.startsWith(tokenPathPrefix)) inner = withoutPathToken(request, inner)
  if (typeof inner !== 'string' && inner.rawPath.startsWith(wakePrefix)) {
    inner = readWakePath(request, inner)
  }
  return inner
}

/** `/.gatehouse` and everything below it, on segment borders. */
export function isOwnPath(path: string): boolean {
  if (!path.startsWith(ownPrefix)) return false
  return path.length === ownPrefix.length || path.charCodeAt(ownPrefix.length) === 0x2f
}

/** `/.gatehouse/t/<token>/rest` becomes `/rest`, and is read anew as if it had been sent so. */
function withoutPathToken(
  request: Asks,
  target: RequestTarget,
): RequestTarget | 'bad-target' | 'target-too-long' | 'token-invalid' {
  const rest = target.rawPath.slice(tokenPathPrefix.length)
  const slash = rest.indexOf('/')
  const token = slash === -1 ? rest : rest.slice(0, slash)
  if (token === '') return 'token-invalid'
  const inner = readTarget((slash === -1 ? '/' : rest.slice(slash)) + target.query)
  if (typeof inner === 'string') return inner
  request.pathToken = token
  return {
    authority: target.authority,
    rawPath: inner.rawPath,
    query: inner.query,
    path: inner.path,
    encodedSlash: inner.encodedSlash,
    alternatives: inner.alternatives,
  }
}

/** `/.gatehouse/wake/events/rest` is about `/rest`, and `/rest` is read anew as if it had been sent so. */
function readWakePath(
  request: Asks,
  target: RequestTarget,
): RequestTarget | 'bad-target' | 'target-too-long' | 'not-found' | 'method-not-allowed' {
  const { method } = request.exchange
  const rest = target.rawPath.slice(wakePrefix.length)
  const slash = rest.indexOf('/')
  const word = slash === -1 ? rest : rest.slice(0, slash)
  const action = slash === -1 && isWaitingScript(word) ? 'script' : wakeActions.get(word)
  if (action === undefined) return 'not-found'
  request.wakeAction = action
  const methods = action === 'script' || action === 'events' ? 'GET' : 'POST'
  if (method !== methods) return 'method-not-allowed'
  if (action === 'script' || action === 'busy') return slash === -1 ? target : 'not-found'
  const inner = readTarget((slash === -1 ? '/' : rest.slice(slash)) + target.query)
  if (typeof inner === 'string') return inner
  // Behind our own paths is no machine.
  if (isOwnPath(inner.path)) return 'not-found'
  return {
    authority: target.authority,
    rawPath: inner.rawPath,
    query: inner.query,
    path: inner.path,
    encodedSlash: inner.encodedSlash,
    alternatives: inner.alternatives,
  }
}

const wakeActions: ReadonlyMap<string, WakeAction> = new Map([
  ['events', 'events'],
  ['start', 'start'],
  ['busy', 'busy'],
])

/** Whether it is the one there is, is seen when it is sent. */
function isWaitingScript(word: string): boolean {
  return word.startsWith('waiting.') && word.endsWith('.js')
}
