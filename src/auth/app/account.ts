// The account page: who one is here, what happened lately, and everything one can sign in with.

import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Credentials, LinkedAccount, Notice, Passkey, Totp } from '../people.ts'
import { recoveryCodeCount } from '../recovery-code.ts'
import { registerAccountAuthenticators } from './account-authenticators.ts'
import { credentialPath, registerAccountCredential } from './account-credential.ts'
import { registerAccountDevices } from './account-devices.ts'
import { type Owner, signedIn } from './account-guard.ts'
import { registerAccountKeys } from './account-keys.ts'
import { registerAccountPassword } from './account-password.ts'
import { registerAccountRecoveryCodes } from './account-recovery-codes.ts'
import { timeElement } from './account-time.ts'
import { registerAccountTokens } from './account-tokens.ts'
import { accountPage, buttonForm, list, listItem, section, smallLink } from './account-view.ts'
import type { AppContext } from './context.ts'
import { csrfField, hidden } from './controls.ts'
import { fieldOf, formOf } from './forms.ts'
import { type Html, html, noHtml } from './html.ts'
import { goOn } from './layout.ts'
import { offered } from './provider.ts'
import { loginParty } from './webauthn.ts'

/** `GET /account` and everything below it. */
export function registerAccount(app: FastifyInstance, context: AppContext): void {
  app.get(
    '/account',
    signedIn(context, '/account', async (_request, reply, owner) => {
      const [credentials, notices] = await Promise.all([
        context.users.credentials(owner.user.id),
        context.users.notices(owner.user.id),
      ])
      return overview(reply, { owner, credentials, notices })
    }),
  )

  // RFC-less, but known to password managers: W3C "A Well-Known URL for Changing Passwords".
  app.get('/.well-known/change-password', (_request, reply) => goOn(reply, '/account/password'))

  app.post(
    '/account/notices/dismiss',
    signedIn(context, '/account', async (request, reply, { user }) => {
      const upTo = Number(fieldOf(formOf(request), 'upTo', 16))
      if (Number.isSafeInteger(upTo)) await context.users.dismissNotices(user.id, upTo)
      return goOn(reply, '/account')
    }),
  )

  registerAccountCredential(app, context)
  registerAccountKeys(app, context)
  registerAccountPassword(app, context)
  registerAccountAuthenticators(app, context)
  registerAccountRecoveryCodes(app, context)
  registerAccountDevices(app, context)
  registerAccountTokens(app, context)
}

interface Overview {
  readonly owner: Owner
  readonly credentials: Credentials
  readonly notices: readonly Notice[]
}

function overview(reply: FastifyReply, view: Overview): FastifyReply {
  const { user } = view.owner
  const { passkeys } = view.credentials
  const known = [user.id, user.email, user.groups.join(', ')].filter(
    (text) => text !== null && text !== '',
  )
  return accountPage(reply, {
    tab: 'account',
    title: 'Your account',
    heading: user.displayName,
    lead: known.join(' · '),
    body: html`${noticeList(reply, view.notices)}${noCodes(view.credentials)}${section({
      id: 'passkeys',
      heading: 'Passkeys',
      hint: 'One step and the safest: fingerprint, face or PIN on a device of yours.',
      action: smallLink('/account/passkeys', 'Add a passkey'),
      body: keyList(
        reply,
        passkeys.filter(({ kind }) => kind === 'passkey'),
      ),
    })}${passwordSections(reply, view.credentials)}${accountSection(reply, view.credentials)}${codeSection(view.credentials)}`,
  })
}

/** Newest first; older ones stand in the audit log. */
const maxNotices = 12

function noticeList(reply: FastifyReply, notices: readonly Notice[]): Html | null {
  const newest = notices.reduce((last, { id }) => Math.max(last, id), 0)
  if (newest === 0) return null
  const now = reply.server.login.now()
  const items = [...notices]
    .sort((a, b) => b.id - a.id)
    .slice(0, maxNotices)
    .map(
      (notice) =>
        html`<li>${notice.text} <span class="meta">${timeElement(notice.at, now)}</span></li>`,
    )
  return html`<section class="news" aria-labelledby="news"><h2 id="news">What happened</h2><ul>${items}</ul><p class="meta">Was any of this not you? End that device’s session and change what you sign in with.</p><form method="post" action="/account/notices/dismiss">${csrfField(reply.request)}${hidden({ upTo: String(newest) })}<button class="plain">Dismiss</button></form></section>`
}

