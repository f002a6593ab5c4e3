// Answers after as many seconds as it is told.

import { html, sendPage } from '../page.ts'
import { numberIn, type Service } from '../service.ts'

export function createSlow(): Service {
  return {
    name: 'slow',
    handle: ({ req, res, path }) => {
      if (path !== '/answer') {
        sendPage(req, res, {
          title: 'Slow',
          lead: html`This route gives its service five seconds for the head of an answer. What comes later
            is 504, and the service is told to stop.`,
          body: html`<ul>
<li><a href="/answer?after=2">An answer after 2 seconds</a></li>
<li><a href="/answer?after=10">An answer after 10 seconds, which nobody waits for</a></li>
</ul>`,
        })
        return
      }
      const seconds = Math.min(numberIn(req, 'after', 2), 60)
      const timer = setTimeout(() => {
        sendPage(req, res, {
          title: 'There it is',
          lead: html`It took ${seconds} seconds.`,
          body: html`<p><a href="/">Back</a></p>`,
        })
      }, seconds * 1000)
      res.on('close', () => clearTimeout(timer))
    },
  }
}
