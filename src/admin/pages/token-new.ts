// Making a token for a program, with what it may do here; and the one page that shows it.

import type { FastifyInstance, FastifyReply } from 'fastify'
import { field } from '../../auth/app/controls.ts'
import { type Form, fieldOf, isTicked } from '../../auth/app/forms.ts'
import { html } from '../../auth/app/html.ts'
import { tokenScopeNames, tokenScopes } from '../../auth/token-scopes.ts'
import { addToken } from '../api/tokens.ts'
import { adminErrors, type Refused } from '../problem.ts'
import { queryValue, sentForm, wordsOf } from './asked.ts'
import { buttonLink, csrfField, select } from './controls.ts'
import { goOn, page } from './layout.ts'
import { faultOf, wholeFault } from './people.ts'
import { createShownOnce } from './shown-once.ts'

const lives = [
  { value: '7', label: 'a week' },
  { value: '30', label: 'a month' },
  { value: '90', label: 'three months' },
  { value: '365', label: 'a year' },
  { value: 'never', label: 'until it is revoked' },
]

/** `GET /tokens/new`, `POST /tokens`, `GET /tokens/made?shown`. */
export function registerTokenNew(app: FastifyInstance): void {
  const texts = createShownOnce<{ readonly label: string; readonly text: string }>(
    app.admin.context,
  )

  app.get('/tokens/new', (_request, reply) => newPage(reply, new Map(), null))

  app.post('/tokens', async (request, reply) => {
    const form = sentForm(request)
    const { actor, from } = request.caller
    const result = await app.admin.perform(
      addToken,
      { body: bodyOf(form) },
      { actor, request: from.id },
    )
    if (result.kind === 'refused') return newPage(reply, form, result)
    const { token, text } = result.reply
    const shown = texts.keep(actor.user, { label: token.label, text })
    return goOn(reply, `/tokens/made?shown=${shown}`)
  })

  app.get('/tokens/made', async (request, reply) => {
    const made = texts.find(queryValue(request, 'shown') ?? '', request.caller.actor.user)
    if (made === null) return goOn(reply, '/tokens')
    return page(reply, {
      title: `The token “${made.label}”`,
      section: 'people',
      back: { to: '/tokens', label: 'Tokens' },
      lead: 'Put it into the program now. It is shown for a few minutes and never again.',
      body: html`<div class="slender"><code class="secret" id="token">${made.text}</code><p class="row"><button class="button small quiet" type="button" data-copy="token" hidden>Copy</button></p><p class="hint">As <code>Authorization: Bearer …</code> or <code>X-Gatehouse-Token: …</code>, or as password with any name.</p><p class="go">${buttonLink('/tokens', 'Done', 'strong')}</p></div>`,
    })
  })
}

function bodyOf(form: Form) {
  const list = (name: string) => {
    const words = wordsOf(fieldOf(form, name, 4096))
    return words.length === 0 ? null : words
  }
  const life = fieldOf(form, 'lifeDays')
  return {
    user: fieldOf(form, 'user'),
    label: fieldOf(form, 'label').trim(),
    hosts: list('hosts'),
    methods: list('methods')?.map((method) => method.toUpperCase()) ?? null,
    paths: list('paths'),
    wake: isTicked(form, 'wake') ? { hours: null, perDay: Number(fieldOf(form, 'perDay')) } : null,
    scopes: tokenScopeNames.filter((scope) => isTicked(form, `scope.${scope}`)),
    lifeDays: life === 'never' ? null : Number(life),
  }
}

async function newPage(
  reply: FastifyReply,
  typed: ReadonlyMap<string, string>,
  refusal: Refused | null,
): Promise<FastifyReply> {
  const { request, server } = reply
  const people = await server.admin.desks.people.list()
  const plain = 'autocomplete="off" autocapitalize="none" spellcheck="false"'
  const input = (name: string, label: string, hint: string, more = '') =>
    field({
      ...{ name, label, hint },
      attributes: `${plain} ${more}`,
      value: typed.get(name) ?? '',
      error: faultOf(refusal, name),
    })
  const scopes = tokenScopeNames.map(
    (scope) =>
      html`<label class="check"><input type="checkbox" name="scope.${scope}" value="yes"${typed.has(`scope.${scope}`) && html` checked`}><span><code>${scope}</code> <small>${tokenScopes[scope]}</small></span></label>`,
  )
  const scopeFault = faultOf(refusal, 'scopes')
  return page(reply, {
    title: 'Make a token',
    section: 'people',
    back: { to: '/tokens', label: 'Tokens' },
    lead: 'The narrower it is, the less is lost with it.',
    changes: true,
    status: refusal === null ? 200 : adminErrors[refusal.code].status,
    body: html`${wholeFault(refusal)}<form class="stack slender" method="post" action="/tokens">${csrfField(request)}${input(
      'label',
      'Name',
      'What it is for, such as “backup script”.',
      'required maxlength="60"',
    )}<div class="pair">${select({
      name: 'user',
      label: 'It speaks for',
      value: typed.get('user') ?? request.caller.actor.user,
      choices: people.map(({ user }) => ({ value: user.id, label: user.displayName })),
      error: faultOf(refusal, 'user'),
    })}${select({
      name: 'lifeDays',
      label: 'Good for',
      value: typed.get('lifeDays') ?? '90',
      choices: lives,
    })}</div><fieldset class="choice"><legend>What it may do here</legend>${scopeFault !== null && html`<p class="error">${scopeFault}</p>`}<p class="hint">Nothing ticked: it is good for services alone. Scopes are of use to people who administer.</p>${scopes}</fieldset>${input('hosts', 'Hosts', 'With blanks between. Empty: every host.')}<div class="pair">${input('methods', 'Methods', 'Such as GET HEAD. Empty: all.')}${input('paths', 'Paths', 'Such as /radicale/**. Empty: all.')}</div><fieldset><legend>Machines that sleep</legend><label class="check"><input type="checkbox" name="wake" value="yes"${typed.has('wake') && html` checked`}><span>May wake them, which can cost money</span></label>${field(
      {
        name: 'perDay',
        label: 'Times a day at most',
        value: typed.get('perDay') ?? '3',
        attributes: 'inputmode="numeric" maxlength="3"',
        error: faultOf(refusal, 'wake'),
      },
    )}</fieldset><div class="row"><button class="button">Make the token</button>${buttonLink('/tokens', 'Leave it')}</div></form>`,
  })
}
