// A service that nobody may open yet: its page is only seen when the gate has failed.

import { html, sendPage } from '../page.ts'
import type { Service } from '../service.ts'

export function createPrivate(): Service {
  return {
    name: 'private',
    handle: ({ req, res }) =>
      sendPage(req, res, {
        title: 'Private',
        lead: html`You are signed in, or something is wrong with the gate.`,
        body: html`<p>Signed in as <code>${req.headers['remote-user']?.toString() ?? 'nobody'}</code>.</p>`,
      }),
  }
}
