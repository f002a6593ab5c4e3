// A service that dies, in the ways services die.

import { html, joined, sendPage } from '../page.ts'
import { goneForMs, type Service, type ServiceRequest } from '../service.ts'

export function createCrash(): Service {
  return {
    name: 'crash',
    handle: (request) => {
      const { req, res, path } = request
      const way = ways.find((each) => each.path === path)
      if (way !== undefined) {
        way.die(request)
        return
      }
      sendPage(req, res, {
        title: 'Crash',
        lead: html`Whatever the service does, the visitor gets a page with a request id, or sees that an answer
          is not whole. Never a hang, never something that looks complete and is not.`,
        body: html`<ul>
${joined(ways.map((each) => html`<li><a href="${each.path}">${each.title}</a>: ${each.result}</li>`))}
</ul>`,
      })
    },
  }
}

const ways: readonly {
  readonly path: string
  readonly title: string
  readonly result: string
  die(request: ServiceRequest): void
}[] = [
  {
    path: '/before',
    title: 'Hang up before the answer',
    result: '502',
    die: ({ req }) => void req.socket.resetAndDestroy(),
  },
  {
    path: '/within',
    title: 'Hang up within the answer',
    result: 'the browser reports a broken download',
    die: ({ res }) => {
      res.writeHead(200, { 'content-type': 'text/plain', 'content-length': 1000 })
      res.write('This answer promises 1000 bytes and breaks off after these', () => res.destroy())
    },
  },
  {
    path: '/garbage',
    title: 'Answer something that is not HTTP',
    result: '502',
    die: ({ req }) => void req.socket.end('I am not HTTP.\r\n\r\n'),
  },
  {
    path: '/die',
    title: 'Stop altogether',
    result: `502 or 503, until the service is back after ${goneForMs / 1000} seconds`,
    die: ({ crash }) => crash(),
  },
]
