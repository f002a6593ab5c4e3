// Certificates in use: for which names, how long they last, and what is wrong with a file.

import type { FastifyInstance } from 'fastify'
import { timeElement } from '../../auth/app/account-time.ts'
import { type Html, html } from '../../auth/app/html.ts'
import { reloadCertificates } from '../api/house.ts'
import type { CertificateTrouble, CertificateView } from '../desks/types.ts'
import { buttonForm, state } from './controls.ts'
import { goOn, page } from './layout.ts'
import { refusePage } from './refusal.ts'
import { counted } from './words.ts'

/** Days: a warning, and a matter of urgency. */
const soon = 14
const urgent = 7

/** `GET /certificates`, `POST` to read the folder again. */
export function registerCertificates(app: FastifyInstance): void {
  app.get('/certificates', async (request, reply) => {
    const { certificates, now } = app.admin.desks
    const list = certificates.list()
    const troubles = certificates.problems()
    const read = certificates.lastReloadAt()
    return page(reply, {
      title: 'Certificates',
      section: 'certificates',
      lead: html`Files are taken over when they change.${read !== null && html` They were last read ${timeElement(read, now())}.`}`,
      changes: true,
      actions: buttonForm(request, { action: '/certificates', label: 'Read them again' }),
      body: html`${troubleView(troubles)}${
        list.length === 0
          ? html`<p>There is none: nothing can be answered over TLS.</p>`
          : html`<table class="table"><caption class="hidden">Certificates, those that end first first</caption><thead><tr><th scope="col">Names</th><th scope="col">Lasts</th><th scope="col">Issued by</th><th scope="col">File</th></tr></thead><tbody>${list.map((each) => row(each, now()))}</tbody></table>`
      }`,
    })
  })

  app.post('/certificates', async (request, reply) => {
    const { actor, from } = request.caller
    const result = await app.admin.perform(reloadCertificates, {}, { actor, request: from.id })
    return result.kind === 'refused'
      ? refusePage(reply, result)
      : goOn(reply, '/certificates', 'certificates-read')
  })
}

function row(each: CertificateView, now: number): Html {
  const { names, issuer, keyType, file, fingerprint, problem, notAfter, notBefore } = each
  return html`<tr><th scope="row" class="wide">${names.map((name) => html`<span class="main">${name}</span><br>`)}</th><td data-label="Lasts">${daysLeft(each)}<br><small>to ${timeElement(notAfter, now)}, from ${timeElement(notBefore, now)}</small></td><td data-label="By">${issuer}<br><small>${keyType.toUpperCase()}</small></td><td data-label="File" class="wide"><span class="mono">${file}</span>${problem !== null && html`<br>${state('bad', problem)}`}${fingerprint !== null && html`<details><summary><small>fingerprint</small></summary><small class="mono">${fingerprint}</small></details>`}</td></tr>`
}

function daysLeft({ daysLeft: days }: CertificateView): Html {
  if (days < 0) return state('bad', `ended ${counted(-days, 'day')} ago`)
  const words = days > 900 ? counted(Math.floor(days / 365), 'year') : counted(days, 'day')
  return state(days < urgent ? 'bad' : days < soon ? 'warn' : 'good', `${words} left`)
}

function troubleView(troubles: readonly CertificateTrouble[]): Html | null {
  if (troubles.length === 0) return null
  const items = troubles.map(
    ({ severity, file, what, remedy }) =>
      html`<li><span class="tag ${severity === 'error' ? 'bad' : 'warn'}">${severity}</span> <code>${file}</code>: ${what}. <span class="fix">${remedy}.</span></li>`,
  )
  return html`<section class="${troubles.some(({ severity }) => severity === 'error') ? 'alert' : 'news'}" aria-labelledby="troubles"><h2 id="troubles">What is wrong with files</h2><ul class="problems">${items}</ul></section>`
}
