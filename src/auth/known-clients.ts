// Networks somebody has signed in from lately: a phone's own login may wake its server, a stranger's may not.

import type { EventLog } from '../log.ts'
import type { SettingStore } from './setting-store.ts'
import { createStoreTrouble } from './store-trouble.ts'

export interface KnownClients {
  /** Somebody signed in from there. */
  add(network: string, now: number): void
  /** Within the last 30 days? */
  has(network: string, now: number): boolean
  /** Adds what an earlier process remembered. @throws GatehouseError `store-unavailable`. */
  load(): Promise<void>
  /** Writes when something changed. Never rejects. To be called every 30 s and at the end. */
  flush(): Promise<void>
  readonly size: number
}

export interface KnownClientsDeps {
  readonly settings: SettingStore
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly log: EventLog
}

const key = 'known-clients'
const rememberedMs = 30 * 86_400_000
/** Networks at a time; the one seen longest ago is forgotten first. */
const maxNetworks = 10_000
/** How much later a time must be to be worth writing. */
const worthWritingMs = 3_600_000
const maxNetworkLength = 64

export function createKnownClients(deps: KnownClientsDeps): KnownClients {
  const { settings } = deps
  /** Network → wall clock of its last sign-in; in this order. */
  const networks = new Map<string, number>()
  const trouble = createStoreTrouble(deps.log, key)
  let changed = false

  function add(network: string, now: number): void {
    if (network.length > maxNetworkLength) return
    const before = networks.get(network)
    if (before === undefined || Math.abs(now - before) >= worthWritingMs) changed = true
    networks.delete(network)
    networks.set(network, now)
    if (networks.size > maxNetworks) forgetFirst()
  }

  function forgetFirst(): void {
    for (const oldest of networks.keys()) {
      networks.delete(oldest)
      return
    }
  }

  function has(network: string, now: number): boolean {
    const at = networks.get(network)
    return at !== undefined && now - at < rememberedMs
  }

  async function load(): Promise<void> {
    const text = await settings.get(key)
    if (text === null) return
    const now = deps.now()
    const current = [...networks]
    networks.clear()
    for (const [network, at] of readEntries(text)) {
      // A time to come is a clock's mistake, and must not last for years.
      if (now - at < rememberedMs) networks.set(network, Math.min(at, now))
    }
    for (const [network, at] of current) {
      networks.delete(network)
      networks.set(network, at)
    }
    while (networks.size > maxNetworks) forgetFirst()
  }

  async function flush(): Promise<void> {
    if (!changed) return
    changed = false
    const now = deps.now()
    const fresh = [...networks].filter(([, at]) => now - at < rememberedMs)
    const text = JSON.stringify(fresh.map(([network, at]) => [network, Math.floor(at)]))
    try {
      await settings.set(key, text)
      trouble.worked()
    } catch (error) {
      changed = true
      trouble.failed(error)
    }
  }

  return {
    add,
    has,
    load,
    flush,
    get size() {
      return networks.size
    },
  }
}

/** What cannot be read is not there: whoever is missing signs in once more. */
function readEntries(text: string): [network: string, at: number][] {
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch {
    return []
  }
  if (!Array.isArray(data)) return []
  const entries: [string, number][] = []
  for (const item of data) {
    if (!Array.isArray(item)) continue
    const [network, at] = item
    if (typeof network === 'string' && typeof at === 'number') entries.push([network, at])
  }
  return entries
}
