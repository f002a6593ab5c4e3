// Closed to visitors: only people who are signed in, and networks that are known, are let in. Where that is remembered.

import type { SettingStore } from './auth/setting-store.ts'

const key = 'lockdown'

/** @throws GatehouseError `store-unavailable`. */
export async function readLockdown(settings: SettingStore): Promise<boolean> {
  return (await settings.get(key)) === 'on'
}

/** It outlives the process. @throws GatehouseError `store-unavailable`: nothing has changed. */
export function writeLockdown(settings: SettingStore, on: boolean): Promise<void> {
  return settings.set(key, on ? 'on' : 'off')
}