function noCodes({ recoveryCodes }: Credentials): Html | null {
  if (recoveryCodes > 0) return null
  return html`<div class="alert"><p><b>You have no recovery codes.</b> Without them, losing your devices means asking whoever runs this site. <a href="/account/recovery-codes">Make some now</a></p></div>`
}

function keyList(reply: FastifyReply, keys: readonly Passkey[]): Html {
  const { login } = reply.server
  const party = loginParty(login)
  const now = login.now()
  const items = keys.map((key) =>
    listItem({
      name: html`${key.label}${key.backedUp && html` <span class="tag">synced</span>`}`,
      meta: [
        used(key, now),
        key.relyingParty === party.id
          ? null
          : `Made for ${key.relyingParty}: it cannot be used here any more.`,
      ],
      action: smallLink(credentialPath({ kind: 'passkey', id: key.id }), 'Change', key.label),
    }),
  )
  return list(items, 'None yet.')
}

function passwordSections(reply: FastifyReply, credentials: Credentials): Html {
  const { password, totps, passkeys } = credentials
  const keys = passkeys.filter(({ kind }) => kind === 'security-key')
  const now = reply.server.login.now()
  const lonely = password !== null && totps.length === 0 && keys.length === 0
  const own = password !== null && [
    listItem({
      name: 'Password',
      meta: [used(password, now)],
      action: smallLink(credentialPath({ kind: 'password' }), 'Change', 'password'),
    }),
  ]
  const warning =
    lonely &&
    html`<p class="error">The password opens nothing yet: add an authenticator app or a security key.</p>`
  const apps = totps.map((totp: Totp) =>
    listItem({
      name: totp.label,
      meta: [used(totp, now)],
      action: smallLink(credentialPath({ kind: 'totp', id: totp.id }), 'Change', totp.label),
    }),
  )
  return html`${section({
    id: 'password',
    heading: 'Password',
    hint: 'Counts together with an authenticator app or a security key.',
    action: password === null ? smallLink('/account/password', 'Set a password') : null,
    body: html`${list(own || [], 'None set.')}${warning}`,
  })}${section({
    id: 'apps',
    heading: 'Authenticator apps',
    action: smallLink('/account/authenticators', 'Add an app'),
    body: list(apps, 'None yet.'),
  })}${section({
    id: 'keys',
    heading: 'Security keys',
    action: smallLink('/account/security-keys', 'Add a security key'),
    body: keyList(reply, keys),
  })}`
}

function accountSection(reply: FastifyReply, { accounts }: Credentials): Html | null {
  const { login } = reply.server
  const providers = offered(login)
  if (providers.length === 0 && accounts.length === 0) return null
  const now = login.now()
  const items = accounts.map((account: LinkedAccount) => {
    const { provider, subject, login: name } = account
    const label = login.providers.find((each) => each.name === provider)?.label ?? provider
    return listItem({
      name: html`${name} <span class="tag">${label}</span>`,
      meta: [used(account, now)],
      action: smallLink(credentialPath({ kind: 'account', provider, subject }), 'Change', name),
    })
  })
  const add = providers.map(({ name, label }) =>
    buttonForm(reply, {
      action: `/provider/${name}/link`,
      fields: noHtml,
      label: `Link a ${label} account`,
    }),
  )
  return section({
    id: 'accounts',
    heading: 'Linked accounts',
    action: html`${add}`,
    body: list(items, 'None yet.'),
  })
}

function codeSection({ recoveryCodes }: Credentials): Html {
  const label = recoveryCodes === 0 ? 'Make recovery codes' : 'Make new ones'
  return section({
    id: 'codes',
    heading: 'Recovery codes',
    hint: 'For the day your devices are gone. Each opens your account once.',
    action: smallLink('/account/recovery-codes', label),
    body: html`<p class="meta">${recoveryCodes} of ${recoveryCodeCount} left.</p>`,
  })
}

function used(
  thing: { readonly createdAt: number; readonly lastUsedAt: number | null },
  now: number,
): Html {
  const { createdAt, lastUsedAt } = thing
  return lastUsedAt === null
    ? html`Added ${timeElement(createdAt, now)}, not used yet`
    : html`Last used ${timeElement(lastUsedAt, now)}, added ${timeElement(createdAt, now)}`
}
