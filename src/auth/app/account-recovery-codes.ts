// Recovery codes: made, shown for a few minutes in the browser that made them, and never again.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { recoveryCodeCount } from '../recovery-code.ts'
import { noteChange } from './account-change.ts'
import { recently, signedIn } from './account-guard.ts'
import type { AppContext } from './context.ts'
import { csrfField } from './controls.ts'
import { makeRecoveryCodes } from './enrolment.ts'
import { queryOf } from './forms.ts'
import { html } from './html.ts'
import { goOn, page } from './layout.ts'

const path = '/account/recovery-codes'

/** `GET /account/recovery-codes` (`?shown=` the flow with fresh ones), and `POST` to make new ones. */
export function registerAccountRecoveryCodes(app: FastifyInstance, context: AppContext): void {
  app.get(
    path,
    signedIn(context, path, async (request, reply, owner) => {
      const id = queryOf(request, 'shown') ?? ''
      // Looked at and not used up: a phone that switches to the password manager and back loads the page again.
      const flow = context.flows.find('recovery-codes', id, request.visit.browser)
      if (flow !== null && flow.data.user === owner.user.id) {
        return codesPage(reply, { codes: flow.data.codes, account: owner.user.id })
      }
      const { recoveryCodes } = await context.users.credentials(owner.user.id)
      return makePage(request, reply, { left: recoveryCodes, gone: id !== '' })
    }),
  )
  app.post(
    path,
    recently(context, path, async (request, reply, { user }) => {
      const to = await makeRecoveryCodes(context, request, user)
      await noteChange(context, request, {
        user: user.id,
        event: 'recovery-codes-made',
        details: { count: recoveryCodeCount },
        notice: { kind: 'credential-added', text: 'New recovery codes; the old ones are void.' },
      })
      return goOn(reply, to)
    }),
  )
}

function codesPage(
  reply: FastifyReply,
  parts: { readonly codes: readonly string[]; readonly account: string },
): FastifyReply {
  const { host } = reply.request.visit.from
  const { codes, account } = parts
  const text = [
    `Recovery codes of ${account} for https://${host}`,
    'Each of them signs you in once.',
    '',
    ...codes,
    '',
  ].join('\r\n')
  // A file without a request: it is in the page already.
  const file = `data:text/plain;charset=utf-8,${encodeURIComponent(text)}`
  return page(reply, {
    title: 'Your recovery codes',
    lead: 'For the day your devices are gone. Keep them on paper or in a safe, not beside your password. They are shown now and never again.',
    script: 'account.js',
    body: html`<div class="stack"><ul class="codes" id="recovery-codes">${codes.map(
      (code) => html`<li>${code}</li>
`,
    )}</ul><p class="meta">Each of them opens the account of ${account} at ${host} once.</p><div class="row"><a class="button small quiet" href="${file}" download="recovery-codes-${host}.txt">Download</a><button class="button small quiet" type="button" data-print hidden>Print</button><button class="button small quiet" type="button" data-copy="recovery-codes" hidden>Copy</button></div></div><p class="go"><a class="button" href="/account">I have kept them</a></p>`,
  })
}

function makePage(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: { readonly left: number; readonly gone: boolean },
): FastifyReply {
  const { left, gone } = parts
  const note = gone
    ? html`<div class="news"><p>Those codes were shown a while ago and are not shown again. If you did not keep them, make new ones.</p></div>`
    : null
  return page(reply, {
    title: 'Recovery codes',
    lead: `For the day your devices are gone. You have ${left} of ${recoveryCodeCount} left.`,
    body: html`${note}<form class="stack" method="post" action="${path}">${csrfField(request)}<button class="button">Make ${recoveryCodeCount} new codes</button>${
      left > 0 && html`<p class="hint">The codes you have are void then.</p>`
    }</form><ul class="links"><li><a href="/account">Back to your account</a></li></ul>`,
  })
}
