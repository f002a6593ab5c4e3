// Where somebody is signed in, and ending it.

import type { FastifyInstance, FastifyReply } from 'fastify'
import type { SignInMethod } from '../session-store.ts'
import type { Session } from '../sessions.ts'
import { noteChange } from './account-change.ts'
import { describeDevice } from './account-device.ts'
import { type Owner, signedIn } from './account-guard.ts'
import { timeElement } from './account-time.ts'
import { accountPage, buttonForm, list, listItem, smallLink } from './account-view.ts'
import type { AppContext } from './context.ts'
import { hidden } from './controls.ts'
import { fieldOf, formOf } from './forms.ts'
import { html, noHtml } from './html.ts'
import { goOn } from './layout.ts'

const path = '/account/devices'

/**
 * `GET /account/devices`, `POST …/end` and `POST …/end-others`. Ending asks for no recent login: whoever finds a stranger
 * in the list must not have to look for his key first.
 */
export function registerAccountDevices(app: FastifyInstance, context: AppContext): void {
  app.get(
    path,
    signedIn(context, path, (_request, reply, owner) => devicesPage(reply, owner)),
  )
  app.post(
    `${path}/end`,
    signedIn(context, path, async (request, reply, { user, session }) => {
      const found = context.sessions.byRef(fieldOf(formOf(request), 'ref', 64))
      if (found === null || found.record.user !== user.id) return goOn(reply, path)
      const { ref } = found.record
      await context.sessions.end([ref], 'ended-by-user')
      await noteChange(context, request, {
        user: user.id,
        event: 'session-ended',
        details: { session: ref, device: describeDevice(found.record.userAgent) },
      })
      return goOn(reply, ref === session.record.ref ? '/' : path)
    }),
  )
  app.post(
    `${path}/end-others`,
    signedIn(context, path, async (request, reply, { user, session }) => {
      const { ref } = session.record
      const count = await context.sessions.endUser(user.id, 'ended-by-user', ref)
      const details = { count, kept: ref }
      await noteChange(context, request, { user: user.id, event: 'sessions-ended', details })
      return goOn(reply, path)
    }),
  )
}

function devicesPage(reply: FastifyReply, owner: Owner): FastifyReply {
  const context = reply.server.login
  const own = owner.session.record.ref
  const sessions = context.sessions.list(owner.user.id)
  // The one at hand first; the others as they come: last used first.
  const sorted = [
    ...sessions.filter(({ record }) => record.ref === own),
    ...sessions.filter(({ record }) => record.ref !== own),
  ]
  const others = sorted.length - 1
  return accountPage(reply, {
    tab: 'devices',
    title: 'Where you are signed in',
    body: html`<section aria-label="Sessions">${list(
      sorted.map((session) => item(reply, session, own)),
      'Nowhere.',
    )}<div class="row">${smallLink('/approve', 'Sign in a new device')}${
      others > 0 &&
      html`${buttonForm(reply, {
        action: `${path}/end-others`,
        fields: noHtml,
        label: 'Sign out all others',
        look: 'danger',
      })}`
    }</div></section>`,
  })
}

function item(reply: FastifyReply, { record }: Session, own: string) {
  const now = reply.server.login.now()
  const device = describeDevice(record.userAgent)
  const isOwn = record.ref === own
  const from =
    record.firstAddress === record.lastAddress
      ? record.lastAddress
      : `${record.lastAddress} (began at ${record.firstAddress})`
  return listItem({
    name: html`${device}${isOwn && html` <span class="tag">this device</span>`}`,
    meta: [
      html`${from} · last seen ${timeElement(record.lastSeenAt, now)}`,
      html`Signed in ${timeElement(record.createdAt, now)} with ${methodsText(record.methods)}`,
    ],
    action: isOwn
      ? smallLink('/sign-out', 'Sign out')
      : buttonForm(reply, {
          action: `${path}/end`,
          fields: hidden({ ref: record.ref }),
          label: 'Sign out',
          about: device,
        }),
  })
}

function methodsText(methods: readonly SignInMethod[]): string {
  return methods.map((method) => methodNames[method]).join(' and ')
}

const methodNames: Readonly<Record<SignInMethod, string>> = {
  passkey: 'a passkey',
  'security-key': 'a security key',
  password: 'your password',
  totp: 'an authenticator app',
  provider: 'a linked account',
  'recovery-code': 'a recovery code',
  approved: 'the approval of another device',
}
