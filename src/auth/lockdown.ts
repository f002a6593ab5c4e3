// Closed to visitors: only people who are signed in, and networks that are known, are let in. Where that is remembered.

import type { SettingStore } from './setting-store.ts'

export interface Lockdown {
  readonly on: boolean
  /** Wall clock, milliseconds; `null`: it is off. */
  readonly since: number | null
  /** A person, or `cli`; `null`: it is off. */
  readonly by: string | null
}

export const noLockdown: Lockdown = { on: false, since: null, by: null }
const key = 'lockdown'

/**
 * What is there and cannot be understood counts as on: closed is what somebody wanted who wrote it.
 *
 * @throws GatehouseError `store-unavailable`.
 */
export async function readLockdown(settings: SettingStore): Promise<Lockdown> {
  const text = await settings.get(key)
  if (text === null) return noLockdown
  try {
    const value: unknown = JSON.parse(text)
    if (value === null) return noLockdown
    if (typeof value === 'object' && 'since' in value && 'by' in value) {
      const { since, by } = value
      if (typeof since === 'number' && typeof by === 'string') return { on: true, since, by }
    }
  } catch {
    // As anything else that nobody understands.
  }
  return { on: true, since: null, by: null }
}

/** It outlives the process. @throws GatehouseError `store-unavailable`: nothing has changed. */
export async function writeLockdown(
  settings: SettingStore,
  change: { readonly on: boolean; readonly by: string; readonly at: number },
): Promise<Lockdown> {
  const { on, by, at } = change
  await settings.set(key, on ? JSON.stringify({ since: at, by }) : 'null')
  return on ? { on, since: at, by } : noLockdown
}
