// Echoes WebSocket messages: once for everybody, and once for those who have signed in.

import type { Duplex } from 'node:stream'
import { html, sendPage } from '../page.ts'
import type { Service } from '../service.ts'
import { acceptWebSocket, type WebSocketPeer } from '../web-socket.ts'

/** @param name also the host under which it is reached. */
export function createEcho(name: 'echo' | 'talk' = 'echo'): Service {
  const open = new Map<WebSocketPeer, Duplex>()
  return {
    name,
    handle: ({ req, res, path }) => {
      if (path === '/socket') {
        res.writeHead(426, { upgrade: 'websocket', 'content-length': 0 }).end()
        return
      }
      sendPage(req, res, {
        title: name === 'echo' ? 'WebSocket' : 'Private WebSocket',
        lead: html`${name === 'echo' ? '' : 'It closes when your session ends: sign out in another window. '}The page opens a WebSocket to its own host; the service sends back what it gets. A browser
          that speaks HTTP/2 opens it as a stream of the connection it has (RFC 8441).`,
        body: html`<form class="row">
<input type="text" aria-label="Message" autocomplete="off" placeholder="Say something" autofocus>
<button disabled>Send</button>
<span class="state" role="status">connecting</span>
</form>
<div class="log" role="log" aria-label="Messages"></div>`,
        script: 'echo.js',
      })
    },
    upgrade: (req, socket, head) => {
      const peer = acceptWebSocket(
        { req, socket, head },
        {
          message: (data) => void peer?.send(data),
          closed: () => {
            if (peer !== null) open.delete(peer)
          },
        },
      )
      if (peer === null) return
      open.set(peer, socket)
      // So that a client without a keyboard, curl, sees that the tunnel works.
      peer.send('You are connected to the echo service.')
    },
    finish: () => {
      for (const [peer, socket] of open) {
        // 1001: going away (RFC 6455 §7.4.1).
        peer.close(1001)
        socket.end()
      }
    },
  }
}
