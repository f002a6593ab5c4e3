// What a person is in the middle of: short-lived state between two requests of one browser, in memory, used once.

import { createHash } from 'node:crypto'
import type { UserId } from '../../model.ts'

/**
 * What each kind of flow remembers. A page adds its own kind where it stands:
 *
 *     declare module './flows.ts' { interface FlowData { 'my-kind': { readonly … } } }
 */
export interface FlowData {
  /** The right password was shown; the second factor is missing. */
  'second-factor': {
    readonly user: UserId
    readonly returnTo: string | null
    readonly reason: string | null
    readonly remember: boolean
  }
}

/** Whom a flow belongs to. */
export interface FlowOwner {
  /** Value of the browser cookie; only its hash is kept. */
  readonly browser: string
  readonly network: string
}

export interface Flow<K extends keyof FlowData> {
  /** 22 characters base64url; for a form or a query of our own. Worth nothing without the browser's cookie. */
  readonly id: string
  readonly kind: K
  readonly data: FlowData[K]
  /** On the clock that was given, milliseconds. */
  readonly expiresAt: number
}

export interface Flows {
  /** @param lifeMs default 10 minutes. */
  begin<K extends keyof FlowData>(
    kind: K,
    data: FlowData[K],
    owner: FlowOwner,
    lifeMs?: number,
  ): Flow<K>
  /** @returns `null`: unknown, of another kind or browser, used or expired. Does not use it up. */
  find<K extends keyof FlowData>(kind: K, id: string, browser: string): Flow<K> | null
  /** As `find`, and uses it up: of two that come at once, one gets it. */
  spend<K extends keyof FlowData>(kind: K, id: string, browser: string): Flow<K> | null
  readonly size: number
}

/** How long a flow lives unless it says otherwise, milliseconds. */
export const flowLifeMs = 600_000
/** Flows of one network; the oldest makes room. */
const maxPerNetwork = 50
/** All flows, about 500 bytes each; the oldest makes room. */
const maxFlows = 10_000

/** @param deps.now milliseconds; a steady clock, so that setting the wall clock neither ends nor revives a flow. */
export function createFlows(deps: {
  readonly now: () => number
  readonly randomBytes: (size: number) => Buffer
}): Flows {
  // Maps keep the order of insertion, so the first is the oldest.
  const flows = new Map<string, Kept>()
  const byNetwork = new Map<string, Set<string>>()

  function forget(id: string): void {
    const kept = flows.get(id)
    if (kept === undefined) return
    flows.delete(id)
    const ids = byNetwork.get(kept.network)
    ids?.delete(id)
    if (ids?.size === 0) byNetwork.delete(kept.network)
  }

  function makeRoom(network: string, now: number): void {
    for (const [id, kept] of flows) {
      if (kept.flow.expiresAt > now && flows.size < maxFlows) break
      forget(id)
    }
    const ids = byNetwork.get(network)
    if (ids === undefined || ids.size < maxPerNetwork) return
    for (const id of ids) {
      forget(id)
      return
    }
  }

  function find<K extends keyof FlowData>(kind: K, id: string, browser: string): Flow<K> | null {
    const kept = flows.get(id)
    if (kept === undefined || kept.browser !== hashOf(browser)) return null
    if (kept.flow.expiresAt <= deps.now()) {
      forget(id)
      return null
    }
    return isOfKind(kept.flow, kind) ? kept.flow : null
  }

  return {
    begin(kind, data, owner, lifeMs = flowLifeMs) {
      const now = deps.now()
      makeRoom(owner.network, now)
      const id = deps.randomBytes(16).toString('base64url')
      const flow = { id, kind, data, expiresAt: now + lifeMs }
      flows.set(id, { flow, browser: hashOf(owner.browser), network: owner.network })
      const ids = byNetwork.get(owner.network)
      if (ids === undefined) byNetwork.set(owner.network, new Set([id]))
      else ids.add(id)
      return flow
    },
    find,
    spend(kind, id, browser) {
      const flow = find(kind, id, browser)
      if (flow !== null) forget(id)
      return flow
    },
    get size() {
      return flows.size
    },
  }
}

interface Kept {
  readonly flow: AnyFlow
  readonly browser: string
  readonly network: string
}

type AnyFlow = Flow<keyof FlowData>

/** The kind tells the type of the data: they are set together, in `begin` alone. */
function isOfKind<K extends keyof FlowData>(flow: AnyFlow, kind: K): flow is Flow<K> {
  return flow.kind === kind
}

/** Comparing hashes tells nothing about the value by the time it takes. */
function hashOf(browser: string): string {
  return createHash('sha256').update(browser).digest('base64url')
}
