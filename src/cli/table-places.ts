// What the login page may know of the table: which addresses are ours to go back to, and how hosts are written in a CSP.

import { isAbsolute } from 'node:path/posix'
import type { User } from '../auth/people.ts'
import type { Host, Policy, SimplePolicy } from '../model.ts'
import { readTarget } from '../proxy/target.ts'
import type { RouteTable } from '../routes.ts'
import { originOf } from '../sign-in-url.ts'

export interface Place {
  /** Where this route's landing page goes on to; `null`: it is no landing page. */
  readonly landing: string | null
  readonly isPublic: boolean
}

export interface Places {
  /** @returns `null`: no route of ours is there. */
  readonly routeOf: (host: Host, path: string) => Place | null
  /** Origins that people go on to after signing in, as a CSP writes them. */
  readonly hosts: () => readonly string[]
}

export function placesOf(table: () => RouteTable, publicPort: () => number): Places {
  function routeOf(host: Host, path: string): Place | null {
    const target = isAbsolute(path) ? readTarget(path) : 'bad-target'
    if (typeof target === 'string') return null
    const route = table().match(host, target.path)
    if (route === null) return null
    const { target: leads, policy } = route.definition
    return {
      landing: leads.kind === 'landing' ? leads.continueTo : null,
      isPublic: policy.kind === 'public',
    }
  }

  /** By the domain alone: a list of hosts would tell every stranger which services there are. */
  function hosts(): readonly string[] {
    const origin = originOf(table().definition.domain, publicPort())
    return [origin, origin.replace('https://', 'https://*.')]
  }

  return { routeOf, hosts }
}

/** Does the table have the admin at this host? */
export function isAdminHost({ routes }: RouteTable, host: Host): boolean {
  return routes.some(
    ({ definition: { target, host: pattern } }) =>
      target.kind === 'app' &&
      target.app === 'admin' &&
      pattern.kind === 'exact' &&
      pattern.host === host,
  )
}

/** Enabled, and let in by a policy of a route to the admin. One that everybody may open makes nobody an administrator. */
export function mayAdminister({ routes }: RouteTable, user: User): boolean {
  if (user.disabled) return false
  return routes.some(
    ({ definition: { target }, policy }) =>
      target.kind === 'app' && target.app === 'admin' && admits(policy, user),
  )
}

function admits(policy: Policy | SimplePolicy, user: User): boolean {
  switch (policy.kind) {
    case 'rules':
      return policy.rules.some((rule) => admits(rule.policy, user))
    case 'members':
      return (
        policy.users.includes(user.id) || policy.groups.some((group) => user.groups.includes(group))
      )
    case 'signed-in':
      return true
    case 'public':
    case 'nobody':
      return false
    default:
      return policy satisfies never
  }
}
