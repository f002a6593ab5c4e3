// Signing in with GitHub, or a GitHub Enterprise Server, as an OAuth app of the owner's.

import type { GithubSettings } from '../../model.ts'
import type { LinkedAccount } from '../people.ts'
import type { SettingStore } from '../setting-store.ts'
import {
  createGithubApi,
  type GithubApi,
  type GithubCaller,
  type GithubUser,
  readGithubUser,
} from './github-api.ts'
import { githubHost, type ListAnswer, listedMember, listedUser } from './github-lists.ts'
import { redeemCode } from './github-oauth.ts'
import { type Html, trustedHtml } from './html.ts'
import { createPins } from './pins.ts'
import {
  type Attempt,
  type Provider,
  type ProviderAccount,
  ProviderError,
  type Standing,
} from './provider.ts'

export interface GithubDeps {
  /** As in the table in force; `null`: not offered. */
  readonly settings: () => GithubSettings | null
  readonly secret: (name: string) => string | null
  /** Keeps which number came first under each listed name. */
  readonly store: SettingStore
}

export function createGithub(deps: GithubDeps): Provider {
  const pins = createPins({ store: deps.store, prefix: 'github-pin' })

  /** What an attempt needs, all of it, or why there is none. */
  function ready() {
    const settings = deps.settings()
    if (settings === null) throw new ProviderError('misconfigured', 'not-offered')
    const secret = deps.secret(settings.clientSecret)
    if (secret === null) throw new ProviderError('misconfigured', 'no-client-secret')
    return { settings, app: { clientId: settings.clientId, secret } }
  }

  async function admit(
    settings: GithubSettings,
    person: { readonly user: GithubUser; readonly token: string },
  ): Promise<ListAnswer> {
    const { user, token } = person
    const listed = await listedUser(settings, pins, user)
    if (listed.kind !== 'no' || !hasMembers(settings)) return listed
    return listedMember(settings, pins, {
      ...memberCaller(settings, token),
      api: createGithubApi(settings.apiUrl),
      id: user.id,
      login: user.login,
    })
  }

  /** The organisation's token sees everybody, so that nobody's own has to be kept. */
  function memberCaller(settings: GithubSettings, ownToken: string) {
    const token = organisationToken(settings)
    const caller: GithubCaller = { kind: 'token', token: token ?? ownToken }
    return { caller, own: token === null }
  }

  function organisationToken(settings: GithubSettings): string | null {
    if (settings.organisationToken === null) return null
    const token = deps.secret(settings.organisationToken)
    if (token === null) throw new ProviderError('misconfigured', 'no-organisation-token')
    return token
  }

  async function standing(account: LinkedAccount, signal: AbortSignal): Promise<Standing> {
    const { settings, app } = ready()
    const id = idOf(settings, account.subject)
    if (id === null) return no('another-server')
    const listed = await listedUser(settings, pins, { id, login: null })
    if (listed.kind === 'listed' && listed.as !== null && listed.as !== account.user) {
      return no('named-for-another-user')
    }
    if (listed.kind === 'no' && !hasMembers(settings)) {
      return no('not-listed')
    }
    const api = createGithubApi(settings.apiUrl)
    const ownToken = listed.kind === 'no' ? account.token : null
    const shared = organisationToken(settings)
    if (listed.kind === 'no' && shared === null && ownToken === null) {
      return unknown('no-token')
    }
    const found = await lookUp(api, { id, app, shared, ownToken, signal })
    // Whom the table names stands on his own; whoever came in as a member has left with the account.
    if ('verdict' in found) return { ...found, left: found.left && listed.kind === 'no' }
    const { login } = found
    if (listed.kind === 'listed') return { verdict: 'yes', reason: 'listed', left: false, login }
    const answer = await listedMember(settings, pins, {
      ...memberCaller(settings, ownToken ?? ''),
      api,
      id,
      login,
      signal,
    })
    return { ...standingOf(answer), login }
  }

  return {
    name: 'github',
    label: 'GitHub',
    icon,

    offer() {
      const settings = deps.settings()
      if (settings === null) return null
      return {
        callbackPath: settings.callbackPath,
        origin: new URL(settings.url).origin,
        redirectsOn: isEnterprise(settings.url),
        issuer: `${settings.url} ${settings.clientId}`,
        recheckMs: settings.recheckMs,
      }
    },

    async start(attempt) {
      const { settings } = ready()
      return authorizeUrl(settings, attempt)
    },

    async finish(callback, attempt) {
      const { settings, app } = ready()
      const token = await redeemCode({ settings, app, callback, attempt })
      const api = createGithubApi(settings.apiUrl)
      let keep = false
      try {
        const user = await me(api, token)
        const answer = await admit(settings, { user, token })
        if (answer.kind === 'no') throw new ProviderError('not-allowed', answer.reason)
        if (answer.kind === 'unknown') throw new ProviderError(answer.code, answer.reason)
        const email = await api.email(token)
        keep = answer.kind === 'member' && settings.organisationToken === null
        return {
          subject: subjectOf(settings, user.id),
          login: user.login,
          displayName: user.name,
          email,
          secondFactor: user.twoFactor,
          token: keep ? token : null,
          as: answer.kind === 'listed' ? answer.as : null,
          groups: settings.groups,
        } satisfies ProviderAccount
      } finally {
        // It has said all it was asked for. Nobody waits for that.
        if (!keep) void api.revoke(token, app)
      }
    },

    async stillAllowed(account, signal) {
      if (deps.settings() === null) return no('not-offered')
      try {
        return await standing(account, signal)
      } catch (error) {
        return unknown(error instanceof ProviderError ? error.detail : 'internal-error')
      }
    },

    async revoke(token) {
      const settings = deps.settings()
      const secret = settings === null ? null : deps.secret(settings.clientSecret)
      if (settings === null || secret === null) return
      await createGithubApi(settings.apiUrl).revoke(token, { clientId: settings.clientId, secret })
    },
  }
}

