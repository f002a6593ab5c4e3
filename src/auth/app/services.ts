// What somebody may open, awake or asleep, each one click away: for whoever is signed in by both cookies.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Identity } from '../../model.ts'
import type { OwnService } from '../own-services.ts'
import { signedIn } from './account-guard.ts'
import type { AppContext } from './context.ts'
import { type Html, html, noHtml } from './html.ts'
import { page } from './layout.ts'

/** How the backend of a service is right now. */
export type ServiceState = 'answering' | 'failing' | 'asleep' | 'waking' | 'unknown'

/** What the login application knows of the table's services. */
export interface ServiceList {
  readonly of: (identity: Identity) => readonly OwnService[]
  readonly state: (routeId: string) => ServiceState
}

/** `GET /services`; the front page shows the same to whoever is signed in. */
export function registerServices(app: FastifyInstance, context: AppContext): void {
  app.get(
    '/services',
    signedIn(context, '/services', (request, reply) => servicesPage(request, reply)),
  )
}

/** @returns the page for whoever is signed in; by the domain's cookie alone it lists nothing. */
export function servicesPage(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { visit, server } = request
  const name = visit.session?.identity.name ?? visit.from.identity?.name ?? ''
  const { services } = server.login
  const shown =
    visit.session === null || services === undefined ? [] : services.of(visit.session.identity)
  return page(reply, {
    title: 'Your services',
    heading: `Hello, ${name}`,
    lead: 'You are signed in. Open any of your services, or look after your account.',
    ...(shown.length > 0 && { width: 'wide' as const }),
    body: html`${services === undefined || shown.length === 0 ? noHtml : listOf(shown, services)}<div class="${shown.length > 0 ? 'row ends' : 'ways'}"><a class="button${shown.length > 0 && ' quiet small'}" href="/account">Your account</a><a class="button quiet${shown.length > 0 && ' small'}" href="/sign-out">Sign out</a></div>`,
  })
}

function listOf(all: readonly OwnService[], services: ServiceList): Html {
  const own = all.filter(({ isPublic }) => !isPublic)
  const others = all.filter(({ isPublic }) => isPublic)
  const card = (each: OwnService) => cardOf(each, services.state(each.id))
  return html`${own.length > 0 && html`<ul class="services">${own.map(card)}</ul>`}${
    others.length > 0 &&
    html`<details${own.length === 0 && html` open`}><summary>Open to everyone (${others.length})</summary><ul class="services">${others.map(card)}</ul></details>`
  }`
}

function cardOf(service: OwnService, state: ServiceState): Html {
  const { name, url, place, asks, isMaintained, wakes } = service
  const known = state === 'asleep' && !wakes ? 'asleepForNow' : state
  const [look, words] = isMaintained ? (['warn', 'being worked on'] as const) : states[known]
  const notes = [
    words !== '' && html`<span class="state ${look}">${words}</span>`,
    asks !== null && html`<span class="state none">${askWords[asks]}</span>`,
  ]
  return html`<li><a href="${url}"><b>${name}</b><small>${place}</small>${notes}</a></li>`
}

const states: Readonly<
  Record<ServiceState | 'asleepForNow', readonly [look: string, words: string]>
> = {
  answering: ['good', 'awake'],
  failing: ['bad', 'does not answer'],
  asleep: ['sleep', 'asleep: opening it wakes it'],
  asleepForNow: ['sleep', 'asleep: opening it does not wake it'],
  waking: ['warn', 'waking up'],
  unknown: ['none', ''],
}

const askWords = {
  passkey: 'asks for a passkey',
  'second-factor': 'asks for a second factor',
  'not-recent': 'asks you to sign in again',
} as const
