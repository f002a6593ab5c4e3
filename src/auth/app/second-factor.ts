// The second step after a password: a code of the authenticator app, or a security key.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Credentials, Totp } from '../people.ts'
import { readTotpCode, totpStep } from '../totp.ts'
import { guess, type Outcome, retryAfterSeconds, waitText, writeDownFailure } from './attempt.ts'
import type { AppContext } from './context.ts'
import { alert, csrfField, field, hidden } from './controls.ts'
import { finishSignIn } from './finish-sign-in.ts'
import type { Flow } from './flows.ts'
import { fieldOf, formOf, queryOf } from './forms.ts'
import { html } from './html.ts'
import { securityKeyForm } from './key-pages.ts'
import { goOn, page } from './layout.ts'
import { challenge, viewOf } from './login.ts'
import { readReason, readReturnTo } from './return-to.ts'
import { type SignInView, signInPage, signInQuery } from './sign-in-page.ts'

/** Where both steps of a person meet: what was begun, and what he has for the second one. */
interface Step {
  readonly flow: Flow<'second-factor'>
  readonly credentials: Credentials
}

export function registerSecondFactor(app: FastifyInstance, context: AppContext): void {
  app.get('/second-factor', async (request, reply) => {
    const id = queryOf(request, 'flow') ?? ''
    const flow = context.flows.find('second-factor', id, request.visit.browser)
    if (flow === null) return expired(reply, viewOfQuery(request, context))
    const credentials = await context.users.credentials(flow.data.user)
    return codePage(reply, { flow, credentials })
  })

  app.post('/second-factor', (request, reply) => takeCode(request, reply, context))
}

async function takeCode(
  request: FastifyRequest,
  reply: FastifyReply,
  context: AppContext,
): Promise<FastifyReply> {
  const form = formOf(request)
  const { browser, from } = request.visit
  const flow = context.flows.find('second-factor', fieldOf(form, 'flow'), browser)
  if (flow === null) return expired(reply, viewOf(form, context))
  const { user: id, returnTo, reason, remember } = flow.data
  const credentials = await context.users.credentials(id)
  const step = { flow, credentials }
  const code = readTotpCode(fieldOf(form, 'code', 64))
  if (code === null) {
    return codePage(reply, step, { status: 422, error: 'Type the six digits that your app shows.' })
  }
  const who = { user: id, network: from.network }
  const outcome = await guess(context, 'second-factor', who, () =>
    lookAtCode(credentials.totps, code, context),
  )
  switch (outcome.kind) {
    case 'later':
      reply.header('retry-after', retryAfterSeconds(outcome.retryAfterMs))
      return codePage(reply, step, { status: 429, alert: waitText(outcome) })
    case 'wrong': {
      // Two tabs, one code: the first has signed this browser in, and the second need not wait for the next code.
      const inAlready = request.visit.session?.identity
      if (outcome.reason === 'code-used' && reason === null && inAlready?.user === id) {
        if (inAlready.secondFactor) return goOn(reply, returnTo ?? '/')
      }
      writeDownFailure(request, context, {
        user: id,
        method: 'second-factor',
        reason: outcome.reason,
      })
      reply.header('www-authenticate', challenge)
      return codePage(reply, step, { status: 401, error: wrongText(outcome.reason) })
    }
    case 'right':
      break
    default:
      throw new TypeError('unknown outcome', { cause: outcome satisfies never })
  }
  const user = await context.users.user(id)
  // Of two that come at once one gets the flow; a person who was removed meanwhile gets nothing.
  const spent = context.flows.spend('second-factor', flow.id, browser)
  if (spent === null || user === null) return expired(reply, viewOf(form, context))
  return finishSignIn(request, reply, {
    user,
    methods: ['password', 'totp'],
    passkey: false,
    secondFactor: true,
    remember,
    account: null,
    returnTo,
    reason,
  })
}

/** Which app it is from does not matter. A code that fits is spent before anything else happens. */
async function lookAtCode(
  totps: readonly Totp[],
  code: string,
  context: AppContext,
): Promise<Outcome<null>> {
  let used = false
  for (const totp of totps) {
    const step = await totpStep(totp.secret, code, context.now())
    if (step === null) continue
    if (await context.users.spendTotpStep(totp.id, step, context.now())) {
      return { kind: 'right', value: null }
    }
    used = true
  }
  return { kind: 'wrong', reason: used ? 'code-used' : 'wrong-code' }
}

function codePage(
  reply: FastifyReply,
  step: Step,
  said: { readonly status?: number; readonly error?: string; readonly alert?: string } = {},
): FastifyReply {
  const { flow, credentials } = step
  const { user, returnTo, reason } = flow.data
  const { status = 200, error = null } = said
  const view = { returnTo, reason: readReason(reason), name: user }
  const hasApp = credentials.totps.length > 0
  const hasKey = credentials.passkeys.length > 0
  const code = field({
    name: 'code',
    label: 'Code',
    attributes:
      'inputmode="numeric" autocomplete="one-time-code" maxlength="12" required autofocus',
    hint: 'Six digits, new every 30 seconds.',
    error,
  })
  // Name and target travel along: when the step takes too long, the login page still knows them.
  const travels = { flow: flow.id, rd: returnTo, reason, name: user }
  const codeForm = html`<form class="stack" method="post" action="/second-factor">${csrfField(reply.request)}${hidden(travels)}${code}<button class="button">Sign in</button></form>`
  const or = html`<p class="or">or</p>`
  return page(reply, {
    status,
    title: hasApp ? 'Enter your code' : 'Use your security key',
    lead: hasApp
      ? `The password is right. Now the code from your authenticator app, ${user}.`
      : `The password is right. Now your key, ${user}.`,
    ...(hasKey && { script: 'sign-in.js' }),
    body: html`${alert(said.alert ?? null)}${hasApp && codeForm}${hasApp && hasKey && or}${
      hasKey && html`<div class="ways">${securityKeyForm(flow.id)}</div>`
    }${hasKey && !hasApp && keyNeedsScript}<nav aria-label="Other ways"><ul class="links"><li><a href="/recovery${signInQuery(view)}">Recovery code</a></li><li><a href="/${signInQuery({ ...view, name: '' })}">Start again</a></li></ul></nav>`,
  })
}

const keyNeedsScript = html`<noscript><p>A security key needs JavaScript, which is switched off here.</p></noscript>`

function wrongText(reason: string): string {
  return reason === 'code-used'
    ? 'This code was used already. Wait for the next one.'
    : 'That code is not right. Check that your device shows the right time, and try the next one.'
}

/** The step is over: ten minutes have passed, it was finished in another tab, or the gateway has restarted. */
function expired(reply: FastifyReply, view: SignInView): FastifyReply {
  return signInPage(reply, {
    ...view,
    status: 409,
    alert: 'That took too long, so please begin once more. Nothing else is lost.',
  })
}

function viewOfQuery(request: FastifyRequest, context: AppContext): SignInView {
  return {
    returnTo: readReturnTo(queryOf(request, 'rd'), context),
    reason: readReason(queryOf(request, 'reason')),
    name: (queryOf(request, 'name') ?? '').slice(0, 64),
    remember: false,
  }
}
