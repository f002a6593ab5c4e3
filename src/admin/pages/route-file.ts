// The file itself in a plain editor, with the server's line-exact problems; for people who prefer it to forms.

import type { FastifyInstance, FastifyReply } from 'fastify'
import { fieldOf } from '../../auth/app/forms.ts'
import { type Html, html } from '../../auth/app/html.ts'
import type { Problem } from '../../routes-file/problem.ts'
import { queryValue, sentForm } from './asked.ts'
import { buttonLink, csrfField } from './controls.ts'
import { accessList, problemList } from './diff.ts'
import type { Drafts } from './drafts.ts'
import { goOn, page } from './layout.ts'
import { counted } from './words.ts'

/** Longest text, characters: what a form can carry. */
const maxLength = 200_000

/** `GET /file`, `POST` to look at the change. */
export function registerRouteFile(app: FastifyInstance, drafts: Drafts): void {
  app.get('/file', async (request, reply) => {
    const file = await app.admin.desks.routes.read()
    drafts.see(file.etag, file.text)
    const draft = drafts.find(queryValue(request, 'draft') ?? '', request.caller.actor.user)
    const isText = draft?.wish.kind === 'text'
    return editorPage(reply, {
      text: isText ? draft.wish.text : file.text,
      etag: isText ? draft.etag : file.etag,
      problems: isText
        ? (await app.admin.desks.routes.preview(draft.wish, request.caller.actor)).problems
        : file.problems,
      held: isText ? [] : file.held,
    })
  })

  app.post('/file', { config: { readOnly: true } }, async (request, reply) => {
    const { desks } = app.admin
    const form = sentForm(request)
    const etag = fieldOf(form, 'etag', 64)
    const file = await desks.routes.read()
    const base = drafts.textOf(etag) ?? file.text
    const text = withOldBreaks(form.get('text') ?? '', base)
    if (text === base) return goOn(reply, '/file', 'unchanged')
    const wish = { kind: 'text', text } as const
    const preview = await desks.routes.preview(wish, request.caller.actor)
    if (text.length > maxLength || preview.problems.length > 0) {
      const { problems } = preview
      return editorPage(reply, { text, etag, problems, held: [], status: 422 })
    }
    const id = drafts.keep({
      user: request.caller.actor.user,
      wish,
      etag,
      base,
      title: 'Change the file',
      form: '/file',
    })
    return goOn(reply, `/review/${id}`)
  })
}

/** A form sends every line end as CRLF: the file keeps those it had. */
function withOldBreaks(sent: string, base: string): string {
  const isCrlf = base.includes('\r\n') && !/(?<!\r)\n/.test(base)
  return isCrlf ? sent : sent.replaceAll('\r\n', '\n')
}

interface View {
  readonly text: string
  readonly etag: string
  readonly problems: readonly Problem[]
  readonly held: Parameters<typeof accessList>[0]
  readonly status?: number
}

function editorPage(reply: FastifyReply, view: View): Promise<FastifyReply> {
  const { request } = reply
  const { text, etag, status = 200 } = view
  const lines = text.split('\n').length
  return page(reply, {
    title: 'The file',
    section: 'routes',
    tab: '/file',
    lead: html`routes.yaml as it is on disk. What you do not touch keeps every byte.`,
    status,
    body: html`${troubles(view)}<form class="editor" method="post" action="/file">${csrfField(request)}<input type="hidden" name="etag" value="${etag}"><label class="hidden" for="text">routes.yaml</label><div class="code" data-editor><pre class="gutter" aria-hidden="true" hidden></pre><textarea class="mono" id="text" name="text" rows="${Math.min(Math.max(lines, 20), 36)}" wrap="off" spellcheck="false" autocapitalize="none" autocomplete="off" aria-describedby="help">
${text}</textarea></div><p class="hint" id="help">Docs of every key stand beside the fields of the <a href="/route/new">form</a>. <span data-keys hidden>Tab indents; Escape, then Tab leaves the editor.</span></p><div data-live role="status"></div><div class="row"><button class="button">Look at what it does</button>${buttonLink('/', 'Leave it')}</div></form>`,
    scripts: ['editor.js'],
  })
}

function troubles({ problems, held, status }: View): Html | null {
  const errors = problems.filter(({ severity }) => severity === 'error')
  const warnings = problems.filter(({ severity }) => severity === 'warning')
  return html`${
    errors.length > 0 &&
    html`<section class="alert" role="alert" aria-labelledby="errors" data-problems><h2 id="errors">${status === 422 ? 'Nothing was saved: ' : ''}${counted(errors.length, 'mistake')}</h2>${problemList(errors)}</section>`
  }${
    held.length > 0 &&
    html`<section class="alert" aria-labelledby="held"><h2 id="held">Held back: it would let in more than now</h2>${accessList(held)}<p>Saving it from here, with any change, puts it in force.</p></section>`
  }${
    warnings.length > 0 &&
    html`<details class="fold" data-problems><summary>${counted(warnings.length, 'thing')} worth a look</summary>${problemList(warnings)}</details>`
  }`
}
