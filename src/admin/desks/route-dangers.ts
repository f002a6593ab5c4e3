// Whether an edit of the table would cut the branch that its editor sits on: the login page, the admin page, his own way in.

import { decide } from '../../auth/policy.ts'
import type { Host, Identity, Route, TableDefinition } from '../../model.ts'
import { isInside, readCidr } from '../../routes-file/cidr.ts'
import type { Danger } from './types.ts'

/** Who edits, and from where. */
export interface Editor {
  /** As the gateway sees him at the admin page. */
  readonly identity: Identity
  /** Client address; `null`: not known. */
  readonly client: string | null
}

/**
 * What `after` would cost, compared with what runs. Whatever is as bad already is no danger of this edit.
 *
 * @param editor `null`: his own access is not looked at.
 */
export function dangersOf(
  before: TableDefinition,
  after: TableDefinition,
  editor: Editor | null,
): readonly Danger[] {
  const found = [...loginDangers(before, after, editor), ...adminDangers(before, after, editor)]
  const [first] = found
  // One name to type, however much would be lost.
  return first === undefined ? [] : found.map((danger) => ({ ...danger, typed: first.typed }))
}

function loginDangers(
  before: TableDefinition,
  after: TableDefinition,
  editor: Editor | null,
): readonly Danger[] {
  const typed: string = before.loginHost
  const say = (words: string): Danger => ({ kind: 'login-page', words, typed })
  const dangers: Danger[] = []
  if (after.loginHost !== before.loginHost) {
    dangers.push(
      say(
        `People would sign in at ${after.loginHost} instead of ${before.loginHost}; without DNS and a certificate for it, nobody can.`,
      ),
    )
  }
  if (after.login.relyingParty !== before.login.relyingParty) {
    dangers.push(
      say(
        `Passkeys made for ${before.login.relyingParty} would not work any more: they would have to be for ${after.login.relyingParty}.`,
      ),
    )
  }
  const was = appRoutes(before, 'login').find(({ host }) => nameOf(host) === before.loginHost)
  const is = appRoutes(after, 'login').find(({ host }) => nameOf(host) === after.loginHost)
  if (was !== undefined && is !== undefined) {
    const loss = lossOf([was, before], [is, after], editor)
    if (loss !== null) dangers.push(say(`The login page ${loss}.`))
  }
  return dangers
}

function adminDangers(
  before: TableDefinition,
  after: TableDefinition,
  editor: Editor | null,
): readonly Danger[] {
  const dangers: Danger[] = []
  for (const was of appRoutes(before, 'admin')) {
    const host = nameOf(was.host)
    const is = appRoutes(after, 'admin').find((route) => nameOf(route.host) === host)
    const say = (kind: Danger['kind'], words: string): void => {
      dangers.push({ kind, words, typed: host })
    }
    if (is === undefined) {
      const other = appRoutes(after, 'admin')[0]
      const where = other === undefined ? 'anywhere' : `but at ${nameOf(other.host)}`
      say('admin-page', `The admin page would not be at ${host} any more, nor ${where}.`)
      continue
    }
    const loss = lossOf([was, before], [is, after], editor)
    if (loss !== null) say('admin-page', `The admin page ${loss}.`)
    if (editor === null || !admits(was, editor.identity)) continue
    if (!admits(is, editor.identity)) {
      say('own-access', `You would not be let into the admin page at ${host} any more.`)
    } else if (asksMore(was, is)) {
      say('own-access', `The admin page at ${host} would ask for more than before: have it ready.`)
    }
  }
  return dangers
}

type Placed = readonly [Route, TableDefinition]

/** What would keep everybody, or this editor, from a page; the end of a sentence. */
function lossOf([was, from]: Placed, [is, to]: Placed, editor: Editor | null): string | null {
  if (was.maintenance === null && is.maintenance !== null)
    return 'would say that it is being worked on'
  if (!was.cloudflareOnly && is.cloudflareOnly) {
    return 'would be there only for those who come through Cloudflare'
  }
  if (editor?.client != null && lets(was, editor.client) && !lets(is, editor.client)) {
    return `would not be there for your address, ${editor.client}`
  }
  const tight = (route: Route, table: TableDefinition): boolean =>
    [route.rateLimit, table.floodLimit].some(
      ({ perSecond, burst }) => perSecond < leastPerSecond || burst < leastBurst,
    )
  if (!tight(was, from) && tight(is, to))
    return 'would hardly answer: a page needs several requests at once'
  return null
}

/** Below, a page of ours does not load. */
const leastPerSecond = 1
const leastBurst = 10

function appRoutes({ routes }: TableDefinition, app: 'login' | 'admin'): readonly Route[] {
  return routes.filter(({ target }) => target.kind === 'app' && target.app === app)
}

function nameOf(host: Route['host']): Host {
  return host.kind === 'exact' ? host.host : host.suffix
}

/** Where an administrator is known as himself: a page for everyone knows nobody. */
const asked = [
  ['GET', '/'],
  ['GET', '/routes'],
  ['POST', '/routes'],
  ['GET', '/api/v1/routes'],
  ['PUT', '/api/v1/routes/file'],
] as const

/** As somebody who has just shown everything that can be asked for. */
function admits({ policy }: Route, identity: Identity): boolean {
  const fresh: Identity = { ...identity, passkey: true, secondFactor: true, authenticatedAt: 0 }
  return asked.every(([method, path]) => {
    const facts = { method, path, webSocket: false, origin: null, fetchSite: 'same-origin' }
    const decision = decide(policy, fresh, { ...facts, ownOrigin: '', allowedOrigins: [], now: 0 })
    return decision.kind === 'allow' && decision.to === 'person'
  })
}

function asksMore(was: Route, is: Route): boolean {
  const proofs = ({ policy }: Route): readonly string[] => {
    const all = policy.kind === 'rules' ? policy.rules.map((rule) => rule.policy) : [policy]
    return all.flatMap((each) => ('requires' in each ? [each.requires.proof] : []))
  }
  const more = (proof: string) => proofs(is).includes(proof) && !proofs(was).includes(proof)
  if (more('passkey')) return true
  return more('second-factor') && !proofs(was).includes('passkey')
}

function lets({ clients: { allow, deny } }: Route, client: string): boolean {
  const read = readCidr(client.replace(/^::ffff:(?=\d+\.)/i, ''))
  if (!('cidr' in read)) return true
  if (deny.some((network) => isInside(read.cidr, network))) return false
  return allow.length === 0 || allow.some((network) => isInside(read.cidr, network))
}
