// The operand and the flags of `gatehouse explain` as a request.

import { isIP } from 'node:net'
import { GatehouseError } from '../errors.ts'
import { type ExplainRequest, someAddress, splitUrl } from '../explain/request.ts'
import type { Identity, SessionRef, UserId } from '../model.ts'
import { parseDuration } from '../routes-file/units.ts'

/** RFC 9110 §5.6.2. */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/**
 * Reads the operand and flags.
 *
 * @throws GatehouseError `explain-request` for flags that no client could send.
 */
export function readRequest(url: string, flags: ReadonlyMap<string, string>): ExplainRequest {
  const written = splitUrl(url)
  if (written === null) {
    const scheme = url.slice(0, url.indexOf(':')).toLowerCase()
    throw refusal(`the scheme ${scheme} is not served`, 'write https://host/path')
  }
  const method = flags.get('method') ?? 'GET'
  if (!token.test(method)) throw refusal('--method is not a method', 'write for example POST')
  const from = flags.get('from') ?? someAddress
  if (isIP(from) === 0) throw refusal('--from is not an IP address', 'write for example 192.0.2.1')
  const user = flags.get('user') ?? null
  for (const name of ['groups', 'with', 'age']) {
    if (user === null && flags.has(name)) {
      throw refusal(`--${name} needs a person`, 'add --user <name>')
    }
  }
  const proof = flags.get('with') ?? null
  if (proof !== null && proof !== 'passkey' && proof !== 'second-factor') {
    throw refusal(`--with ${proof} is no way to sign in`, 'write passkey or second-factor')
  }
  const age = flags.get('age') ?? '0s'
  const ageMs = parseDuration(age)
  if (ageMs === null) throw refusal('--age is not a duration', 'write for example 20m')
  for (const name of ['origin', 'fetch-site']) {
    const value = flags.get(name) ?? ''
    if (!/^[\x20-\x7e]*$/.test(value))
      throw refusal(`--${name} has characters no header may have`, 'write printable ASCII')
  }
  return {
    url,
    ...written,
    method,
    identity: user === null ? null : person(user, flags.get('groups') ?? '', { proof, ageMs }),
    origin: flags.get('origin') ?? null,
    fetchSite: flags.get('fetch-site') ?? null,
    webSocket: flags.has('websocket') || written.webSocket,
    from,
    cloudflare: flags.has('cloudflare'),
  }
}

/** @param shown credentials, so long before time 0, which is when the request is made. */
function person(
  user: string,
  groups: string,
  shown: { readonly proof: 'passkey' | 'second-factor' | null; readonly ageMs: number },
): Identity {
  const names = groups.split(',').map((group) => group.trim())
  return {
    user: user as UserId,
    name: user,
    email: null,
    groups: names.filter((group) => group !== ''),
    session: 'explain' as SessionRef,
    via: 'session',
    passkey: shown.proof === 'passkey',
    secondFactor: shown.proof !== null,
    authenticatedAt: -shown.ageMs,
    mayWake: true,
  }
}

function refusal(what: string, remedy: string): GatehouseError {
  return new GatehouseError('explain-request', what, { remedy })
}
