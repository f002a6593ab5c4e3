// One person: what is known, what is signed in with, sessions and tokens, and everything an administrator can do.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { timeElement } from '../../auth/app/account-time.ts'
import { field } from '../../auth/app/controls.ts'
import { type Html, html } from '../../auth/app/html.ts'
import { parseUserName } from '../../auth/user-name.ts'
import { getUser } from '../api/users.ts'
import type { CredentialView, Person } from '../desks/people-types.ts'
import { adminErrors, type Refused, refused } from '../problem.ts'
import { buttonForm, csrfField, facts, select } from './controls.ts'
import { page } from './layout.ts'
import { credentialWords, faultOf, wholeFault } from './people.ts'
import { registerPersonActs } from './person-acts.ts'
import { refusePage } from './refusal.ts'
import { sessionTable } from './sessions.ts'
import { tokenTable } from './tokens.ts'
import { counted } from './words.ts'

export type PersonRequest = FastifyRequest<{ Params: { id: string } }>

/** `GET /people/:id`, and what is posted from there. */
export function registerPerson(app: FastifyInstance): void {
  app.get('/people/:id', (request: PersonRequest, reply) =>
    personPage(reply, request.params.id, null),
  )
  registerPersonActs(app, personPage)
}

/** @param failed what was sent to change the person, and why that was refused. */
export async function personPage(
  reply: FastifyReply,
  name: string,
  failed: { readonly form: ReadonlyMap<string, string>; readonly refusal: Refused } | null,
): Promise<FastifyReply> {
  const { request, server } = reply
  const { desks, perform } = server.admin
  const id = parseUserName(name)
  const person = id === null ? null : await desks.people.person(id)
  if (person === null) return refusePage(reply, refused('not-found'))
  const { actor, from } = request.caller
  const version = await perform(getUser, { path: { id: name } }, { actor, request: from.id })
  const etag = version.kind === 'done' ? (version.etag ?? '') : ''
  const { user } = person
  const now = desks.now()
  const isSelf = user.id === actor.user
  return page(reply, {
    title: user.displayName,
    section: 'people',
    back: { to: '/people', label: 'People' },
    lead: html`<span class="mono">${user.id}</span>${person.administers && html` <span class="tag good">administers</span>`}${user.disabled && html` <span class="tag bad">switched off</span>`}${isSelf && html` <span class="tag">you</span>`}`,
    changes: true,
    status: failed === null ? 200 : adminErrors[failed.refusal.code].status,
    body: html`${wholeFault(failed?.refusal ?? null)}${facts([
      ['Signs in with', credentialWords(person.credentials)],
      ['Last signed in', timeElement(user.lastSignInAt, now)],
      ['Here since', timeElement(user.createdAt, now)],
    ])}${inviteSection(request, person)}${editSection(request, person, { etag, failed })}${credentialSection(request, person, now)}<section aria-labelledby="sessions"><h2 id="sessions">Sessions</h2>${sessionTable(request, desks.sessions.list(user.id), { now, own: actor.ref, back: `/people/${user.id}`, named: false })}</section><section aria-labelledby="tokens"><h2 id="tokens">Tokens</h2>${tokenTable(request, desks.tokens.list(user.id), { now, back: `/people/${user.id}`, named: false })}</section>${isSelf ? null : endSection(request, person, etag)}`,
  })
}

function inviteSection(request: FastifyRequest, { user, credentials }: Person): Html {
  const isNew = credentialWords(credentials).startsWith('nothing')
  return html`<section aria-labelledby="invite"><h2 id="invite">Invite</h2><p class="hint">A link that works once, for setting up a passkey, a password or an account elsewhere. Whoever has it can take the account over, so hand it over in person or by a channel you trust.</p><form class="row" method="post" action="/people/${user.id}/invite">${csrfField(request)}${lifeSelect()}<button class="button small${!isNew && ' quiet'}">Make an invitation</button></form></section>`
}

function lifeSelect(): Html {
  return html`<div class="inline">${select({
    name: 'lifeMinutes',
    label: 'Good for',
    value: '1440',
    choices: [
      { value: '60', label: 'an hour' },
      { value: '1440', label: 'a day' },
      { value: '10080', label: 'a week' },
    ],
  })}</div>`
}

