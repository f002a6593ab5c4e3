// Signing in with a passkey: without a name, or with a name and then the key. One step, and two factors at once.

import { createHmac } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { parseUserName } from '../user-name.ts'
import type { AppContext } from './context.ts'
import { field, hidden } from './controls.ts'
import { finishSignIn } from './finish-sign-in.ts'
import { jsonOf, queryOf, textOf } from './forms.ts'
import { html } from './html.ts'
import { checkKey } from './key-check.ts'
import { keyIcon, message, refuseExpired, refuseKey, refuseThrottled } from './key-pages.ts'
import { page } from './layout.ts'
import { readReturnTo } from './return-to.ts'
import { type AllowedCredentials, loginParty, requestOptions } from './webauthn.ts'

declare module './flows.ts' {
  interface FlowData {
    'passkey-sign-in': {
      readonly challenge: string
      /** Who said a name first; `null`: the key is to say who it is. */
      readonly user: string | null
    }
  }
}

/**
 * For the script `sign-in.js`: `POST /passkey/options` `{ name? }` gives `{ flow, options }`, and `POST /passkey`
 * `{ flow, response, remember, rd, reason }` gives `{ to }`. `GET /passkey`: the page for keys that must be told a name.
 */
export function registerPasskeys(app: FastifyInstance, context: AppContext): void {
  app.get('/passkey', (request, reply) => byNamePage(request, reply))

  app.post('/passkey/options', async (request, reply) => {
    const { browser, from } = request.visit
    const typed = (textOf(jsonOf(request), 'name', 256) ?? '').trim()
    const user = typed === '' ? null : typed.toLowerCase()
    const allowed = user === null ? [] : await keysOf(user, context)
    const party = loginParty(context)
    const { randomBytes } = context
    const options = requestOptions({ party, kind: 'passkey', allowed, randomBytes })
    const data = { challenge: options.challenge, user }
    const flow = context.flows.begin('passkey-sign-in', data, { browser, network: from.network })
    return reply.send({ flow: flow.id, options })
  })

  app.post('/passkey', async (request, reply) => {
    const { browser, from } = request.visit
    const json = jsonOf(request)
    // Of the network alone: whoever attacks an account must not keep its owner's passkey out.
    const who = { network: from.network }
    const verdict = context.throttle.check('passkey', who)
    if (!verdict.ok) return refuseThrottled(reply, verdict.retryAfterMs)
    const flow = context.flows.spend('passkey-sign-in', textOf(json, 'flow') ?? '', browser)
    if (flow === null) {
      context.throttle.undone('passkey', who)
      return refuseExpired(reply)
    }
    const attempt = { ...flow.data, kind: 'passkey', response: json.response } as const
    const user = await checkKey(context, request, attempt).catch((error: unknown) => {
      context.throttle.undone('passkey', who)
      throw error
    })
    if (user === null) {
      context.throttle.failed('passkey', who)
      return refuseKey(reply)
    }
    context.throttle.succeeded('passkey', who)
    return finishSignIn(request, reply, {
      user,
      methods: ['passkey'],
      passkey: true,
      secondFactor: true,
      remember: (textOf(json, 'remember') ?? '') !== '',
      account: null,
      returnTo: readReturnTo(textOf(json, 'rd'), context),
      reason: textOf(json, 'reason', 32),
    })
  })
}

/**
 * What a named person may answer with. For a name that nobody has, or somebody without passkeys, it is one made-up
 * key, always the same for that name: so the list tells nobody who exists (WebAuthn Level 3 §14.6.2).
 */
async function keysOf(typed: string, context: AppContext): Promise<AllowedCredentials> {
  const party = loginParty(context)
  const user = parseUserName(typed)
  const { passkeys } = user === null ? { passkeys: [] } : await context.users.credentials(user)
  const own = passkeys.filter((key) => key.kind === 'passkey' && key.relyingParty === party.id)
  if (own.length > 0) return own
  const id = createHmac('sha256', await decoyKey(context))
    .update(typed)
    .digest('base64url')
  return [{ id, transports: ['internal', 'hybrid'] }]
}

/** Kept, so that a restart does not change the made-up keys and so betray them. */
async function decoyKey(context: AppContext): Promise<string> {
  const kept = await context.settings.get('passkey-decoy-key')
  if (kept !== null) return kept
  const made = context.randomBytes(32).toString('base64url')
  await context.settings.set('passkey-decoy-key', made)
  return made
}

function byNamePage(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const values = { rd: queryOf(request, 'rd'), reason: queryOf(request, 'reason') }
  const name = field({
    name: 'name',
    label: 'Name',
    attributes:
      'autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus',
  })
  return page(reply, {
    title: 'Sign in with a key',
    lead: 'Older keys must be told who you are before they answer.',
    script: 'sign-in.js',
    body: html`<form class="stack" method="post" action="/passkey" data-key hidden>${hidden(values)}${name}<button class="button">${keyIcon}Use your key</button>${message}</form><noscript><p>This way needs JavaScript. The others do not.</p></noscript><ul class="links"><li><a href="/">Other ways to sign in</a></li></ul>`,
  })
}
