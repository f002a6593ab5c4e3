// What a person reads when signing in with a provider does not work out, and the way on from there.

import type { FastifyReply } from 'fastify'
import { hidden } from './controls.ts'
import { type Html, html } from './html.ts'
import { page, refuse } from './layout.ts'
import type { ProviderFailure } from './provider.ts'
import type { NobodyReason } from './provider-accounts.ts'
import type { ProviderPurpose } from './provider-flow.ts'

/** `expired`: the attempt is not known in this browser. `session-changed`: whoever began to link is not signed in any more. */
export type ProviderFault = ProviderFailure | NobodyReason | 'expired' | 'session-changed'

/** Refuses, in words; the ways to sign in that are not the provider's are one click away. */
export function refuseProvider(
  reply: FastifyReply,
  what: {
    readonly fault: ProviderFault
    /** The provider's name for people. */
    readonly label: string
    /** `null`: not known any more. */
    readonly purpose: ProviderPurpose | null
  },
): FastifyReply {
  const { fault, label, purpose } = what
  const { status, title, lead } = faults[fault]
  const named = (text: string) => text.replaceAll('{provider}', label)
  if (status === 503) reply.header('retry-after', '60')
  const id = html`<p class="meta">Request <code>${reply.request.visit.from.id}</code></p>`
  return refuse(reply, {
    status,
    code: `provider-${fault}`,
    title: named(title),
    lead: named(lead),
    body: html`${wayOn(purpose)}${(status >= 500 || status === 403) && id}`,
  })
}

/**
 * Sends the browser to a provider that may send it on to a place nobody knows here. Browsers look at every redirect after
 * a form (CSP3 §6.4.2), and would stop at that place; a page in between begins anew.
 */
export function sendOff(reply: FastifyReply, href: string, label: string): FastifyReply {
  // HTML §4.6.6.4: as the `refresh` of a meta element. An address from URL has no white space and no quotes.
  return page(reply.header('refresh', `0; url=${href}`), {
    title: `On to ${label}`,
    body: html`<p><a class="button" href="${href}" rel="noreferrer">Continue to ${label}</a></p>`,
  })
}

/** What was on the way stays on the way. */
function wayOn(purpose: ProviderPurpose | null): Html {
  if (purpose?.kind === 'link') {
    return html`<p><a class="button" href="/account">Back to your account</a></p>`
  }
  if (purpose?.kind === 'enrol') {
    return html`<p><a class="button" href="/enrol?flow=${purpose.enrolment}">Choose another way</a></p>`
  }
  const { returnTo = null, reason = null } = purpose ?? {}
  return html`<form method="get" action="/">${hidden({ rd: returnTo, reason })}<button class="button" autofocus>Try again or sign in another way</button></form>`
}

interface Words {
  readonly status: number
  readonly title: string
  readonly lead: string
}

const faults: Readonly<Record<ProviderFault, Words>> = {
  denied: {
    status: 403,
    title: '{provider} was not allowed to sign you in',
    lead: '{provider} says that you did not agree. Nothing has happened.',
  },
  unavailable: {
    status: 503,
    title: '{provider} does not answer',
    lead: 'It did not say who you are, at least not in time. That lies with {provider} or with the way there; try again in a minute, or sign in another way.',
  },
  misconfigured: {
    status: 503,
    title: 'Signing in with {provider} is not set up right',
    lead: 'You have done nothing wrong. Whoever runs this site finds the reason in its log; meanwhile the other ways work.',
  },
  invalid: {
    status: 400,
    title: 'That did not fit together',
    lead: 'What came back from {provider} does not belong to what was begun here, or was used before. Nothing was done. Please begin anew.',
  },
  expired: {
    status: 400,
    title: 'That took too long, or began elsewhere',
    lead: 'A sign-in with {provider} has ten minutes, works once, and only in the browser that began it. Please begin anew.',
  },
  'not-a-person': {
    status: 403,
    title: 'That is not a person’s account',
    lead: 'The account at {provider} belongs to a program or an organisation. Only people sign in here.',
  },
  'not-allowed': {
    status: 403,
    title: 'This account may not enter',
    lead: '{provider} knows you, but your account there is not among those that may sign in here. Ask whoever runs this site.',
  },
  'organisation-closed': {
    status: 403,
    title: 'An organisation does not let us see its members',
    lead: 'It restricts what apps may learn, or wants you to sign in to it first. One of its owners can allow this site’s app at {provider}.',
  },
  'permission-missing': {
    status: 403,
    title: 'A permission is missing',
    lead: 'To see whether you are a member, this site has to be allowed to read your organisations at {provider}. Try again and allow it.',
  },
  'name-taken': {
    status: 403,
    title: 'That name is taken here',
    lead: 'Somebody here has the name of your {provider} account already. If that is you, sign in another way and link {provider} on your account page; names alone prove nothing.',
  },
  'name-unusable': {
    status: 403,
    title: 'That name cannot be used here',
    lead: 'The name of your {provider} account cannot be the name of a user. Whoever runs this site can say who you are.',
  },
  'named-for-another-user': {
    status: 403,
    title: 'This account belongs to another user',
    lead: 'The settings of this site say that this {provider} account is somebody else here. Whoever runs it can put that right.',
  },
  'linked-elsewhere': {
    status: 403,
    title: 'This account is linked already',
    lead: 'Another user here signs in with this {provider} account. It can belong to one user only.',
  },
  'session-changed': {
    status: 403,
    title: 'You are not signed in as before',
    lead: 'Your session ended or changed while you were at {provider}, so nothing was linked. Sign in and begin anew.',
  },
}
