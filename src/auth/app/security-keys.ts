// A security key as the second step after a password: a touch, without PIN or fingerprint.

import type { FastifyInstance } from 'fastify'
import type { AppContext } from './context.ts'
import { finishSignIn } from './finish-sign-in.ts'
import { jsonOf, textOf } from './forms.ts'
import { checkKey } from './key-check.ts'
import { refuseExpired, refuseKey, refuseThrottled } from './key-pages.ts'
import { loginParty, requestOptions } from './webauthn.ts'

declare module './flows.ts' {
  interface FlowData {
    'security-key-sign-in': {
      readonly challenge: string
      /** The `second-factor` flow it belongs to, and its person. */
      readonly step: string
      readonly user: string
    }
  }
}

/**
 * For the script `sign-in.js`: `POST /security-key/options` `{ step }` gives `{ flow, options }`, and `POST /security-key`
 * `{ flow, response }` gives `{ to }`. `step` is the id of the `second-factor` flow, which a wrong key does not use up.
 */
export function registerSecurityKeys(app: FastifyInstance, context: AppContext): void {
  app.post('/security-key/options', async (request, reply) => {
    const { browser, from } = request.visit
    const step = textOf(jsonOf(request), 'step', 64) ?? ''
    const flow = context.flows.find('second-factor', step, browser)
    if (flow === null) return refuseExpired(reply)
    const { user } = flow.data
    const party = loginParty(context)
    const { passkeys } = await context.users.credentials(user)
    // A passkey is a key too: it may stand beside a password for who prefers that.
    const allowed = passkeys.filter((key) => key.relyingParty === party.id)
    const { randomBytes } = context
    const options = requestOptions({ party, kind: 'security-key', allowed, randomBytes })
    const data = { challenge: options.challenge, step, user }
    const own = context.flows.begin('security-key-sign-in', data, {
      browser,
      network: from.network,
    })
    return reply.send({ flow: own.id, options })
  })

  app.post('/security-key', async (request, reply) => {
    const { browser, from } = request.visit
    const json = jsonOf(request)
    // A key cannot be guessed: what counts is the load, by network.
    const who = { network: from.network }
    const verdict = context.throttle.check('passkey', who)
    if (!verdict.ok) return refuseThrottled(reply, verdict.retryAfterMs)
    const undone = (error: unknown) => {
      context.throttle.undone('passkey', who)
      throw error
    }
    const own = context.flows.spend('security-key-sign-in', textOf(json, 'flow') ?? '', browser)
    if (own === null) {
      context.throttle.undone('passkey', who)
      return refuseExpired(reply)
    }
    const { challenge, user: named, step } = own.data
    const attempt = {
      kind: 'security-key',
      challenge,
      user: named,
      response: json.response,
    } as const
    const user = await checkKey(context, request, attempt).catch(undone)
    if (user === null) {
      context.throttle.failed('passkey', who)
      return refuseKey(reply)
    }
    context.throttle.succeeded('passkey', who)
    const first = context.flows.spend('second-factor', step, browser)
    if (first === null || first.data.user !== user.id) return refuseExpired(reply)
    const { remember, returnTo, reason } = first.data
    return finishSignIn(request, reply, {
      user,
      methods: ['password', 'security-key'],
      passkey: false,
      secondFactor: true,
      remember,
      account: null,
      returnTo,
      reason,
    })
  })
}
