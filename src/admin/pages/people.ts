// Everybody who may sign in, and the way to let in one more.

import type { FastifyInstance, FastifyReply } from 'fastify'
import { timeElement } from '../../auth/app/account-time.ts'
import { field } from '../../auth/app/controls.ts'
import { fieldOf } from '../../auth/app/forms.ts'
import { type Html, html } from '../../auth/app/html.ts'
import { addUser } from '../api/users.ts'
import type { Person, PersonCredentials } from '../desks/people-types.ts'
import type { Refused } from '../problem.ts'
import { adminErrors } from '../problem.ts'
import { sentForm, wordsOf } from './asked.ts'
import { buttonLink, csrfField } from './controls.ts'
import { goOn, page } from './layout.ts'
import { counted } from './words.ts'

/** `GET /people`, `GET /people/new`, `POST /people`. */
export function registerPeople(app: FastifyInstance): void {
  app.get('/people', async (_request, reply) => {
    const { desks } = app.admin
    const people = await desks.people.list()
    const now = desks.now()
    return page(reply, {
      title: 'People',
      section: 'people',
      tab: '/people',
      lead: `${counted(people.length, 'person', 'people')}. Whoever is not here comes in nowhere that asks for a login.`,
      actions: buttonLink('/people/new', 'Add a person', 'strong'),
      body: html`<table class="table"><caption class="hidden">People</caption><thead><tr><th scope="col">Name</th><th scope="col">Groups</th><th scope="col">Signs in with</th><th scope="col">Last signed in</th><th scope="col" class="num">Sessions</th></tr></thead><tbody>${people.map((each) => row(each, now))}</tbody></table>`,
    })
  })

  app.get('/people/new', async (_request, reply) => addPage(reply, new Map(), null))

  app.post('/people', async (request, reply) => {
    const form = sentForm(request)
    const email = fieldOf(form, 'email').trim()
    const displayName = fieldOf(form, 'displayName').trim()
    const body = {
      id: fieldOf(form, 'id').trim(),
      ...(displayName !== '' && { displayName }),
      email: email === '' ? null : email,
      groups: wordsOf(fieldOf(form, 'groups', 2048)),
    }
    const { actor, from } = request.caller
    const result = await app.admin.perform(addUser, { body }, { actor, request: from.id })
    return result.kind === 'refused'
      ? addPage(reply, form, result)
      : goOn(reply, `/people/${body.id}`, 'person-added')
  })
}

function row({ user, credentials, sessions, administers }: Person, now: number): Html {
  const { id, displayName, groups, disabled, lastSignInAt } = user
  const tags = [
    administers && html` <span class="tag good">administers</span>`,
    disabled && html` <span class="tag bad">switched off</span>`,
  ]
  return html`<tr${disabled && html` class="off"`}><th scope="row" class="wide"><a class="main" href="/people/${id}">${displayName}</a>${tags}<br><small class="mono">${id}</small></th><td data-label="Groups">${groups.join(', ')}</td><td data-label="With">${credentialWords(credentials)}</td><td data-label="Last">${timeElement(lastSignInAt, now)}</td><td class="num" data-label="Sessions">${sessions === 0 ? '' : sessions}</td></tr>`
}

/** `2 passkeys, password and app, GitHub`. */
export function credentialWords(has: PersonCredentials): string {
  const second = has.authenticatorApps.length + has.securityKeys.length > 0
  const parts = [
    has.passkeys.length > 0 ? counted(has.passkeys.length, 'passkey') : '',
    has.password === null
      ? ''
      : second
        ? 'password and second factor'
        : 'a password alone: not enough',
    ...has.accounts.map(({ provider, login }) => `${provider} (${login})`),
  ].filter((part) => part !== '')
  return parts.length === 0 ? 'nothing yet: invite' : parts.join(', ')
}

/** The sentence for a field of a body that was refused. */
export function faultOf(refusal: Refused | null, name: string): string | null {
  const found = refusal?.errors?.find(
    ({ path }) => path === `body.${name}` || path.startsWith(`body.${name}.`),
  )
  return found?.message ?? null
}

/** What is wrong with the whole; `null`: it is said at the fields. */
export function wholeFault(refusal: Refused | null): Html | null {
  if (refusal === null) return null
  const text = refusal.detail ?? adminErrors[refusal.code].title
  return html`<div class="alert" role="alert"><p>${refusal.errors === undefined ? text : 'Nothing was done yet. See below.'}</p></div>`
}

function addPage(
  reply: FastifyReply,
  typed: ReadonlyMap<string, string>,
  refusal: Refused | null,
): Promise<FastifyReply> {
  const plain = 'autocomplete="off" autocapitalize="none" spellcheck="false"'
  const input = (name: string, label: string, hint: string, attributes = plain) =>
    field({
      name,
      label,
      hint,
      attributes,
      value: typed.get(name) ?? '',
      error: faultOf(refusal, name),
    })
  return page(reply, {
    title: 'Add a person',
    section: 'people',
    back: { to: '/people', label: 'People' },
    lead: 'Then make an invitation: a link with which he or she sets up a passkey or a password.',
    changes: true,
    status: refusal === null ? 200 : adminErrors[refusal.code].status,
    body: html`${wholeFault(refusal)}<form class="stack slender" method="post" action="/people">${csrfField(reply.request)}${input(
      'id',
      'User name',
      'Lower-case letters, digits, dot, dash. It stays.',
      `${plain} required maxlength="64"`,
    )}${input('displayName', 'Name', 'As people read it. Empty: the user name.', 'autocomplete="off" maxlength="80"')}${input('email', 'E-mail (optional)', 'Told to services that ask who somebody is.')}${input('groups', 'Groups', 'With blanks between. Access rules name them.')}<div class="row"><button class="button">Add</button>${buttonLink('/people', 'Leave it')}</div></form>`,
  })
}
