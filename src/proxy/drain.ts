// The end of a listener: everything in flight finishes, everything idle is told, and there is a deadline.

import { type Connection, type Connections, closeIdle } from './connections.ts'

/**
 * How long an idle HTTP/1 connection may still bring a request, at most. Its client cannot be told that we go, and
 * closing while it writes is an error on its screen; most busy ones come back within this time and hear
 * `Connection: close` with their answer.
 */
const graceMs = 1500
const pollMs = 20

/** Call it after the listening sockets are closed and answers say `Connection: close`. Resolves when none is left. */
export function drainConnections(
  connections: Connections,
  deadlineMs: number,
  deps: { readonly now: () => number },
): Promise<void> {
  const begun = deps.now()
  const grace = Math.min(graceMs, deadlineMs / 2)
  for (const connection of connections.all()) {
    if (connection.session !== null) connection.session.close()
    else if (connection.response !== null && !connection.response.headersSent)
      connection.response.shouldKeepAlive = false
  }
  return new Promise((resolve) => {
    const deadline = setTimeout(() => {
      for (const connection of connections.all()) connection.socket.destroy()
    }, deadlineMs)
    // One timer that looks, instead of a listener on each of a thousand sockets.
    const poll = setInterval(() => {
      const before = deps.now() - grace
      if (before >= begun)
        for (const connection of connections.all())
          if (isSilent(connection, before)) closeIdle(connection)
      if (connections.size > 0) return
      clearInterval(poll)
      clearTimeout(deadline)
      resolve()
    }, pollMs)
  })
}

/** A handshake is not silence: its client came before we left, and its request is what comes next. */
function isSilent(connection: Connection, before: number): boolean {
  return (
    connection.active === 0 && connection.kind !== 'handshake' && connection.idleSince <= before
  )
}
