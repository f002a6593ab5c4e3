// One-time codes with which a session of the login host is carried over to the admin's host. In memory alone.

import type { SessionRef } from '../model.ts'
import { newSecret, type RandomBytes, sameHash, secretHash } from './secret-text.ts'

/** What a code is good for. */
export interface Entrance {
  readonly session: SessionRef
  /** The admin host's own secret of this browser, from its cookie: 43 characters base64url. */
  readonly state: string
  readonly host: string
}

export interface AdminEntrances {
  /** @returns a code, good once and for 60 s. Of more than 100 the oldest is forgotten. */
  open(entrance: Entrance): string
  /** Uses it up, whatever comes of it. @returns whether it was made for exactly this. */
  spend(code: string, entrance: Entrance): boolean
}

const lifeMs = 60_000
const maxOpen = 100

export function createAdminEntrances(deps: {
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly randomBytes: RandomBytes
}): AdminEntrances {
  const open = new Map<string, { readonly entrance: Entrance; readonly at: number }>()

  return {
    open(entrance) {
      const code = newSecret(deps.randomBytes)
      const at = deps.now()
      for (const [key, other] of open) {
        if (open.size >= maxOpen || isOver(other.at, at)) open.delete(key)
      }
      open.set(secretHash(code), { entrance, at })
      return code
    },
    spend(code, entrance) {
      const key = secretHash(code)
      const found = open.get(key)
      open.delete(key)
      if (found === undefined || isOver(found.at, deps.now())) return false
      const { session, state, host } = found.entrance
      return (
        session === entrance.session &&
        host === entrance.host &&
        sameHash(secretHash(state), secretHash(entrance.state))
      )
    },
  }
}

/** A clock that was set back makes no code younger. */
function isOver(at: number, now: number): boolean {
  return now < at || now - at > lifeMs
}
