// What the login page may know of the table: which addresses are ours to go back to, and how hosts are written in a CSP.

import { isAbsolute } from 'node:path/posix'
import type { Host } from '../model.ts'
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
  /** Origins of all routed hosts, wildcards as `https://*.example.com`. */
  readonly hosts: () => readonly string[]
}

export function placesOf(table: () => RouteTable, publicPort: () => number): Places {
  let known: { readonly table: RouteTable; readonly hosts: readonly string[] } | null = null

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

  function hosts(): readonly string[] {
    const current = table()
    if (known?.table === current) return known.hosts
    const origins = new Set<string>()
    for (const { definition } of current.routes) {
      const { host } = definition
      const name = host.kind === 'exact' ? host.host : host.suffix
      const origin = originOf(name, publicPort())
      origins.add(host.kind === 'exact' ? origin : origin.replace('https://', 'https://*.'))
    }
    known = { table: current, hosts: [...origins].sort() }
    return known.hosts
  }

  return { routeOf, hosts }
}
