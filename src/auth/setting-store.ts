// Small values of the gateway's own that must survive a restart, such as keys. Types alone.

/** Values are encrypted at rest. May reject with GatehouseError `store-unavailable`. */
export interface SettingStore {
  /** @returns `null`: there is none. */
  get(key: string): Promise<string | null>
  set(key: string, value: string): Promise<void>
}
