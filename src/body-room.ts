// How much of request bodies our own applications keep in memory at a time: in all, and for one client.

/** Bytes. */
export interface BodyRoomLimits {
  readonly total: number
  readonly perClient: number
}

/** What one request keeps there. */
export interface BodyShare {
  /** @returns false: no room for so many bytes more. */
  take(bytes: number): boolean
  /** The body is no longer needed. Twice does no harm. */
  leave(): void
}

export interface BodyRoom {
  /** @param client what it is counted by: a session, or a stranger's network. */
  enter(client: string, isStranger: boolean): BodyShare
}

/** A form is some hundred bytes, the largest thing that is sent 256 KiB: many of those are no person. */
const defaults: BodyRoomLimits = { total: 16_777_216, perClient: 2_097_152 }

/**
 * Two rooms, one of them for strangers alone: however many of them send however slowly, whoever is signed in finds room. Without it
 * one client could have us keep 100 streams of 256 KiB for half a minute, on each of his connections.
 */
export function createBodyRoom(limits: BodyRoomLimits = defaults): BodyRoom {
  const people = createHalf(limits)
  const strangers = createHalf(limits)
  return { enter: (client, isStranger) => (isStranger ? strangers : people)(client) }
}

function createHalf({ total, perClient }: BodyRoomLimits): (client: string) => BodyShare {
  const clients = new Map<string, number>()
  let all = 0

  function move(client: string, bytes: number): void {
    all += bytes
    const kept = (clients.get(client) ?? 0) + bytes
    if (kept === 0) clients.delete(client)
    else clients.set(client, kept)
  }

  return (client) => {
    let own = 0
    return {
      take(bytes) {
        if (all + bytes > total || (clients.get(client) ?? 0) + bytes > perClient) return false
        own += bytes
        move(client, bytes)
        return true
      },
      leave() {
        const bytes = own
        own = 0
        move(client, -bytes)
      },
    }
  }
}
