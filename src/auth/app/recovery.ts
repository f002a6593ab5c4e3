// Signing in with a recovery code, for the day when everything else is lost.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { UserId } from '../../model.ts'
import type { User } from '../people.ts'
import { recoveryCodeHash } from '../recovery-code.ts'
import {
  guess,
  type Outcome,
  readTypedName,
  retryAfterSeconds,
  waitText,
  writeDownFailure,
} from './attempt.ts'
import type { AppContext } from './context.ts'
import { alert, csrfField, field, hidden } from './controls.ts'
import { finishSignIn } from './finish-sign-in.ts'
import { fieldOf, formOf, queryOf } from './forms.ts'
import { html } from './html.ts'
import { page } from './layout.ts'
import { challenge, viewOf } from './login.ts'
import { readReturnTo } from './return-to.ts'
import { type SignInView, signInQuery } from './sign-in-page.ts'

export function registerRecovery(app: FastifyInstance, context: AppContext): void {
  app.get('/recovery', (request, reply) => {
    const returnTo = readReturnTo(queryOf(request, 'rd'), context)
    const name = (queryOf(request, 'name') ?? '').slice(0, 64)
    // What a route asks for beyond a session is never satisfied by a code: no reason travels along.
    return recoveryPage(reply, { returnTo, reason: null, name, remember: false })
  })

  app.post('/recovery', (request, reply) => takeCode(request, reply, context))
}

async function takeCode(
  request: FastifyRequest,
  reply: FastifyReply,
  context: AppContext,
): Promise<FastifyReply> {
  const form = formOf(request)
  const view = { ...viewOf(form, context), reason: null }
  const hash = recoveryCodeHash(fieldOf(form, 'code', 64))
  if (view.name === '') {
    return recoveryPage(reply, { ...view, status: 422, nameError: 'Type your name.' })
  }
  if (hash === null) {
    const codeError = 'A recovery code has 20 letters and digits, such as 7K3MQ-9XT2H-BVD8W-R5CN4.'
    return recoveryPage(reply, { ...view, status: 422, codeError })
  }
  const typed = readTypedName(view.name)
  const who = { user: typed.key, network: request.visit.from.network }
  const outcome = await guess(context, 'recovery-code', who, () =>
    lookAtCode(typed.user, hash, context),
  )
  switch (outcome.kind) {
    case 'later':
      reply.header('retry-after', retryAfterSeconds(outcome.retryAfterMs))
      return recoveryPage(reply, { ...view, status: 429, alert: waitText(outcome) })
    case 'wrong': {
      const user = outcome.reason === 'unknown-user' ? null : typed.user
      writeDownFailure(request, context, { user, method: 'recovery-code', reason: outcome.reason })
      reply.header('www-authenticate', challenge)
      const codeError = 'Name and code do not fit together. Each code works once.'
      return recoveryPage(reply, { ...view, status: 401, codeError })
    }
    case 'right':
      break
    default:
      throw new TypeError('unknown outcome', { cause: outcome satisfies never })
  }
  const user = outcome.value
  await announce(request, context, user)
  return finishSignIn(request, reply, {
    user,
    methods: ['recovery-code'],
    passkey: false,
    // It is something one has and nothing else: it opens the account to mend it, not what asks for two factors.
    secondFactor: false,
    remember: false,
    account: null,
    returnTo: view.returnTo ?? '/account',
    reason: null,
  })
}

/** The same question to the store for a name that nobody has. Somebody switched off spends no code. */
async function lookAtCode(
  id: UserId | null,
  hash: string,
  context: AppContext,
): Promise<Outcome<User>> {
  const user = id === null ? null : await context.users.user(id)
  if (user?.disabled === true) return { kind: 'wrong', reason: 'disabled' }
  const spent = id !== null && (await context.users.spendRecoveryCode(id, hash, context.now()))
  if (user === null) return { kind: 'wrong', reason: 'unknown-user' }
  return spent ? { kind: 'right', value: user } : { kind: 'wrong', reason: 'wrong-code' }
}

/** Before the session begins: a code that is spent without a word would be a way to come in unnoticed. */
async function announce(request: FastifyRequest, context: AppContext, user: User): Promise<void> {
  const { from } = request.visit
  const at = context.now()
  const { recoveryCodes: left } = await context.users.credentials(user.id)
  context.audit.write({
    at,
    event: 'recovery-code-used',
    actor: user.id,
    user: user.id,
    client: from.client,
    request: from.id,
    details: { left },
  })
  await context.users.addNotice({
    user: user.id,
    at,
    kind: 'recovery-code-used',
    text: `A recovery code was used to sign in, from ${from.client}. ${left} ${left === 1 ? 'is' : 'are'} left.`,
  })
}

interface RecoveryView extends SignInView {
  readonly nameError?: string
  readonly codeError?: string
}

function recoveryPage(reply: FastifyReply, view: RecoveryView): FastifyReply {
  const { name, returnTo, status = 200, nameError = null, codeError = null } = view
  const codeFirst = codeError !== null || (nameError === null && name !== '')
  return page(reply, {
    status,
    title: 'Use a recovery code',
    lead: 'For the day when your other ways to sign in are lost. Each code works once.',
    body: html`${alert(view.alert ?? null)}<form class="stack" method="post" action="/recovery">${csrfField(reply.request)}${hidden({ rd: returnTo })}${field(
      {
        name: 'name',
        label: 'Name',
        value: name,
        attributes: `autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="64" required${codeFirst ? '' : ' autofocus'}`,
        error: nameError,
      },
    )}${field({
      name: 'code',
      label: 'Recovery code',
      attributes: `class="code" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="40" required${codeFirst ? ' autofocus' : ''}`,
      hint: 'Dashes, spaces and capital letters do not matter.',
      error: codeError,
    })}<button class="button">Sign in</button></form><nav aria-label="Other ways"><ul class="links"><li><a href="/${signInQuery({ ...view, reason: null })}">Other ways to sign in</a></li></ul></nav>`,
  })
}
