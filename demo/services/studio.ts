// The service on the machine that sleeps: since when it is awake, and what was sent to it.

import { html, send, sendPage } from '../page.ts'
import type { Service } from '../service.ts'

/** Longest body that comes back, bytes. */
const maxEchoBytes = 65_536

export function createStudio(facts: {
  /** When its machine was switched on; wall clock, milliseconds. */
  readonly startedAt: number
  readonly pid: number
  readonly now: () => number
}): Service {
  const { startedAt, pid, now } = facts
  let pages = 0
  return {
    name: 'studio',
    handle: ({ req, res, path }) => {
      switch (path) {
        case '/desk/clock':
          send(res, 'application/json', JSON.stringify({ awakeMs: now() - startedAt }))
          return
        case '/desk/echo': {
          const chunks: Buffer[] = []
          let bytes = 0
          req.on('data', (chunk: Buffer) => {
            if (bytes < maxEchoBytes) chunks.push(chunk)
            bytes += chunk.length
          })
          req.on('end', () => {
            const words = `${req.method} of ${bytes} bytes, after ${now() - startedAt} ms awake:\n`
            const body = Buffer.concat(chunks).subarray(0, maxEchoBytes).toString()
            send(res, 'text/plain; charset=utf-8', `${words}${body}\n`)
          })
          return
        }
        default:
          pages += 1
          sendPage(req, res, {
            title: 'The studio is awake',
            lead: html`The machine behind this page is a process of its own, in a cloud that is simulated. It was
              started because you asked, and is stopped a minute after nobody did.`,
            body: html`<p class="state" role="status">awake for ${Math.round((now() - startedAt) / 1000)} s</p>
<div class="scroll"><table>
<tr><th scope="row">Process</th><td>${pid}</td></tr>
<tr><th scope="row">Pages since it started</th><td>${pages}</td></tr>
</table></div>
<p>Leave this page open: it asks for the time every two seconds, and that neither keeps the machine awake nor wakes it.
When it sleeps, reload.</p>`,
            script: 'studio.js',
          })
      }
    },
  }
}
