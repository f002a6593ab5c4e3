// Keeps one client from holding every connection to a backend: how many each holds, and who may have one more. Hot path.

/** Connections a client may hold as long as nobody else is short of them. */
const shareOf = (total: number) => Math.ceil(total / 4)

export interface FairShare {
  /**
   * Whether a client may take one more. Below its share always; above it only out of what is not kept for others.
   *
   * @param free connections not in use, those not opened yet included.
   */
  mayTake(client: string, free: number): boolean
  take(client: string): void
  give(client: string): void
}

/**
 * @param total connections there can be. A client may hold a quarter at any time, and more while over a quarter is free:
 *   a stranger who reads a hundred answers slowly cannot shut the others out.
 */
export function createFairShare(total: number): FairShare {
  const share = shareOf(total)
  const held = new Map<string, number>()
  return {
    mayTake: (client, free) => free > share || (held.get(client) ?? 0) < share,
    take(client) {
      held.set(client, (held.get(client) ?? 0) + 1)
    },
    give(client) {
      const count = held.get(client) ?? 0
      if (count > 1) held.set(client, count - 1)
      else held.delete(client)
    },
  }
}
