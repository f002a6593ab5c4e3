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
}

export interface OwnServicesDeps {
  /** Wall clock, milliseconds. */
  readonly now: number
  readonly publicPort: number
}

/**
 * By name. Without what is no service (the login page, redirects, fixed answers), landing pages, whose service has a place of
 * its own, and hosts that are a pattern: they have no one address.
 */
export function ownServices(
  routes: readonly Route[],
  identity: Identity,
  deps: OwnServicesDeps,
): readonly OwnService[] {
  const found: OwnService[] = []
  for (const route of routes) {
    const { host, path, target } = route
    const isService =
      target.kind === 'upstream' || (target.kind === 'app' && target.app === 'admin')
    if (host.kind !== 'exact' || !isService) continue
    const decision = opened(route, host.host, { identity, ...deps })
    if (decision.kind === 'deny') continue
    found.push({
      id: route.id,
      name: route.service,
      url: originOf(host.host, deps.publicPort) + path,
      place: path === '/' ? host.host : host.host + path,
      isPublic: decision.kind === 'allow' && decision.to === 'everyone',
      asks:
        decision.kind === 'sign-in' && decision.reason !== 'no-session' ? decision.reason : null,
      isMaintained: route.maintenance !== null,
    })
  }
  return found.toSorted((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1))
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