/** Their administrators choose how people log in there; github.com shows a page of its own first. */
function isEnterprise(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' && hostname !== 'github.com'
}

/** Numbers are unique on one server alone: on another than github.com its name belongs to the subject. */
function subjectOf(settings: GithubSettings, id: string): string {
  const host = githubHost(settings)
  return host === 'github.com' ? id : `${id}@${host}`
}

/** @returns `null`: an account of another server. */
function idOf(settings: GithubSettings, subject: string): string | null {
  const [id = ''] = subject.split('@')
  return subjectOf(settings, id) === subject ? id : null
}

function hasMembers(settings: GithubSettings): boolean {
  return settings.organisations.length + settings.teams.length > 0
}

/** https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps */
async function authorizeUrl(settings: GithubSettings, attempt: Attempt): Promise<URL> {
  const { calculatePKCECodeChallenge } = await import('oauth4webapi')
  const url = new URL(`${settings.url}/login/oauth/authorize`)
  // `read:user` tells whether the account has two factors, `user:email` its address.
  const scopes = ['read:user', 'user:email']
  if (hasMembers(settings) && settings.organisationToken === null) scopes.push('read:org')
  const query: Readonly<Record<string, string>> = {
    response_type: 'code',
    client_id: settings.clientId,
    redirect_uri: attempt.redirectUri,
    scope: scopes.join(' '),
    state: attempt.state,
    code_challenge: await calculatePKCECodeChallenge(attempt.verifier),
    code_challenge_method: 'S256',
    allow_signup: 'false',
    // GitHub cannot be told to ask for the password again; to pick an account is all it can be told.
    ...(attempt.again ? { prompt: 'select_account' } : {}),
  }
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  return url
}

