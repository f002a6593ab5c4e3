// Keys of TLS session tickets: made at start, replaced daily, never written down.

/** Whoever learns a key can read the tickets sealed with it, so a key is worth stealing for a day at most. */
export const ticketKeyLifetimeMs = 24 * 60 * 60 * 1000

/** Bytes of one key as Node takes it: name, HMAC and AES parts. */
export const ticketKeyBytes = 48

export interface TicketKeys {
  /** Makes a new key if the old one's day is over; `true` when it did. Cheap: call it often. */
  rotate(): boolean
  /** The key in use, for a server that starts. */
  current(): Buffer
}

/**
 * A ticket from before a rotation or a restart costs its owner one full handshake, no more. Keeping keys on disk would
 * save that handshake and turn a stolen backup into a way to resume sessions, so they live in memory alone.
 *
 * @param apply hands a new key to the TLS server.
 */
export function createTicketKeys(deps: {
  readonly now: () => number
  readonly randomBytes: (size: number) => Buffer
  readonly apply: (key: Buffer) => void
}): TicketKeys {
  let key = deps.randomBytes(ticketKeyBytes)
  let madeAt = deps.now()
  return {
    rotate() {
      const age = deps.now() - madeAt
      // A clock set back must not keep a key alive for longer.
      if (age >= 0 && age < ticketKeyLifetimeMs) return false
      key = deps.randomBytes(ticketKeyBytes)
      madeAt = deps.now()
      deps.apply(key)
      return true
    },
    current: () => key,
  }
}
