// What is done to a person from his page: each form ends in the operation a program would call.

import type { FastifyInstance, FastifyReply } from 'fastify'
import { type Form, fieldOf } from '../../auth/app/forms.ts'
import { html } from '../../auth/app/html.ts'
import { linkLifeMs } from '../../auth/person-changes.ts'
import { inviteUser, removeCredential, resetUser } from '../api/user-access.ts'
import { changeUser, disableUser, enableUser, removeUser } from '../api/users.ts'
import { type Refused, refused } from '../problem.ts'
import { queryValue, sentForm, wordsOf } from './asked.ts'
import { buttonLink } from './controls.ts'
import { goOn, page } from './layout.ts'
import type { PersonRequest } from './person.ts'
import { refusePage } from './refusal.ts'
import { createShownOnce } from './shown-once.ts'
import { exactTime } from './words.ts'

interface Link {
  readonly person: string
  readonly url: string
  readonly expiresAt: string
}

/** @param again the page once more, with what was refused. */
export function registerPersonActs(
  app: FastifyInstance,
  again: (
    reply: FastifyReply,
    name: string,
    failed: { readonly form: Form; readonly refusal: Refused },
  ) => Promise<FastifyReply>,
): void {
  const { perform, context } = app.admin
  const links = createShownOnce<Link>(context)
  const whoIs = ({ caller }: PersonRequest) => ({ actor: caller.actor, request: caller.from.id })

  app.post('/people/:id', async (request: PersonRequest, reply) => {
    const form = sentForm(request)
    const { id } = request.params
    const email = fieldOf(form, 'email').trim()
    const body = {
      displayName: fieldOf(form, 'displayName').trim(),
      email: email === '' ? null : email,
      groups: wordsOf(fieldOf(form, 'groups', 2048)),
    }
    const ifMatch = `"${fieldOf(form, 'etag')}"`
    const result = await perform(changeUser, { path: { id }, body, ifMatch }, whoIs(request))
    return result.kind === 'refused'
      ? again(reply, id, { form, refusal: result })
      : goOn(reply, `/people/${id}`, 'person-changed')
  })

  for (const [name, operation, done] of [
    ['disable', disableUser, 'person-disabled'],
    ['enable', enableUser, 'person-enabled'],
  ] as const) {
    app.post(`/people/:id/${name}`, async (request, reply) => {
      const { id } = (request as PersonRequest).params
      const result = await perform(operation, { path: { id } }, whoIs(request as PersonRequest))
      return result.kind === 'refused'
        ? refusePage(reply, result)
        : goOn(reply, `/people/${id}`, done)
    })
  }

  app.post('/people/:id/credential', async (request, reply) => {
    const form = sentForm(request)
    const { id } = (request as PersonRequest).params
    const path = { id, kind: fieldOf(form, 'kind'), credential: fieldOf(form, 'id', 1400) }
    const result = await perform(removeCredential, { path }, whoIs(request as PersonRequest))
    return result.kind === 'refused'
      ? again(reply, id, { form, refusal: result })
      : goOn(reply, `/people/${id}#credentials`, 'credential-removed')
  })

  app.post('/people/:id/remove', async (request, reply) => {
    const form = sentForm(request)
    const { id } = (request as PersonRequest).params
    if (fieldOf(form, 'typed').trim() !== id) {
      const refusal = refused('invalid', { detail: `Nothing was removed: that was not ${id}.` })
      return again(reply, id, { form, refusal })
    }
    const ifMatch = `"${fieldOf(form, 'etag')}"`
    const result = await perform(
      removeUser,
      { path: { id }, ifMatch },
      whoIs(request as PersonRequest),
    )
    return result.kind === 'refused'
      ? again(reply, id, { form, refusal: result })
      : goOn(reply, '/people', 'person-removed')
  })

  for (const [name, operation] of [
    ['invite', inviteUser],
    ['reset', resetUser],
  ] as const) {
    app.post(`/people/:id/${name}`, async (request, reply) => {
      const { params, caller } = request as PersonRequest
      const minutes = Number(fieldOf(sentForm(request), 'lifeMinutes'))
      const body = { lifeMinutes: minutes > 0 ? minutes : linkLifeMs / 60_000 }
      const given = { path: { id: params.id }, body }
      const result = await perform(operation, given, whoIs(request as PersonRequest))
      if (result.kind === 'refused') return refusePage(reply, result)
      const { url, expiresAt } = result.reply
      const shown = links.keep(caller.actor.user, { person: params.id, url, expiresAt })
      return goOn(reply, `/people/${params.id}/invitation?shown=${shown}`)
    })
  }

  app.get('/people/:id/invitation', async (request: PersonRequest, reply) => {
    const { params, caller } = request
    const link = links.find(queryValue(request, 'shown') ?? '', caller.actor.user)
    if (link === null || link.person !== params.id) return goOn(reply, `/people/${params.id}`)
    return page(reply, {
      title: 'The invitation',
      section: 'people',
      back: { to: `/people/${params.id}`, label: params.id },
      lead: html`It works once, until ${exactTime(Date.parse(link.expiresAt))}. It is shown for a few minutes and never again.`,
      body: html`<div class="slender"><code class="secret" id="link">${link.url}</code><p class="row"><button class="button small quiet" type="button" data-copy="link" hidden>Copy</button></p><p class="hint">Whoever opens it can take the account over. Earlier links of this person work no more.</p><p class="go">${buttonLink(`/people/${params.id}`, 'Done', 'strong')}</p></div>`,
    })
  })
}
