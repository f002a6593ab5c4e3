// A change of routes before it is saved: what differs, what it means for access, what is wrong, what it would cost.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { field, hidden } from '../../auth/app/controls.ts'
import { fieldOf } from '../../auth/app/forms.ts'
import { type Html, html } from '../../auth/app/html.ts'
import { lineDiff } from '../../routes-file/edit/line-diff.ts'
import { confirmRoutes } from '../api/route-file.ts'
import type { Desks, RoutePreview } from '../desks/types.ts'
import { refused } from '../problem.ts'
import { sentForm } from './asked.ts'
import { buttonForm, buttonLink, csrfField } from './controls.ts'
import { accessList, diffView, problemList } from './diff.ts'
import type { Draft, Drafts } from './drafts.ts'
import { goOn, page, signInAgainUrl } from './layout.ts'
import { refusePage } from './refusal.ts'
import { freshOf } from './route-check.ts'
import { saveDraft } from './save-draft.ts'

type Request = FastifyRequest<{ Params: { id: string } }>

/** `GET /review/:id`, `POST` to save it; `POST …/newer` to look at it again over a newer file; `POST /file/keep`. */
export function registerReview(app: FastifyInstance, drafts: Drafts): void {
  const draftOf = ({ params, caller }: Request) => drafts.find(params.id, caller.actor.user)

  app.get('/review/:id', async (request: Request, reply) => {
    const draft = draftOf(request)
    return draft === null ? gone(reply) : reviewPage(reply, { id: request.params.id, draft })
  })

  app.post('/review/:id', async (request: Request, reply) => {
    const { id } = request.params
    const draft = draftOf(request)
    if (draft === null) return gone(reply)
    const form = sentForm(request)
    const note = fieldOf(form, 'note', 200).trim()
    const confirm = fieldOf(form, 'confirm', 253).trim()
    const result = await saveDraft(app.admin, draft, {
      note,
      confirm,
      who: { actor: request.caller.actor, request: request.caller.from.id },
    })
    if (result.kind === 'done') {
      drafts.drop(id)
      return goOn(reply, '/', result.unchanged ? 'unchanged' : 'saved')
    }
    switch (result.code) {
      // All three are on the page: what changed meanwhile, the mistakes, the name to type.
      case 'precondition-failed':
      case 'routes-invalid':
        return reviewPage(reply, { id, draft, note })
      case 'confirmation-required':
        return reviewPage(reply, { id, draft, note, mistyped: confirm !== '' })
      default:
        return refusePage(reply, result)
    }
  })

  app.post('/review/:id/newer', { config: { readOnly: true } }, async (request, reply) => {
    const draft = draftOf(request as Request)
    const { id } = (request as Request).params
    if (draft === null) return gone(reply)
    const file = await app.admin.desks.routes.read()
    drafts.rebase(id, draft, { etag: file.etag, base: file.text })
    return goOn(reply, `/review/${id}`)
  })

  app.post('/file/keep', async (request, reply) => {
    const { caller } = request
    const token = fieldOf(sentForm(request), 'token', 1024)
    const who = { actor: caller.actor, request: caller.from.id }
    const result = await app.admin.perform(confirmRoutes, { body: { token } }, who)
    return goOn(reply, '/', result.kind === 'done' ? 'kept' : 'kept-not')
  })
}

function gone(reply: FastifyReply): FastifyReply {
  return refusePage(
    reply,
    refused('not-found', {
      detail:
        'This change is not kept any more: it was saved, is older than a day, or the gateway was started anew.',
    }),
  )
}

interface View {
  readonly id: string
  readonly draft: Draft
  readonly note?: string
  /** Something else than the name was typed. */
  readonly mistyped?: boolean
}

