// The page to make a token, and the one page that shows it.

import type { FastifyReply } from 'fastify'
import { tokenScopeNames } from '../token-scopes.ts'
import { expiryChoices, type TokenFaults, type TokenFields } from './account-token-form.ts'
import { alert, checkbox, csrfField, field } from './controls.ts'
import { type Html, html } from './html.ts'
import { maxLabelLength } from './label.ts'
import { page } from './layout.ts'

/** The form, with what was typed and what is wrong with it. */
export function newTokenPage(
  reply: FastifyReply,
  view: {
    readonly fields: TokenFields
    readonly faults: TokenFaults
    /** Scopes of the admin are of use to this person. */
    readonly administers: boolean
    readonly status?: number
  },
): FastifyReply {
  const { fields, faults, status = 200 } = view
  const input = (
    name: Exclude<keyof TokenFields, 'wake' | 'expires'>,
    parts: { readonly label: string; readonly hint?: string; readonly attributes?: string },
  ) => field({ name, value: fields[name], error: faults[name] ?? null, ...parts })
  const plain = 'autocomplete="off" autocapitalize="none" spellcheck="false"'
  const problem = Object.keys(faults).length > 0 ? 'Nothing was made yet. See below.' : null
  return page(reply, {
    title: 'Make a token',
    lead: 'The narrower it is, the less is lost with it.',
    status,
    body: html`${alert(problem)}<form class="stack" method="post" action="/account/tokens">${csrfField(reply.request)}${input(
      'label',
      {
        label: 'Name',
        hint: 'What it is for, such as “Calendar on the phone”.',
        attributes: `maxlength="${maxLabelLength}" autocomplete="off" required`,
      },
    )}${input('hosts', {
      label: 'Hosts',
      hint: 'Such as cal.example.com; several with spaces between. Empty: every host.',
      attributes: plain,
    })}${input('methods', {
      label: 'Methods',
      hint: 'Such as GET HEAD for reading only. Empty: every method.',
      attributes: plain,
    })}${input('paths', {
      label: 'Paths',
      hint: 'Such as /radicale/**; * stands for one part of a path, ** for any number. Empty: every path.',
      attributes: plain,
    })}${expiry(fields.expires, faults.expires ?? null)}<fieldset class="stack"><legend>Machines that sleep</legend>${checkbox('wake', 'May wake them, which can cost money', fields.wake)}${input('perDay', { label: 'Times a day at most', attributes: 'inputmode="numeric" maxlength="3"' })}<div class="row">${input('from', { label: 'From (UTC)', attributes: 'placeholder="07:30" maxlength="5"' })}${input('to', { label: 'To (UTC)', attributes: 'placeholder="22:00" maxlength="5"' })}</div><p class="hint">Without times: day and night.</p></fieldset>${
      view.administers &&
      input('scopes', {
        label: 'Rights at the admin',
        hint: `For programs that administer. Several with spaces between: ${tokenScopeNames.join(', ')}. Empty: none.`,
        attributes: plain,
      })
    }<button class="button">Make the token</button></form><ul class="links"><li><a href="/account/tokens">Back to your tokens</a></li></ul>`,
  })
}

/** The token itself and how programs present it. */
export function tokenCreatedPage(
  reply: FastifyReply,
  token: { readonly label: string; readonly text: string },
): FastifyReply {
  const { label, text } = token
  return page(reply, {
    title: `Your token “${label}”`,
    lead: 'Put it into the program now. It is shown for a few minutes and never again.',
    script: 'account.js',
    body: html`<code class="secret" id="token">${text}</code><p class="row"><button class="button small quiet" type="button" data-copy="token" hidden>Copy</button></p><section><h2>How a program presents it</h2><p class="hint">As password, with your name or any name left empty: git, CalDAV, WebDAV, sync.</p><p class="hint">As <code>Authorization: Bearer …</code> or <code>X-Gatehouse-Token: …</code>: scripts.</p><p class="hint">In the address, for apps that know nothing but one: <code>https://host/.gatehouse/t/…/path</code>. An address is copied and logged easily, so only if nothing else works.</p></section><p class="go"><a class="button" href="/account/tokens">Done</a></p>`,
  })
}

function expiry(value: string, error: string | null): Html {
  const options = expiryChoices.map(
    ([choice, label]) =>
      html`<option value="${choice}"${choice === value && html` selected`}>${label}</option>`,
  )
  return html`<div class="field"><label for="expires">Good for</label><select id="expires" name="expires">${options}</select>${
    error !== null && html`<p class="error">${error}</p>`
  }</div>`
}
