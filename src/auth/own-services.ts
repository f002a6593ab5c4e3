// Which services of the table somebody may open, for the page that lists them. Pure.

import type { Decision, Host, Identity, Route } from '../model.ts'
import { originOf } from '../sign-in-url.ts'
import { decide } from './policy.ts'

export interface OwnService {
  /** Of its route. */
  readonly id: string
  readonly name: string
  readonly url: string
  /** `photos.example.com/photoprism` */
  readonly place: string
  /** Strangers may open it too. */
  readonly isPublic: boolean
  /** What is asked for once more before it opens; `null`: one click. */
  readonly asks: 'passkey' | 'second-factor' | 'not-recent' | null
  readonly isMaintained: boolean
  /** A visit starts its machine when that is asleep. */
  readonly wakes: boolean
}

export interface OwnServicesDeps {
  /** Wall clock, milliseconds. */
  readonly now: number
  readonly publicPort: number
}

/**
 * By name. Without what is no service (the login page, redirects, fixed answers), landing pages, whose service has a place of
 * its own, hosts that are a pattern, because they have no one address, and parts of a service: routes of its name below a
 * path that is listed.
 */
export function ownServices(
  routes: readonly Route[],
  identity: Identity,
  deps: OwnServicesDeps,
): readonly OwnService[] {
  const found: Found[] = []
  for (const route of routes) {
    const { host, path, target } = route
    const isService =
      target.kind === 'upstream' || (target.kind === 'app' && target.app === 'admin')
    if (host.kind !== 'exact' || !isService) continue
    const decision = opened(route, host.host, { identity, ...deps })
    if (decision.kind === 'deny') continue
    found.push({
      id: route.id,
      host: host.host,
      path,
      name: nameOf(route),
      url: originOf(host.host, deps.publicPort) + path,
      place: path === '/' ? host.host : host.host + path,
      isPublic: decision.kind === 'allow' && decision.to === 'everyone',
      asks:
        decision.kind === 'sign-in' && decision.reason !== 'no-session' ? decision.reason : null,
      isMaintained: route.maintenance !== null,
      wakes: route.wake !== 'manual' && route.wake !== 'never',
    })
  }
  return found
    .filter((each) => !found.some((whole) => isPartOf(each, whole)))
    .map(({ host: _host, path: _path, ...service }) => service)
    .toSorted((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1))
}

type Found = OwnService & { readonly host: Host; readonly path: string }

/** A route without a name is called after its address, which says nothing of ourselves. */
function nameOf({ id, service, target }: Route): string {
  return target.kind === 'app' && service === id ? 'Admin' : service
}

/** Not when the whole is listed among what is open to everyone, and this is not: nobody looks for it there. */
function isPartOf(part: Found, whole: Found): boolean {
  return (
    part.host === whole.host &&
    part.name === whole.name &&
    part.path !== whole.path &&
    part.path.startsWith(whole.path.endsWith('/') ? whole.path : `${whole.path}/`) &&
    (part.isPublic || !whole.isPublic)
  )
}

/** What a click on its link would meet. */
function opened(
  { policy, path, allowedOrigins }: Route,
  host: Host,
  { identity, now, publicPort }: OwnServicesDeps & { readonly identity: Identity },
): Decision {
  return decide(policy, identity, {
    method: 'GET',
    path,
    webSocket: false,
    origin: null,
    fetchSite: 'same-site',
    ownOrigin: originOf(host, publicPort),
    allowedOrigins,
    now,
  })
}
