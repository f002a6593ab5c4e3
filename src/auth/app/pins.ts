// Which numbers stand behind names at a provider. A name can be given up and taken by somebody else; a number cannot.

import type { SettingStore } from '../setting-store.ts'

export interface Pins {
  /** @returns `null`: nobody has come under this name yet. May reject with `store-unavailable`. */
  get(name: string): Promise<string | null>
  /** Pins the name, once and for ever. @returns false: it belongs to another number. May reject likewise. */
  claim(name: string, id: string): Promise<boolean>
}

/** @param prefix of the settings that keep them, one each. */
export function createPins(deps: { readonly store: SettingStore; readonly prefix: string }): Pins {
  const { store, prefix } = deps
  // One after the other: of two first sign-ins under one name, one gets it.
  let last: Promise<unknown> = Promise.resolve()
  const get = (name: string) => store.get(`${prefix} ${name}`)

  async function claim(name: string, id: string): Promise<boolean> {
    const holder = await get(name)
    if (holder !== null) return holder === id
    await store.set(`${prefix} ${name}`, id)
    return true
  }

  return {
    get,
    claim(name, id) {
      const turn = last.then(() => claim(name, id))
      last = turn.catch(() => {})
      return turn
    },
  }
}
