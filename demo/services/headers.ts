// Shows the request as the backend received it.

import { html, joined, send, sendPage } from '../page.ts'
import type { Service } from '../service.ts'

/** @param name also the host under which it is reached; two routes of the demo use this service. */
export function createHeaders(name = 'headers'): Service {
  return {
    name,
    handle: ({ req, res, path }) => {
      const pairs: [string, string][] = []
      for (let i = 0; i + 1 < req.rawHeaders.length; i += 2) {
        pairs.push([req.rawHeaders[i] ?? '', req.rawHeaders[i + 1] ?? ''])
      }
      if (path === '/json') {
        const { method, url } = req
        send(
          res,
          'application/json',
          `${JSON.stringify({ method, url, headers: pairs }, null, 2)}\n`,
        )
        return
      }
      sendPage(req, res, {
        title: 'What the service sees',
        lead: html`Gatehouse takes away what a visitor could forge, then adds what it knows itself.
          Try to send <code>Remote-User: admin</code>: it does not arrive.`,
        body: html`<div class="scroll"><table>
<tr><th scope="col">Header</th><th scope="col">Value</th></tr>
${joined(pairs.map(([key, value]) => html`<tr><td>${key}</td><td>${value}</td></tr>`))}
</table></div>
<p class="state">${req.method ?? ''} ${req.url ?? ''}, the same as <a href="/json">JSON</a></p>`,
      })
    },
  }
}
