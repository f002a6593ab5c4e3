// A service that believes what Gatehouse says of the visitor, as Radicale, Grafana and many others can.

import type { IncomingMessage } from 'node:http'
import { html, joined, sendPage, siteUrl } from '../page.ts'
import type { Service } from '../service.ts'

/** @param name also the host under which it is reached; two routes of the demo use the first. */
export function createPrivate(name = 'private'): Service {
  return {
    name,
    handle: ({ req, res }) => {
      const user = headerOf(req, 'remote-user')
      sendPage(req, res, {
        title: user === null ? 'Somebody' : `Hello, ${headerOf(req, 'remote-name') ?? user}`,
        lead:
          user === null
            ? html`Gatehouse says nothing of who you are: this part is for everybody.`
            : html`Gatehouse says who you are. A service behind it needs no login of its own.`,
        body: html`<div class="scroll"><table>
<tr><th scope="col">Header</th><th scope="col">Value</th></tr>
${joined(
  told.map(
    (header) =>
      html`<tr><td>${header}</td><td>${headerOf(req, header.toLowerCase()) ?? ''}</td></tr>`,
  ),
)}
</table></div>
<p class="state"><a href="${siteUrl(req, 'auth')}account">Your account</a></p>`,
      })
    },
  }
}

const told = ['Remote-User', 'Remote-Name', 'Remote-Email', 'Remote-Groups']

function headerOf(req: IncomingMessage, name: string): string | null {
  const value = req.headers[name]
  return typeof value === 'string' && value !== '' ? value : null
}
