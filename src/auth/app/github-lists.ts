// Who of GitHub may enter: users, organisations, teams of the table. Asks GitHub, remembers the numbers behind names.

import type { GithubSettings, UserId } from '../../model.ts'
import { type GithubApi, type GithubCaller, readGithubUser, readId } from './github-api.ts'
import type { Pins } from './pins.ts'
import { ProviderError, type ProviderFailure } from './provider.ts'
import { isRecord } from './provider-http.ts'

/** What the lists say of an account. */
export type ListAnswer =
  | { readonly kind: 'listed'; readonly as: UserId | null }
  | { readonly kind: 'member' }
  | { readonly kind: 'no'; readonly reason: string }
  /** It depends on an answer that did not come. */
  | { readonly kind: 'unknown'; readonly code: ProviderFailure; readonly reason: string }

/** How to ask for a person's memberships: in his own name, or in the organisation's by his login name. */
export interface MemberQuestion {
  readonly api: GithubApi
  readonly caller: GithubCaller
  readonly own: boolean
  readonly id: string
  readonly login: string
  readonly signal?: AbortSignal | undefined
}

/** Which server the names and numbers of these settings belong to. Numbers of two servers say nothing of each other. */
export function githubHost(settings: GithubSettings): string {
  return new URL(settings.url).host
}

/**
 * Is the account in `users`? By its number, or by a name that was pinned to the number when it first came. A name
 * nobody came under yet fits whoever has it now, unless `login` is `null`: then nothing new is pinned.
 *
 * May reject with `store-unavailable`.
 */
export async function listedUser(
  settings: GithubSettings,
  pins: Pins,
  who: { readonly id: string; readonly login: string | null },
): Promise<ListAnswer> {
  const host = githubHost(settings)
  const free: { readonly key: string; readonly as: UserId | null }[] = []
  // Known ones first: who is listed already cannot take a name that waits for somebody else.
  for (const { account, as } of settings.users) {
    if (/^\d+$/.test(account)) {
      if (account === who.id) return { kind: 'listed', as }
      continue
    }
    const name = account.toLowerCase()
    const key = `user ${host}/${name}`
    const holder = await pins.get(key)
    if (holder === who.id) return { kind: 'listed', as }
    if (holder === null && name === who.login?.toLowerCase()) free.push({ key, as })
  }
  for (const { key, as } of free) {
    if (await pins.claim(key, who.id)) return { kind: 'listed', as }
  }
  return { kind: 'no', reason: 'not-listed' }
}

/**
 * Is the account an active member of one of the organisations or teams? May reject with `store-unavailable`.
 * Organisations are pinned like names: one that was renamed, and its old name registered anew, lets nobody in.
 */
export async function listedMember(
  settings: GithubSettings,
  pins: Pins,
  question: MemberQuestion,
): Promise<ListAnswer> {
  let open: Extract<ListAnswer, { kind: 'unknown' }> | null = null
  for (const place of placesOf(settings)) {
    try {
      const answer = await memberOf(place, { host: githubHost(settings), pins, question })
      if (answer.kind === 'member') return answer
      if (answer.kind === 'unknown') open = answer
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error
      open = { kind: 'unknown', code: error.code, reason: error.detail }
    }
  }
  return open ?? { kind: 'no', reason: 'not-a-member' }
}

/** An organisation, or one team of it. */
interface Place {
  readonly organisation: string
  readonly team: string | null
}

function placesOf(settings: GithubSettings): readonly Place[] {
  const whole = settings.organisations.map((organisation) => ({ organisation, team: null }))
  const parts = settings.teams.flatMap((name) => {
    const [organisation = '', team = ''] = name.split('/')
    return [{ organisation, team }]
  })
  return [...whole, ...parts]
}

async function memberOf(
  place: Place,
  deps: { readonly host: string; readonly pins: Pins; readonly question: MemberQuestion },
): Promise<ListAnswer> {
  const { pins, question } = deps
  const { api, caller, signal } = question
  const organisation = encodeURIComponent(place.organisation)
  const login = encodeURIComponent(question.login)
  const path =
    place.team !== null
      ? `/orgs/${organisation}/teams/${encodeURIComponent(place.team)}/memberships/${login}`
      : question.own
        ? `/user/memberships/orgs/${organisation}`
        : `/orgs/${organisation}/memberships/${login}`
  const answer = await api.get(path, caller, signal)
  switch (answer.kind) {
    case 'absent':
      return { kind: 'no', reason: 'not-a-member' }
    case 'suspended':
      return { kind: 'no', reason: 'suspended' }
    case 'bad-token':
      return { kind: 'unknown', code: 'unavailable', reason: 'token-revoked' }
    case 'permission-missing':
      return { kind: 'unknown', code: 'permission-missing', reason: 'permission-missing' }
    case 'closed':
      return { kind: 'unknown', code: 'organisation-closed', reason: 'organisation-closed' }
    case 'found':
      break
    default:
      throw new TypeError('unknown answer', { cause: answer satisfies never })
  }
  // An invitation that was not accepted is `pending`.
  if (answer.body.state !== 'active') return { kind: 'no', reason: 'not-a-member' }
  // Asked by name: it may have changed hands since the name was looked up. Answers about teams do not say whose they are.
  const user = readObject(answer.body.user)
  if (user !== null && readGithubUser(user)?.id !== question.id) {
    return { kind: 'no', reason: 'not-a-member' }
  }
  const id = await organisationId(place, answer.body, question)
  if (id === null) return { kind: 'unknown', code: 'unavailable', reason: 'organisation-unknown' }
  const isOurs = await pins.claim(`organisation ${deps.host}/${place.organisation}`, id)
  return isOurs ? { kind: 'member' } : { kind: 'no', reason: 'another-organisation' }
}

/** The organisation's number: in the answer about its members, else asked for. */
async function organisationId(
  place: Place,
  body: Readonly<Record<string, unknown>>,
  { api, caller, signal }: MemberQuestion,
): Promise<string | null> {
  const told = readId(readObject(body.organization)?.id)
  if (told !== null) return told
  const path = `/orgs/${encodeURIComponent(place.organisation)}`
  const answer = await api.get(path, caller, signal)
  return answer.kind === 'found' ? readId(answer.body.id) : null
}

function readObject(value: unknown): Readonly<Record<string, unknown>> | null {
  return isRecord(value) ? value : null
}
