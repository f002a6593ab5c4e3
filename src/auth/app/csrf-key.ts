// The key of CSRF tokens: kept, so that a page that was open during a restart still works.

import type { EventLog } from '../../log.ts'
import type { SettingStore } from '../setting-store.ts'

const setting = 'csrf-key'
const keyBytes = 32

/** Never rejects: while the store is not to be had, a key of this process does, and open pages ask to try again. */
export async function csrfKeyOf(deps: {
  readonly settings: SettingStore
  readonly randomBytes: (size: number) => Buffer
  readonly log: EventLog
}): Promise<Buffer> {
  const fresh = deps.randomBytes(keyBytes)
  try {
    const kept = await deps.settings.get(setting)
    const key = kept === null ? null : Buffer.from(kept, 'base64url')
    if (key?.length === keyBytes) return key
    await deps.settings.set(setting, fresh.toString('base64url'))
  } catch {
    deps.log.warn('csrf-key-not-kept', { reason: 'store-unavailable' })
  }
  return fresh
}