async function reviewPage(reply: FastifyReply, view: View): Promise<FastifyReply> {
  const { request, server } = reply
  const { desks } = server.admin
  const { draft } = view
  const [file, seen] = [await desks.routes.read(), await previewOf(desks, draft, request)]
  if (seen === null) return gone(reply)
  const isOld = file.etag !== draft.etag
  const fails = seen.problems.length > 0
  const warnings = freshOf(seen.warnings, file.problems)
  const parts = [
    isOld && meanwhile(request, view, file.text),
    fails && mistakes(seen, draft, view.id),
    !fails &&
      html`<section aria-labelledby="access"><h2 id="access">What it means for access</h2>${accessList(seen.access)}</section>`,
    warnings.length > 0 &&
      html`<section aria-labelledby="warnings"><h2 id="warnings">Worth a look</h2>${problemList(warnings, { limit: 20 })}</section>`,
    html`<section aria-labelledby="diff"><h2 id="diff">What differs in the file</h2>${diffView(seen.diff)}</section>`,
    !fails && !isOld && saveForm(request, view, seen),
  ]
  return page(reply, {
    title: draft.title,
    section: 'routes',
    ...(draft.form === null
      ? {}
      : { back: { to: withDraft(draft.form, view.id), label: 'Go on editing' } }),
    lead: fails ? 'This cannot be saved yet.' : 'Nothing is saved before you have seen it.',
    status: fails ? 422 : isOld ? 409 : 200,
    body: html`${parts}`,
  })
}

/** The form, with what was filled in. */
function withDraft(form: string, id: string): string {
  return `${form}${form.includes('?') ? '&' : '?'}draft=${id}`
}

async function previewOf(
  { routes }: Desks,
  { wish }: Draft,
  { caller }: FastifyRequest,
): Promise<RoutePreview | null> {
  if (wish.kind !== 'restore') return routes.preview(wish, caller.actor)
  const text = await routes.version(wish.id)
  return text === null ? null : routes.preview({ kind: 'text', text }, caller.actor)
}

function meanwhile(request: FastifyRequest, { id, draft }: View, now: string): Html {
  return html`<section class="alert" aria-labelledby="newer" role="alert"><h2 id="newer">The file has changed meanwhile</h2><p>Somebody saved something, here, in an editor or by git, since you began. Nothing of it is lost: look at it first.</p>${diffView(lineDiff(draft.base, now))}${buttonForm(request, { action: `/review/${id}/newer`, label: 'I have seen it: go on from there', look: 'strong' })}</section>`
}

function mistakes({ problems }: RoutePreview, { form }: Draft, id: string): Html {
  return html`<section class="alert" aria-labelledby="mistakes" role="alert"><h2 id="mistakes">What is wrong</h2>${problemList(problems)}${form !== null && html`<p>${buttonLink(withDraft(form, id), 'Go back and mend it', 'strong')}</p>`}</section>`
}

function saveForm(request: FastifyRequest, view: View, seen: RoutePreview): Html {
  const { id, note = '', mistyped = false } = view
  if (seen.diff.length === 0) return html`<p>${buttonLink('/', 'Back to the table')}</p>`
  if (!request.caller.recent) {
    return html`<section aria-labelledby="save"><h2 id="save">Save it</h2><p>You signed in a while ago. Show once more who you are; this page is kept.</p><p>${buttonLink(signInAgainUrl(request), 'Sign in again', 'strong')}</p></section>`
  }
  const [danger] = seen.dangers
  const confirm =
    danger === undefined
      ? null
      : html`<div class="alert" role="alert"><p><b>Take care.</b></p><ul>${seen.dangers.map(({ words }) => html`<li>${words}</li>`)}</ul><p>After saving you have a minute to say that everything is still there; else the change undoes itself.</p></div>${field(
          {
            name: 'confirm',
            label: `To do it all the same, type ${danger.typed}`,
            attributes: 'autocomplete="off" autocapitalize="none" spellcheck="false" required',
            error: mistyped ? `That is not ${danger.typed}.` : null,
          },
        )}`
  return html`<section aria-labelledby="save"><h2 id="save">Save it</h2><form class="stack slender" method="post" action="/review/${id}">${csrfField(request)}${hidden({})}${confirm}${field(
    {
      name: 'note',
      label: 'Why (optional)',
      value: note,
      hint: 'For the history and, where the file is kept by git, its commit.',
      attributes: 'maxlength="200" autocomplete="off"',
    },
  )}<div class="row"><button class="button${danger !== undefined && ' danger'}">Save and use it</button>${buttonLink('/', 'Leave it')}</div></form></section>`
}