function editSection(
  request: FastifyRequest,
  { user }: Person,
  view: {
    readonly etag: string
    readonly failed: Parameters<typeof personPage>[2]
  },
): Html {
  const { etag, failed } = view
  const form = failed?.form.has('displayName') === true ? failed.form : null
  const refusal = failed?.refusal ?? null
  const input = (name: string, label: string, value: string, attributes: string) =>
    field({
      name,
      label,
      value: form?.get(name) ?? value,
      attributes,
      error: faultOf(refusal, name),
    })
  const plain = 'autocomplete="off" autocapitalize="none" spellcheck="false"'
  return html`<section aria-labelledby="edit"><h2 id="edit">Name and groups</h2><form class="stack slender" method="post" action="/people/${user.id}">${csrfField(request)}<input type="hidden" name="etag" value="${etag}">${input(
    'displayName',
    'Name',
    user.displayName,
    'autocomplete="off" maxlength="80" required',
  )}<div class="pair">${input('email', 'E-mail', user.email ?? '', plain)}${input('groups', 'Groups', user.groups.join(' '), plain)}</div><button class="button small">Save</button></form></section>`
}

function credentialSection(
  request: FastifyRequest,
  { user, credentials }: Person,
  now: number,
): Html {
  const remove = (kind: string, id: string, label: string) =>
    buttonForm(request, {
      action: `/people/${user.id}/credential`,
      fields: { kind, id },
      label: 'Take away',
      about: label,
      look: 'tiny',
    })
  const row = (kind: string, what: string, each: CredentialView) =>
    html`<li><div><p class="name">${each.label} <span class="tag">${what}</span></p><p class="meta">added ${timeElement(each.createdAt, now)}, ${each.lastUsedAt === null ? 'not used yet' : html`last used ${timeElement(each.lastUsedAt, now)}`}</p></div>${remove(kind, each.id, each.label)}</li>`
  const { password } = credentials
  const items = [
    ...credentials.passkeys.map((each) => row('passkey', 'passkey', each)),
    ...(password === null
      ? []
      : [row('password', 'password', { id: '-', label: 'Password', ...password })]),
    ...credentials.authenticatorApps.map((each) => row('totp', 'authenticator app', each)),
    ...credentials.securityKeys.map((each) => row('security-key', 'security key', each)),
    ...credentials.accounts.map(
      ({ provider, subject, login, lastUsedAt }) =>
        html`<li><div><p class="name">${login} <span class="tag">${provider}</span></p><p class="meta">${lastUsedAt === null ? 'not used yet' : html`last used ${timeElement(lastUsedAt, now)}`}</p></div>${remove('account', `${provider}:${subject}`, login)}</li>`,
    ),
  ]
  return html`<section aria-labelledby="credentials"><h2 id="credentials">What ${user.displayName} signs in with</h2>${items.length === 0 ? html`<p class="meta">Nothing yet.</p>` : html`<ul class="list">${items}</ul>`}${(items.length > 0 || credentials.recoveryCodes > 0) && html`<p class="meta">${counted(credentials.recoveryCodes, 'recovery code')} left.</p>`}</section>`
}

function endSection(request: FastifyRequest, { user }: Person, etag: string): Html {
  const path = `/people/${user.id}`
  return html`<section aria-labelledby="end"><h2 id="end">Start anew, switch off, remove</h2><ul class="list"><li><div><p class="name">Lost everything</p><p class="meta">Takes away all credentials, ends all sessions, and makes a link to begin anew.</p></div><form class="row" method="post" action="${path}/reset" data-sure="Take away everything that ${user.displayName} signs in with?">${csrfField(request)}<button class="button small quiet">Reset</button></form></li><li><div><p class="name">${user.disabled ? 'Switched off' : 'Switch off'}</p><p class="meta">${user.disabled ? 'Nobody comes in under this name until it is switched on.' : 'Sessions end and tokens stop working; it can be undone.'}</p></div>${buttonForm(
    request,
    user.disabled
      ? { action: `${path}/enable`, label: 'Switch on', about: user.displayName }
      : { action: `${path}/disable`, label: 'Switch off', about: user.displayName },
  )}</li><li><div><p class="name">Remove for good</p><p class="meta">With all credentials, sessions and tokens. Type <b>${user.id}</b>.</p></div><form class="row" method="post" action="${path}/remove">${csrfField(request)}<input type="hidden" name="etag" value="${etag}"><input name="typed" aria-label="Type ${user.id} to remove" autocomplete="off" autocapitalize="none" spellcheck="false" required pattern="${user.id.replaceAll('.', '\\.')}"><button class="button small danger">Remove</button></form></li></ul></section>`
}
