// A signed-in device vouches for a new one: the pages of the signed-in device.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { noteChange } from './account-change.ts'
import { describeDevice } from './account-device.ts'
import { type Owner, recently } from './account-guard.ts'
import { inWords } from './account-time.ts'
import { type Approval, type Approvals, readApprovalCode, writeApprovalCode } from './approvals.ts'
import type { AppContext } from './context.ts'
import { csrfField, field, hidden } from './controls.ts'
import { fieldOf, formOf, queryOf } from './forms.ts'
import { html } from './html.ts'
import { refuseThrottled } from './key-pages.ts'
import { page } from './layout.ts'

interface Deps {
  readonly approvals: Approvals
  readonly context: AppContext
}

/** `GET /approve` (`?code=`), `POST /approve` and `POST /approve/refuse`; all for a recent login. */
export function registerApproveConfirm(app: FastifyInstance, deps: Deps): void {
  const { approvals, context } = deps

  app.get('/approve', (request, reply) => {
    const typed = queryOf(request, 'code')
    const code = readApprovalCode(typed ?? '')
    const back = code === null ? '/approve' : `/approve?code=${code}`
    return recently(context, back, (_request, _reply, owner) => {
      if (typed === null || typed === '' || isFromElsewhere(request)) {
        return codePage(reply, { typed: typed ?? '', error: null })
      }
      return lookUp(request, reply, { ...deps, owner, typed })
    })(request, reply)
  })

  app.post(
    '/approve',
    recently(context, '/approve', async (request, reply, { user, session }) => {
      const approval = approvals.byCode(fieldOf(formOf(request), 'code', 32))
      const grant = { user: user.id, session: session.record.ref }
      if (approval === null || !approvals.grant(approval.code, grant)) return overPage(reply)
      const details = detailsOf(approval)
      await noteChange(context, request, { user: user.id, event: 'device-approved', details })
      return page(reply, {
        title: 'Approved',
        lead: 'The new device signs in now. You find it among your devices, and can sign it out there.',
        body: html`<p><a class="button" href="/account/devices">See my devices</a></p>`,
      })
    }),
  )

  app.post(
    '/approve/refuse',
    recently(context, '/approve', async (request, reply, { user }) => {
      const approval = approvals.byCode(fieldOf(formOf(request), 'code', 32))
      if (approval === null) return overPage(reply)
      approvals.refuse(approval.code)
      const details = detailsOf(approval)
      await noteChange(context, request, { user: user.id, event: 'device-refused', details })
      return page(reply, {
        title: 'Refused',
        lead: 'Nobody was let in, and the code is over.',
        body: html`<p><a class="button" href="/account">Back to your account</a></p>`,
      })
    }),
  )
}

/**
 * A page of another host, a sibling's too, can make this browser ask with any code: those are shown, and neither looked up
 * nor counted, or it could hold up its visitor. A camera or a typed address is `none` (W3C Fetch Metadata).
 */
function isFromElsewhere(request: FastifyRequest): boolean {
  const site = request.visit.from.headers['sec-fetch-site']
  return site === 'same-site' || site === 'cross-site'
}

/** Guessing codes costs time: each one that nobody waits with counts. */
function lookUp(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: Deps & { readonly owner: Owner; readonly typed: string },
): FastifyReply {
  const { approvals, context, owner, typed } = parts
  const who = { user: owner.user.id, network: request.visit.from.network }
  const verdict = context.throttle.check('approval', who)
  if (!verdict.ok) return refuseThrottled(reply, verdict.retryAfterMs)
  const approval = approvals.byCode(typed)
  if (approval === null) {
    context.throttle.failed('approval', who)
    const error = 'No device waits with this code. Codes are good for five minutes.'
    return codePage(reply, { typed, error })
  }
  context.throttle.succeeded('approval', who)
  return confirmPage(request, reply, { approval, context })
}

function codePage(
  reply: FastifyReply,
  parts: { readonly typed: string; readonly error: string | null },
): FastifyReply {
  const { typed, error } = parts
  return page(reply, {
    title: 'Sign in a new device',
    lead: 'Choose “Use another device” where the new one asks you to sign in, and type the code it shows.',
    status: error === null ? 200 : 404,
    body: html`<form class="stack" method="get" action="/approve">${field({
      name: 'code',
      label: 'Code',
      value: typed,
      error,
      attributes:
        'class="code" placeholder="ABCD-EFGH" maxlength="16" autocomplete="off" autocapitalize="characters" spellcheck="false" required autofocus',
    })}<button class="button">Go on</button></form><ul class="links"><li><a href="/account">Back to your account</a></li></ul>`,
  })
}

function confirmPage(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: { readonly approval: Approval; readonly context: AppContext },
): FastifyReply {
  const { approval, context } = parts
  const { code, address, createdAt, network, userAgent } = approval
  const device = describeDevice(userAgent)
  const elsewhere = network !== request.visit.from.network
  const fields = html`${csrfField(request)}${hidden({ code })}`
  const facts: readonly (readonly [string, string])[] = [
    ['Code', writeApprovalCode(code)],
    ['Device', device],
    ['Address', address],
    ['Asked', inWords(createdAt, context.now())],
  ]
  return page(reply, {
    title: 'Let this device in?',
    lead: 'It will be signed in as you, to everything you can open.',
    body: html`${
      elsewhere &&
      html`<div class="alert"><p><b>It is in another network than this device.</b> That can be right, a phone on mobile data for example. If somebody sent you a link or a code: refuse.</p></div>`
    }<div class="stack"><dl class="facts">${facts.map(
      ([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`,
    )}</dl><p class="hint">Only go on if the same code is on a screen in front of you, and you asked for it.</p><form class="stack" method="post" action="/approve">${fields}<button class="button">Yes, let it in</button></form><form method="post" action="/approve/refuse">${fields}<button class="button danger">No, refuse</button></form></div>`,
  })
}

function overPage(reply: FastifyReply): FastifyReply {
  return page(reply, {
    title: 'That code is over',
    lead: 'It was used, refused, or is older than five minutes. Get a new one on the new device.',
    status: 410,
    body: html`<p><a class="button" href="/approve">Type another code</a></p>`,
  })
}

function detailsOf(approval: Approval) {
  return { device: describeDevice(approval.userAgent), address: approval.address }
}
