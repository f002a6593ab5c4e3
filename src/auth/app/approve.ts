// A signed-in device vouches for a new one: the new one's pages, and the end of its waiting.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { originOf } from '../../sign-in-url.ts'
import { qrCode } from './account-qr.ts'
import { type Approval, type Approvals, createApprovals, writeApprovalCode } from './approvals.ts'
import { registerApproveConfirm } from './approve-confirm.ts'
import type { AppContext } from './context.ts'
import { checkbox, csrfField, hidden } from './controls.ts'
import { finishSignIn } from './finish-sign-in.ts'
import { fieldOf, formOf, isTicked, queryOf } from './forms.ts'
import { html } from './html.ts'
import { goOn, page, refuse } from './layout.ts'
import { readReason, readReturnTo } from './return-to.ts'

/**
 * On the new device: `GET` and `POST /approve/new`, `GET /approve/wait`, `GET /approve/state` for its script, `POST
 * /approve/finish`. On the signed-in one: `/approve`, see approve-confirm.ts.
 */
export function registerApprove(app: FastifyInstance, context: AppContext): void {
  const approvals = createApprovals(context)

  app.get('/approve/new', (request, reply) => askPage(request, reply, context))

  app.post('/approve/new', (request, reply) => {
    const { browser, from } = request.visit
    const form = formOf(request)
    approvals.begin(browser, {
      userAgent: (from.headers['user-agent'] ?? '').slice(0, 256),
      address: from.client,
      network: from.network,
      returnTo: readReturnTo(fieldOf(form, 'rd', 4096), context),
      reason: readReason(fieldOf(form, 'reason', 32)),
      remember: isTicked(form, 'remember'),
    })
    return goOn(reply, '/approve/wait')
  })

  app.get('/approve/wait', async (request, reply) => {
    const approval = approvals.of(request.visit.browser)
    if (approval === null) return refuseGone(reply)
    return approval.grant === null
      ? waitPage(reply, { approval, context })
      : approvedPage(request, reply)
  })

  app.get('/approve/state', (request, reply) => {
    const approval = approvals.of(request.visit.browser)
    const state = approval === null ? 'gone' : approval.grant === null ? 'waiting' : 'approved'
    return reply.send({ state })
  })

  app.post('/approve/finish', (request, reply) => finish(request, reply, { approvals, context }))

  registerApproveConfirm(app, { approvals, context })
}

async function finish(
  request: FastifyRequest,
  reply: FastifyReply,
  deps: { readonly approvals: Approvals; readonly context: AppContext },
): Promise<FastifyReply> {
  const { approvals, context } = deps
  const approval = approvals.take(request.visit.browser)
  const voucher = approval?.grant == null ? null : context.sessions.byRef(approval.grant.session)
  // Whoever vouched must still be signed in: ending that session takes back what it has not given yet.
  if (approval?.grant == null || voucher === null || voucher.ended) return refuseGone(reply)
  const user = await context.users.user(approval.grant.user)
  if (user === null || voucher.record.user !== user.id) return refuseGone(reply)
  return finishSignIn(request, reply, {
    user,
    methods: ['approved'],
    passkey: false,
    // No stronger than who vouched for it, and it ends with the same account.
    secondFactor: voucher.record.secondFactor,
    account: voucher.record.account,
    remember: approval.remember,
    returnTo: readReturnTo(approval.returnTo, context),
    reason: approval.reason,
  })
}

function askPage(request: FastifyRequest, reply: FastifyReply, context: AppContext): FastifyReply {
  const values = {
    rd: readReturnTo(queryOf(request, 'rd'), context),
    reason: readReason(queryOf(request, 'reason')),
  }
  return page(reply, {
    title: 'Sign in with another device',
    lead: 'A device on which you are signed in already lets this one in. You get a code for it.',
    body: html`<form class="stack" method="post" action="/approve/new">${csrfField(request)}${hidden(values)}${checkbox('remember', 'Keep me signed in on this device', false)}<button class="button" autofocus>Show me the code</button></form><ul class="links"><li><a href="/">Other ways to sign in</a></li></ul>`,
  })
}

async function waitPage(
  reply: FastifyReply,
  parts: { readonly approval: Approval; readonly context: AppContext },
): Promise<FastifyReply> {
  const { approval, context } = parts
  const { host } = reply.request.visit.from
  const origin = originOf(context.loginHost(), context.publicPort())
  const code = writeApprovalCode(approval.code)
  const qr = await qrCode(`${origin}/approve?code=${code}`, 'QR code for the other device')
  const minutes = Math.max(1, Math.round((approval.expiresAt - context.now()) / 60_000))
  return page(reply, {
    title: 'Now take the other device',
    lead: `Scan this with it, or open ${host}/approve there and type the code.`,
    script: 'approve.js',
    body: html`<div data-approval>${qr}<p class="big-code"><code>${code}</code></p><p class="meta" role="status">Waiting. The code is good for ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}, once, and for this browser alone.</p></div><noscript><meta http-equiv="refresh" content="4"></noscript>${approvedForm(reply.request, true)}<p class="hint">Never read this code out to somebody or send it: whoever approves it signs in this device.</p><ul class="links"><li><a href="/">Other ways to sign in</a></li></ul>`,
  })
}

/** Reached without JavaScript, by the page that reloads itself: a sign-in is never a mere GET. */
function approvedPage(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return page(reply, {
    title: 'Approved',
    lead: 'Your other device has let this one in.',
    body: approvedForm(request, false),
  })
}

function approvedForm(request: FastifyRequest, isHidden: boolean) {
  return html`<form method="post" action="/approve/finish" data-approved${isHidden && html` hidden`}>${csrfField(request)}<button class="button"${!isHidden && html` autofocus`}>Go on</button></form>`
}

function refuseGone(reply: FastifyReply): FastifyReply {
  return refuse(reply, {
    status: 410,
    code: 'approval-gone',
    title: 'That code is over',
    lead: 'It was not approved in time, was refused, or was used already. You can get a new one.',
    body: html`<p><a class="button" href="/approve/new">Get a new code</a></p><ul class="links"><li><a href="/">Other ways to sign in</a></li></ul>`,
  })
}
