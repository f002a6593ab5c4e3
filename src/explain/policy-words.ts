// What an explanation says of who may pass: who asks, which rule decides, and what is lacking.

import type { Admission } from '../admission.ts'
import { decide, policyAt, ruleAt } from '../auth/policy.ts'
import type { FailureCode } from '../errors.ts'
import type { Identity, SimplePolicy } from '../model.ts'
import type { RuntimeRoute } from '../routes.ts'
import { isComplete, ruleWords, wordsFor } from '../routes-file/access-words.ts'
import { durationWords } from '../routes-file/units.ts'
import type { SignInReason } from '../sign-in-url.ts'

/** One request at its route. */
export interface Asked {
  readonly route: RuntimeRoute
  readonly method: string
  readonly path: string
  readonly identity: Identity | null
  readonly origin: string | null
  readonly fetchSite: string | null
  readonly admission: Admission
}

/** Who asks, how he showed it, and how long ago. */
export function identityWords(identity: Identity | null, quotedUser: string): string {
  if (identity === null) return 'a stranger (try --user)'
  const groups = identity.groups.length === 0 ? 'in no group' : `in ${identity.groups.join(', ')}`
  if (identity.via === 'network') return `${quotedUser}, by the address alone, ${groups}`
  const age = identity.authenticatedAt === null ? 0 : -identity.authenticatedAt
  const when = age === 0 ? 'just now' : `${durationWords(age)} ago`
  const how = identity.passkey
    ? 'with a passkey'
    : identity.secondFactor
      ? 'with two factors'
      : 'with one factor'
  return `${quotedUser}, ${groups}, signed in ${when} ${how}`
}

/** The policy that decides, and what it says. */
export function policyWords(asked: Asked): string {
  const { route, method, path, admission } = asked
  const deciding = policyAt(route.policy, method, path)
  const code = admission.kind === 'refuse' ? admission.code : null
  const verdict =
    admission.kind === 'sign-in' ? lackWords[admission.reason] : refusalWords(asked, deciding, code)
  return `${wordsFor(deciding)}: ${verdict}`
}

/** Every rule of the route, the one that decides marked; and what a refusal depended on. */
export function policyDetails(asked: Asked): readonly string[] {
  const { route, method, path, origin, fetchSite, admission } = asked
  const details: string[] = []
  if (route.policy.kind === 'rules') {
    const { rules } = route.policy
    const chosen = ruleAt(route.policy, method, path)
    for (const [index, rule] of rules.entries()) {
      details.push(`${index === chosen ? '→' : ' '} ${index + 1}. ${ruleWords(rule)}`)
    }
    if (!isComplete(rules)) details.push(`${chosen === null ? '→' : ' '} else nobody`)
  }
  if (admission.kind === 'refuse' && admission.code === 'cross-origin') {
    details.push(
      `Origin: ${origin ?? 'none'}, Sec-Fetch-Site: ${fetchSite ?? 'none'}`,
      "what changes something must come from the host's own pages, or from allowedOrigins of the route",
    )
  }
  return details
}

const lackWords: Readonly<Record<SignInReason, string>> = {
  'no-session': 'has to sign in first',
  'second-factor': 'signed in, but has to show a second factor (try --with second-factor)',
  passkey: 'signed in, but has to show a passkey (try --with passkey)',
  'not-recent': 'signed in, but too long ago, and has to again (try --age)',
}

function refusalWords(
  { identity }: Asked,
  deciding: SimplePolicy,
  code: FailureCode | null,
): string {
  switch (code) {
    case 'forbidden':
      if (deciding.kind === 'nobody') return 'closed, whoever asks'
      return mayEnter(deciding, identity)
        ? 'may enter, but this route has webSocket: false'
        : 'signed in, but not among these'
    case 'cross-origin':
      return 'signed in, but another site asks in their name'
    default:
      return 'may enter'
  }
}

/** For a safe request from nowhere else, `decide` looks at the person alone. */
function mayEnter(policy: SimplePolicy, identity: Identity | null): boolean {
  const facts = { method: 'GET', path: '/', webSocket: false, origin: null, fetchSite: null }
  const more = { ownOrigin: '', allowedOrigins: [], now: 0 }
  return decide(policy, identity, { ...facts, ...more }).kind === 'allow'
}
