// Server-sent events, one a second.

import type { ServerResponse } from 'node:http'
import { html, sendPage } from '../page.ts'
import { numberIn, type Service } from '../service.ts'

export function createEvents(): Service {
  const open = new Set<ServerResponse>()
  return {
    name: 'events',
    handle: ({ req, res, path }) => {
      if (path !== '/stream') {
        sendPage(req, res, {
          title: 'Event stream',
          lead: html`The service sends an event every second. Each arrives when it is sent, because nothing on
            the way waits for more.`,
          body: html`<p class="state" role="status">connecting</p>
<div class="log" role="log" aria-label="Events"></div>`,
          script: 'events.js',
        })
        return
      }
      res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
      const last = numberIn(req, 'count', Number.POSITIVE_INFINITY)
      let count = 0
      const send = () => {
        count += 1
        res.write(`id: ${count}\ndata: ${JSON.stringify({ count, sentAt: Date.now() })}\n\n`)
        if (count >= last) res.end()
      }
      const timer = setInterval(send, 1000)
      send()
      open.add(res)
      res.on('close', () => {
        clearInterval(timer)
        open.delete(res)
      })
    },
    finish: () => {
      for (const res of open) res.end()
    },
  }
}
