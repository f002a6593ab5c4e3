// What programs come in with: the tokens of everybody, and an end to them. Making one is token-new.ts.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { timeElement } from '../../auth/app/account-time.ts'
import { fieldOf } from '../../auth/app/forms.ts'
import { type Html, html } from '../../auth/app/html.ts'
import { revokeToken } from '../api/tokens.ts'
import type { TokenView } from '../desks/people-types.ts'
import { sentForm } from './asked.ts'
import { buttonForm, buttonLink } from './controls.ts'
import { goOn, page } from './layout.ts'
import { refusePage } from './refusal.ts'
import { counted } from './words.ts'

/** `GET /tokens`, `POST /tokens/revoke`. */
export function registerTokens(app: FastifyInstance): void {
  app.get('/tokens', async (request, reply) => {
    const { desks } = app.admin
    const list = desks.tokens.list(null)
    return page(reply, {
      title: 'Tokens',
      section: 'people',
      tab: '/tokens',
      lead: `${counted(list.length, 'token')} for programs that cannot sign in. A token with scopes drives this admin’s API.`,
      changes: true,
      actions: buttonLink('/tokens/new', 'Make a token', 'strong'),
      body: tokenTable(request, list, { now: desks.now(), back: '/tokens', named: true }),
    })
  })

  app.post('/tokens/revoke', async (request, reply) => {
    const form = sentForm(request)
    const { actor, from } = request.caller
    const path = { id: fieldOf(form, 'id') }
    const result = await app.admin.perform(revokeToken, { path }, { actor, request: from.id })
    if (result.kind === 'refused' && result.code !== 'not-found') return refusePage(reply, result)
    const back = fieldOf(form, 'back')
    const isPerson = /^\/people\/[a-z0-9._-]{1,64}$/.test(back)
    return goOn(reply, isPerson ? `${back}#tokens` : '/tokens', 'token-revoked')
  })
}

export function tokenTable(
  request: FastifyRequest,
  list: readonly TokenView[],
  { now, back, named }: { readonly now: number; readonly back: string; readonly named: boolean },
): Html {
  if (list.length === 0) return html`<p class="meta">None.</p>`
  const rows = list.map((each) => {
    const isOver = each.expiresAt !== null && each.expiresAt <= now
    return html`<tr><th scope="row" class="wide"><span class="main">${each.label}</span>${isOver && html` <span class="tag bad">expired</span>`}${named && html`<br><a href="/people/${each.user}"><small>${each.user}</small></a>`}</th><td data-label="Good for" class="wide">${goodFor(each)}</td><td data-label="Used">${each.lastUsedAt === null ? 'never' : html`${timeElement(each.lastUsedAt, now)}${each.lastAddress !== null && html`<br><small>${each.lastAddress}</small>`}`}</td><td data-label="Ends">${each.expiresAt === null ? 'never' : timeElement(each.expiresAt, now)}</td><td>${buttonForm(
      request,
      {
        action: '/tokens/revoke',
        fields: { id: each.id, back },
        label: 'Revoke',
        about: `${each.label} of ${each.user}`,
        look: 'tiny',
      },
    )}</td></tr>`
  })
  return html`<table class="table"><caption class="hidden">Tokens, newest first</caption><thead><tr><th scope="col">Token</th><th scope="col">Good for</th><th scope="col">Last used</th><th scope="col">Ends</th><th scope="col"><span class="hidden">What can be done</span></th></tr></thead><tbody>${rows}</tbody></table>`
}

function goodFor({ hosts, methods, paths, wake, scopes }: TokenView): Html {
  const parts = [
    hosts === null ? 'every host' : hosts.join(', '),
    methods === null ? null : methods.join(', '),
    paths === null ? null : paths.join(', '),
    wake === null ? null : `may wake machines, ${wake.perDay} times a day`,
  ].filter((part) => part !== null)
  const tags = scopes.map(
    (scope) => html` <span class="tag ${scope.endsWith(':read') ? '' : 'warn'}">${scope}</span>`,
  )
  return html`${parts.join(' · ')}${tags}`
}
