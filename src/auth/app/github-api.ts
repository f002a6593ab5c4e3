// GitHub's REST API, the few questions that signing in asks. Knows nothing of who may enter.

import { ProviderError } from './provider.ts'
import { askProvider, isRecord, json, jsonObject } from './provider-http.ts'

/** Who asks: a person or an organisation by token, or our app in its own name, for what is public. */
export type GithubCaller =
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'app'; readonly clientId: string; readonly secret: string }

/** What came; a network, a server or a limit that stands in the way is thrown instead. */
export type GithubAnswer =
  | { readonly kind: 'found'; readonly body: Readonly<Record<string, unknown>> }
  | { readonly kind: 'absent' }
  /** Revoked, by its owner or as the oldest of eleven; or never valid. */
  | { readonly kind: 'bad-token' }
  | { readonly kind: 'suspended' }
  /** The token may not ask this: its owner granted less than was asked for. */
  | { readonly kind: 'permission-missing' }
  /** The organisation restricts third-party apps, or wants SAML first. */
  | { readonly kind: 'closed' }

/** An account. */
export interface GithubUser {
  /** The number in digits; it never changes. */
  readonly id: string
  /** Can change, and then be taken by somebody else. */
  readonly login: string
  readonly isPerson: boolean
  readonly name: string | null
  /** False too when GitHub does not say. */
  readonly twoFactor: boolean
}

export interface GithubApi {
  /** @throws ProviderError `unavailable` */
  get(path: string, caller: GithubCaller, signal?: AbortSignal): Promise<GithubAnswer>
  /** The primary address, if verified. Never rejects: an address is a nicety. */
  email(token: string): Promise<string | null>
  /** Never rejects. */
  revoke(token: string, app: { readonly clientId: string; readonly secret: string }): Promise<void>
}

/** Somebody waits for it, and could do without: milliseconds. */
const nicetyMs = 3_000

export function createGithubApi(apiUrl: string): GithubApi {
  return {
    async get(path, caller, signal) {
      const question = { method: 'GET', headers: headersOf(caller), signal } as const
      const { status, headers, body } = await askProvider(`${apiUrl}${path}`, question)
      switch (status) {
        case 200: {
          const object = jsonObject(body)
          if (object === null) throw new ProviderError('unavailable', 'not-json')
          return { kind: 'found', body: object }
        }
        case 401:
          return { kind: 'bad-token' }
        case 404:
          return { kind: 'absent' }
        case 403:
          return forbidden(headers, jsonObject(body))
        case 429:
          throw new ProviderError('unavailable', 'rate-limited')
        default:
          throw new ProviderError('unavailable', `status-${status}`)
      }
    },
    async email(token) {
      try {
        const { status, body } = await askProvider(`${apiUrl}/user/emails`, {
          method: 'GET',
          headers: headersOf({ kind: 'token', token }),
          deadlineMs: nicetyMs,
        })
        return status === 200 ? primaryAddress(json(body)) : null
      } catch {
        return null
      }
    },
    async revoke(token, { clientId, secret }) {
      try {
        await askProvider(`${apiUrl}/applications/${encodeURIComponent(clientId)}/token`, {
          method: 'DELETE',
          headers: {
            ...headersOf({ kind: 'app', clientId, secret }),
            'content-type': 'application/json',
          },
          body: JSON.stringify({ access_token: token }),
        })
      } catch {
        // It lives on at GitHub, and nobody has it.
      }
    },
  }
}

/** @returns `null`: not an account as GitHub describes one. */
export function readGithubUser(body: Readonly<Record<string, unknown>>): GithubUser | null {
  const id = readId(body.id)
  const { login } = body
  if (id === null || typeof login !== 'string' || !/^[\w-]{1,100}(\[bot\])?$/.test(login)) {
    return null
  }
  return {
    id,
    login,
    isPerson: body.type === 'User',
    name: plainText(body.name),
    twoFactor: body.two_factor_authentication === true,
  }
}

/** @returns the digits; `null`: not a number that JSON carries exactly. */
export function readId(value: unknown): string | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? `${value}` : null
}

function headersOf(caller: GithubCaller): Readonly<Record<string, string>> {
  return {
    accept: 'application/vnd.github+json',
    'x-github-api-version': '2022-11-28',
    // GitHub refuses requests without one.
    'user-agent': 'Gatehouse',
    authorization:
      caller.kind === 'token'
        ? `Bearer ${caller.token}`
        : `Basic ${Buffer.from(`${caller.clientId}:${caller.secret}`).toString('base64')}`,
  }
}

/**
 * GitHub says 403 for four different things and has no codes for them: headers tell two apart, the text the rest.
 * https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
 */
function forbidden(headers: Headers, body: Readonly<Record<string, unknown>> | null): GithubAnswer {
  const message = typeof body?.message === 'string' ? body.message.toLowerCase() : ''
  const limited = headers.get('x-ratelimit-remaining') === '0' || headers.has('retry-after')
  if (limited || message.includes('rate limit')) {
    throw new ProviderError('unavailable', 'rate-limited')
  }
  if (message.includes('account was suspended')) return { kind: 'suspended' }
  // Classic tokens say which scopes they have; those of GitHub Apps have none and do not.
  const scopes = headers.get('x-oauth-scopes')
  if (scopes !== null && !/\b(read|write|admin):org\b/.test(scopes)) {
    return { kind: 'permission-missing' }
  }
  return { kind: 'closed' }
}

function primaryAddress(list: unknown): string | null {
  if (!Array.isArray(list)) return null
  for (const entry of list) {
    if (!isRecord(entry) || entry.primary !== true || entry.verified !== true) continue
    const { email } = entry
    if (
      typeof email === 'string' &&
      /^[^\s@,;<>"\p{C}]{1,64}@[^\s@,;<>"\p{C}]{1,189}$/u.test(email)
    ) {
      return email
    }
  }
  return null
}

/** A name for people, as users have it: no control characters, at most 80 characters; `null`: nothing is left. */
function plainText(value: unknown): string | null {
  if (typeof value !== 'string') return null
  const text = value.replace(/\p{C}+/gu, ' ').trim()
  return text === '' ? null : Array.from(text).slice(0, 80).join('').trim()
}
