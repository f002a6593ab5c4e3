// One credential: a better name for it, or away with it.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { CredentialKey, Credentials } from '../people.ts'
import { noteChange } from './account-change.ts'
import { recently } from './account-guard.ts'
import type { AppContext } from './context.ts'
import { csrfField, field, hidden } from './controls.ts'
import { type Form, fieldOf, formOf, queryOf } from './forms.ts'
import { html } from './html.ts'
import { maxLabelLength, readLabel } from './label.ts'
import { goOn, page, refuse } from './layout.ts'

/** Where a credential is renamed or removed. */
export function credentialPath(key: CredentialKey): string {
  return `/account/credential?${new URLSearchParams(Object.entries(key))}`
}

/** `GET /account/credential`, and `POST` of `/rename` and `/remove` below it. */
export function registerAccountCredential(app: FastifyInstance, context: AppContext): void {
  app.get('/account/credential', (request, reply) => {
    const key = keyOf((name) => queryOf(request, name) ?? '')
    const back = key === null ? '/account' : credentialPath(key)
    return recently(context, back, async (_request, _reply, { user }) => {
      const found = key === null ? null : find(await context.users.credentials(user.id), key)
      return key === null || found === null
        ? refuseAbsent(reply)
        : credentialPage(request, reply, { key, ...found })
    })(request, reply)
  })

  app.post(
    '/account/credential/rename',
    recently(context, '/account', async (request, reply, { user }) => {
      const form = formOf(request)
      const key = keyIn(form)
      const label = readLabel(fieldOf(form, 'label'))
      const found = key === null ? null : find(await context.users.credentials(user.id), key)
      if (key === null || found?.label == null) return refuseAbsent(reply)
      if (label !== null && label !== found.label) {
        await context.users.rename(user.id, key, label)
        const details = { kind: key.kind, label, was: found.label }
        await noteChange(context, request, { user: user.id, event: 'credential-renamed', details })
      }
      return goOn(reply, '/account')
    }),
  )

  app.post(
    '/account/credential/remove',
    recently(context, '/account', async (request, reply, { user, session }) => {
      const key = keyIn(formOf(request))
      const found = key === null ? null : find(await context.users.credentials(user.id), key)
      if (key === null || found === null) return refuseAbsent(reply)
      const result = await context.users.removeCredential(user.id, key)
      if (result === 'absent') return refuseAbsent(reply)
      if (result === 'last') return refuseLast(reply)
      await noteChange(context, request, {
        user: user.id,
        event: 'credential-removed',
        details: { kind: key.kind, label: found.label },
        notice: { kind: 'credential-removed', text: `Removed: ${found.what}.` },
      })
      // Sessions that came from the account lose what they stand on; this one as well, if it is of them.
      if (key.kind === 'account') {
        const account = `${key.provider}:${key.subject}`
        await context.sessions.endAccount(account, 'account-unlinked')
        if (session.record.account === account) return goOn(reply, '/')
      }
      return goOn(reply, '/account')
    }),
  )
}

interface Found {
  /** As in a sentence: `the passkey “Phone”`. */
  readonly what: string
  /** `null`: it has no name of its own. */
  readonly label: string | null
  readonly consequence: string
}

function find(credentials: Credentials, key: CredentialKey): Found | null {
  switch (key.kind) {
    case 'passkey': {
      const found = credentials.passkeys.find(({ id }) => id === key.id)
      if (found === undefined) return null
      const noun = found.kind === 'passkey' ? 'passkey' : 'security key'
      return {
        what: `the ${noun} “${found.label}”`,
        label: found.label,
        consequence: `It opens nothing here any more. The device or key still lists it until you delete it there.`,
      }
    }
    case 'totp': {
      const found = credentials.totps.find(({ id }) => id === key.id)
      if (found === undefined) return null
      const consequence = 'Its codes are worth nothing any more.'
      return { what: `the authenticator app “${found.label}”`, label: found.label, consequence }
    }
    case 'password':
      if (credentials.password === null) return null
      return {
        what: 'the password',
        label: null,
        consequence: 'You sign in with your other ways alone.',
      }
    case 'account': {
      const { accounts } = credentials
      const found = accounts.find(
        ({ provider, subject }) => provider === key.provider && subject === key.subject,
      )
      if (found === undefined) return null
      return {
        what: `the ${found.provider} account “${found.login}”`,
        label: null,
        consequence: 'Whoever signed in with it here is signed out.',
      }
    }
    default:
      throw new TypeError('unknown credential', { cause: key satisfies never })
  }
}

function credentialPage(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: Found & { readonly key: CredentialKey },
): FastifyReply {
  const { key, what, label, consequence } = parts
  const fields = html`${csrfField(request)}${hidden(Object.fromEntries(Object.entries(key)))}`
  const title = what.replace(/^the ./, (start) => start.slice(4).toUpperCase())
  const name = (value: string) =>
    field({
      name: 'label',
      label: 'Name',
      value,
      attributes: `maxlength="${maxLabelLength}" autocomplete="off" required`,
    })
  return page(reply, {
    title,
    body: html`${
      label !== null &&
      html`<form class="stack" method="post" action="/account/credential/rename">${fields}${name(label)}<button class="button">Save the name</button></form>`
    }${
      key.kind === 'password' &&
      html`<p><a class="button" href="/account/password">Change the password</a></p>`
    }<section class="stack"><h2>Remove it</h2><p class="hint">${consequence}</p><form method="post" action="/account/credential/remove">${fields}<button class="button danger">Remove ${what}</button></form></section><ul class="links"><li><a href="/account">Back to your account</a></li></ul>`,
  })
}

function keyIn(form: Form): CredentialKey | null {
  return keyOf((name) => fieldOf(form, name, 2048))
}

function keyOf(value: (name: string) => string): CredentialKey | null {
  switch (value('kind')) {
    case 'passkey':
      return { kind: 'passkey', id: value('id') }
    case 'totp':
      return { kind: 'totp', id: value('id') }
    case 'password':
      return { kind: 'password' }
    case 'account':
      return { kind: 'account', provider: value('provider'), subject: value('subject') }
    default:
      return null
  }
}

function refuseAbsent(reply: FastifyReply): FastifyReply {
  return refuse(reply, {
    status: 404,
    code: 'credential-absent',
    title: 'That is not there any more',
    lead: 'It may have been removed on another device.',
    body: back,
  })
}

function refuseLast(reply: FastifyReply): FastifyReply {
  return refuse(reply, {
    status: 409,
    code: 'last-credential',
    title: 'You would lock yourself out',
    lead: 'Nothing would be left to sign in with. Add another way first, then remove this one.',
    body: back,
  })
}

const back = html`<p><a class="button" href="/account">Back to your account</a></p>`