/** The person the token was made for. */
async function me(api: GithubApi, token: string): Promise<GithubUser> {
  const answer = await api.get('/user', { kind: 'token', token })
  if (answer.kind === 'suspended') throw new ProviderError('not-allowed', 'suspended')
  if (answer.kind !== 'found') throw new ProviderError('unavailable', `user-${answer.kind}`)
  const user = readGithubUser(answer.body)
  if (user === null) throw new ProviderError('unavailable', 'user-unreadable')
  if (!user.isPerson) throw new ProviderError('not-a-person', 'account-type')
  return user
}

/** The account as it is today: in its own name when its token is kept, else by number. */
async function lookUp(
  api: GithubApi,
  by: {
    readonly id: string
    readonly app: { readonly clientId: string; readonly secret: string }
    readonly shared: string | null
    readonly ownToken: string | null
    readonly signal: AbortSignal
  },
): Promise<Standing | { readonly login: string }> {
  const token = by.shared ?? by.ownToken
  const caller: GithubCaller =
    token === null ? { kind: 'app', ...by.app } : { kind: 'token', token }
  const isOwn = by.shared === null && by.ownToken !== null
  const answer = await api.get(isOwn ? '/user' : `/user/${by.id}`, caller, by.signal)
  switch (answer.kind) {
    case 'found': {
      const user = readGithubUser(answer.body)
      if (user === null) return unknown('user-unreadable')
      return user.id === by.id ? { login: user.login } : no('another-account')
    }
    case 'absent':
      return isOwn ? unknown('account-gone') : { ...no('account-gone'), left: true }
    case 'suspended':
      // Of the organisation's token it would say that its owner is.
      return isOwn ? { ...no('suspended'), left: true } : unknown('token-refused')
    case 'bad-token':
      return unknown(isOwn ? 'token-revoked' : 'token-refused')
    case 'permission-missing':
    case 'closed':
      return unknown(answer.kind)
    default:
      throw new TypeError('unknown answer', { cause: answer satisfies never })
  }
}

function standingOf(answer: ListAnswer): Standing {
  switch (answer.kind) {
    case 'listed':
    case 'member':
      return { verdict: 'yes', reason: answer.kind, left: false, login: null }
    case 'no':
      return { ...no(answer.reason), left: true }
    case 'unknown':
      return unknown(answer.reason)
    default:
      throw new TypeError('unknown answer', { cause: answer satisfies never })
  }
}

function no(reason: string): Standing {
  return { verdict: 'no', reason, left: false, login: null }
}

function unknown(reason: string): Standing {
  return { verdict: 'unknown', reason, left: false, login: null }
}

/** GitHub's mark, as its guidelines allow for such a button. */
const icon: Html = trustedHtml(
  '<svg viewBox="0 0 16 16" fill="currentColor" aria-hidden="true"><path d="M8 0C3.58 0 0 3.58 0 8c0 3.54 2.29 6.53 5.47 7.59.4.07.55-.17.55-.38 0-.19-.01-.82-.01-1.49-2.01.37-2.53-.49-2.69-.94-.09-.23-.48-.94-.82-1.13-.28-.15-.68-.52-.01-.53.63-.01 1.08.58 1.23.82.72 1.21 1.87.87 2.33.66.07-.52.28-.87.51-1.07-1.78-.2-3.64-.89-3.64-3.95 0-.87.31-1.59.82-2.15-.08-.2-.36-1.02.08-2.12 0 0 .67-.21 2.2.82.64-.18 1.32-.27 2-.27s1.36.09 2 .27c1.53-1.04 2.2-.82 2.2-.82.44 1.1.16 1.92.08 2.12.51.56.82 1.27.82 2.15 0 3.07-1.87 3.75-3.65 3.95.29.25.54.73.54 1.48 0 1.07-.01 1.93-.01 2.2 0 .21.15.46.55.38A8.01 8.01 0 0 0 16 8c0-4.42-3.58-8-8-8Z"/></svg>',
)
