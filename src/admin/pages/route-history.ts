// What the file was before: who changed what and when, and the way back.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { timeElement } from '../../auth/app/account-time.ts'
import { html } from '../../auth/app/html.ts'
import { lineDiff } from '../../routes-file/edit/line-diff.ts'
import { refused } from '../problem.ts'
import { queryValue } from './asked.ts'
import { buttonForm } from './controls.ts'
import { diffView } from './diff.ts'
import type { Drafts } from './drafts.ts'
import { goOn, page } from './layout.ts'
import { refusePage } from './refusal.ts'

type Request = FastifyRequest<{ Params: { id: string } }>

/** `GET /history`, `GET /history/:id`, `POST /history/:id` to look at going back there. */
export function registerRouteHistory(app: FastifyInstance, drafts: Drafts): void {
  app.get('/history', async (request, reply) => {
    const { desks } = app.admin
    const { items, next } = await desks.routes.history(queryValue(request, 'cursor'))
    const now = desks.now()
    const rows = items.map(
      ({ id, at, by, note, summary }) =>
        html`<tr><th scope="row"><a class="main" href="/history/${encodeURIComponent(id)}">${timeElement(at, now)}</a></th><td data-label="By">${by ?? 'not through the admin'}</td><td class="wide">${summary}${note !== null && html`<br><small>${note}</small>`}</td></tr>`,
    )
    return page(reply, {
      title: 'History',
      section: 'routes',
      tab: '/history',
      lead: 'What the file was, newest first. Look at a version, and go back with one click.',
      body:
        items.length === 0
          ? html`<p class="meta">Nothing was changed through the admin yet.</p>`
          : html`<table class="table"><caption class="hidden">Versions of the file</caption><thead><tr><th scope="col">When</th><th scope="col">Who</th><th scope="col">What</th></tr></thead><tbody>${rows}</tbody></table>${next !== null && html`<p><a href="/history?cursor=${encodeURIComponent(next)}">Older ones</a></p>`}`,
    })
  })

  app.get('/history/:id', async (request: Request, reply) => {
    const { desks } = app.admin
    const { id } = request.params
    const [text, file] = [await desks.routes.version(id), await desks.routes.read()]
    if (text === null) return noVersion(reply)
    return page(reply, {
      title: 'An earlier version',
      section: 'routes',
      back: { to: '/history', label: 'History' },
      lead: 'What going back to it would change in the file as it is now.',
      actions:
        text === file.text
          ? null
          : buttonForm(request, {
              action: `/history/${encodeURIComponent(id)}`,
              label: 'Go back to it',
              look: 'strong',
            }),
      body: html`${text === file.text ? html`<p class="meta">It is the file as it is now.</p>` : diffView(lineDiff(file.text, text))}<details class="fold"><summary>The whole text</summary><pre class="diff mono" tabindex="0">${text}</pre></details>`,
    })
  })

  app.post('/history/:id', { config: { readOnly: true } }, async (request, reply) => {
    const { id } = (request as Request).params
    const { desks } = app.admin
    const [text, file] = [await desks.routes.version(id), await desks.routes.read()]
    if (text === null) return noVersion(reply)
    const draft = drafts.keep({
      user: request.caller.actor.user,
      wish: { kind: 'restore', id },
      etag: file.etag,
      base: file.text,
      title: 'Go back to an earlier version',
      form: null,
    })
    return goOn(reply, `/review/${draft}`)
  })
}

function noVersion(reply: Parameters<typeof refusePage>[0]) {
  return refusePage(reply, refused('not-found', { detail: 'This version is not kept any more.' }))
}
