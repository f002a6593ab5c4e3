// The end of a listener: everything in flight finishes, everything idle is told, and there is a deadline.

import { type Connection, type Connections, closeIdle } from './connections.ts'

/**
 * How long an idle HTTP/1 connection may still bring a request, at most. Its client cannot be told that we go, and closing while it writes
 * is an error on its screen; most busy ones come back within this time and hear `Connection: close` with their answer.
 */
const graceMs = 1500
const pollMs = 20

/** Call it after the listening sockets are closed and answers say `Connection: close`. Resolves when none is left. */
export function drainConnections(connections: Connections, deadlineMs: number): Promise<void> {
  for (const connection of connections.all()) {
    if (connection.session !== null) connection.session.close()
    else if (connection.response !== null && !connection.response.headersSent)
      connection.response.shouldKeepAlive = false
  }
  return new Promise((resolve) => {
    const grace = setTimeout(
      () => forEachIdle(connections, closeIdle),
      Math.min(graceMs, deadlineMs / 2),
    )
    const deadline = setTimeout(() => {
      for (const connection of connections.all()) connection.socket.destroy()
    }, deadlineMs)
    // One timer that looks, instead of a listener on each of a thousand sockets.
    const poll = setInterval(() => {
      if (connections.size > 0) return
      clearInterval(poll)
      clearTimeout(grace)
      clearTimeout(deadline)
      resolve()
    }, pollMs)
  })
}

/** Handshakes count as idle here: nobody waits for an answer yet. */
function forEachIdle(connections: Connections, close: (connection: Connection) => void): void {
  for (const connection of connections.all()) if (connection.active === 0) close(connection)
}
