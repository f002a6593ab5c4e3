// Adding a passkey or a security key to an account.

import type { FastifyInstance, FastifyReply } from 'fastify'
import { noteChange } from './account-change.ts'
import { recently } from './account-guard.ts'
import type { AppContext } from './context.ts'
import { field } from './controls.ts'
import { jsonOf, textOf } from './forms.ts'
import { html } from './html.ts'
import {
  isKnownKey,
  keyIcon,
  message,
  refuseExpired,
  refuseKey,
  refuseKnownKey,
} from './key-pages.ts'
import { beginKeySetUp, finishKeySetUp } from './key-set-up.ts'
import { maxLabelLength } from './label.ts'
import { goOn, page } from './layout.ts'
import type { CredentialKind } from './webauthn.ts'

/** `/account/passkeys` and `/account/security-keys`: `GET` the page; for its script `POST …/options` and `POST`. */
export function registerAccountKeys(app: FastifyInstance, context: AppContext): void {
  for (const words of [passkey, securityKey]) {
    const { path, kind } = words
    app.get(
      path,
      recently(context, path, (_request, reply) => addPage(reply, words)),
    )
    app.post(
      `${path}/options`,
      recently(context, path, async (request, reply, { user }) =>
        reply.send(await beginKeySetUp(context, request, { user, kind })),
      ),
    )
    app.post(
      path,
      recently(context, path, async (request, reply, { user }) => {
        const json = jsonOf(request)
        const result = await finishKeySetUp(context, request, {
          user,
          flow: textOf(json, 'flow', 64) ?? '',
          response: json.response,
          label: textOf(json, 'label', 200) ?? '',
        })
        if (result.kind === 'expired') return refuseExpired(reply)
        // A flow of the other kind was spent here: nothing was asked for like this.
        if (result.kind === 'refused' || result.key.kind !== kind) return refuseKey(reply)
        const { key } = result
        try {
          await context.users.addPasskey(key)
        } catch (error) {
          if (isKnownKey(error)) return refuseKnownKey(reply)
          throw error
        }
        await noteChange(context, request, {
          user: user.id,
          event: 'credential-added',
          details: { kind, label: key.label, aaguid: key.aaguid },
          notice: { kind: 'credential-added', text: `Added: the ${words.noun} “${key.label}”.` },
        })
        return goOn(reply, '/account')
      }),
    )
  }
}

interface Words {
  readonly path: string
  readonly kind: CredentialKind
  readonly noun: string
  readonly title: string
  readonly lead: string
  readonly button: string
}

const passkey: Words = {
  path: '/account/passkeys',
  kind: 'passkey',
  noun: 'passkey',
  title: 'Add a passkey',
  lead: 'On this device, on your phone, or on a security key with a PIN: your browser asks where.',
  button: 'Create a passkey',
}

const securityKey: Words = {
  path: '/account/security-keys',
  kind: 'security-key',
  noun: 'security key',
  title: 'Add a security key',
  lead: 'A touch of it is the second step after your password. If it has a PIN, a passkey on it is better.',
  button: 'Register the key',
}

function addPage(reply: FastifyReply, words: Words): FastifyReply {
  const label = field({
    name: 'label',
    label: 'Name',
    hint: 'So that you recognise it later. May stay empty.',
    attributes: `maxlength="${maxLabelLength}" autocomplete="off"`,
  })
  return page(reply, {
    title: words.title,
    lead: words.lead,
    script: 'register.js',
    body: html`<form class="stack" method="post" action="${words.path}" data-register hidden>${label}<button class="button">${keyIcon}${words.button}</button>${message}</form><p data-without-keys>This needs JavaScript and a browser that knows passkeys.</p><ul class="links"><li><a href="/account">Back to your account</a></li></ul>`,
  })
}
