// Which connections there are: one pool per target, kept while it is used. Hot path.

import type { Timeouts, UpstreamTarget } from '../model.ts'
import type { Upstream } from './call.ts'
import { createUpstream, type KeptUpstream } from './upstream.ts'
import type { UpstreamDeps } from './upstream-options.ts'

/** Server names, and so pools, kept for one fallback; beyond it all are forgotten. */
const maxServerNames = 200
/** A target without a request for so long is forgotten, milliseconds. */
const forgetAfterMs = 600_000

export interface Upstreams {
  /** @param serverName for TLS; only a fallback target passes one, to keep the visitor's. */
  get(target: UpstreamTarget, timeouts: Timeouts, serverName: string | null): Upstream
  list(): readonly Upstream[]
  /** The one that requests to this target use; `null`: none was lately. */
  find(target: UpstreamTarget): Upstream | null
  /** Forgets connections and whole targets that were not used lately. Call it every few seconds. */
  sweep(now: number): void
  close(): void
}

export function createUpstreams(deps: UpstreamDeps): Upstreams {
  const pools = new Map<string, KeptUpstream>()
  /** Spares the key: by the object that a route holds, and the server name where there is one. */
  const byTarget = new WeakMap<UpstreamTarget, Map<string | null, KeptUpstream>>()

  function get(target: UpstreamTarget, timeouts: Timeouts, serverName: string | null): Upstream {
    let known = byTarget.get(target)
    if (known === undefined) {
      known = new Map()
      byTarget.set(target, known)
    }
    const found = known.get(serverName)
    if (found !== undefined && !found.closed) return found
    const key = `${JSON.stringify(target)} ${timeouts.connectMs} ${serverName}`
    let pool = pools.get(key)
    if (pool === undefined) {
      pool = createUpstream(target, { connectMs: timeouts.connectMs, serverName }, deps)
      pools.set(key, pool)
    }
    // Names under a wildcard certificate are the visitor's to invent.
    if (known.size >= maxServerNames) forgetAll(known)
    known.set(serverName, pool)
    return pool
  }

  function find(target: UpstreamTarget): Upstream | null {
    const found = byTarget.get(target)?.get(null)
    return found === undefined || found.closed ? null : found
  }

  function forgetAll(known: Map<string | null, KeptUpstream>): void {
    for (const pool of known.values()) pool.close()
    known.clear()
    for (const [key, pool] of pools) if (pool.closed) pools.delete(key)
  }

  function sweep(now: number): void {
    for (const [key, pool] of pools) {
      pool.sweep(now)
      if (pool.unusedSince(now) > forgetAfterMs) {
        pool.close()
        pools.delete(key)
      }
    }
  }

  function close(): void {
    for (const pool of pools.values()) pool.close()
    pools.clear()
  }

  return { get, find, list: () => [...pools.values()], sweep, close }
}
