// A place elsewhere that says who somebody is, such as GitHub: what one must be able to do, and how it fails.

import type { UserId } from '../../model.ts'
import type { LinkedAccount } from '../people.ts'
import type { Html } from './html.ts'

/**
 * An identity provider. A new one is one file with a `createX(deps)` that returns this, and a line in `providers.ts`:
 * browsers, `state`, accounts, sessions, buttons, pages and the schedule are not its business.
 */
export interface Provider {
  /** `github`: in addresses, audit entries and `LinkedAccount.provider`; `[a-z]+`. */
  readonly name: string
  /** For people to read. */
  readonly label: string
  /** Its mark, 16 × 16, as its guidelines allow for a button. */
  readonly icon: Html
  /** Where it stands just now, by the table in force; `null`: not offered. */
  offer(): ProviderOffer | null
  /**
   * Where to send the browser.
   * @throws ProviderError
   */
  start(attempt: Attempt): Promise<URL>
  /**
   * Who came back. Checks state and issuer of the callback, redeems its code, asks who it is and whether he may enter.
   * @param callback the callback's query, untrusted.
   * @throws ProviderError for everything but an account that may enter.
   */
  finish(callback: URLSearchParams, attempt: Attempt): Promise<ProviderAccount>
  /** Has a linked account still the right to enter? Never rejects; what cannot be known is `unknown`. */
  stillAllowed(account: LinkedAccount, signal: AbortSignal): Promise<Standing>
  /** Gives a token back that is not needed any more. Never rejects: a token nobody has is no danger. */
  revoke(token: string): Promise<void>
}

export interface ProviderOffer {
  /** Path on the login host that it sends people back to. */
  readonly callbackPath: string
  /** Origin of its login page, for `form-action`. */
  readonly origin: string
  /** It may redirect at once to a login page elsewhere, such as an organisation's SAML, whose origin nobody knows here. */
  readonly redirectsOn: boolean
  /** Names provider and client; an attempt that began with another one is not finished. */
  readonly issuer: string
  /** How often accounts are looked at again, milliseconds. */
  readonly recheckMs: number
}

/** One way to the provider and back, remembered on our side and bound to one browser. All values are fresh. */
export interface Attempt {
  /** Comes back in the callback (RFC 6749 §10.12). */
  readonly state: string
  /** PKCE (RFC 7636 §4.1). */
  readonly verifier: string
  /** For providers with an id token (OpenID Connect Core §3.1.2.1). */
  readonly nonce: string
  readonly redirectUri: string
  /** The person is asked to show himself again, or as somebody else; a provider asks for what it can. */
  readonly again: boolean
}

/** An account that may enter, and as whom. */
export interface ProviderAccount {
  /** Immutable, and unique among everything this provider's settings ever pointed to. */
  readonly subject: string
  /** For display, and for the name of a user that is created. */
  readonly login: string
  readonly displayName: string | null
  /** Verified by the provider; `null`: none. Never a key. */
  readonly email: string | null
  /** The provider says that two factors protect the account. */
  readonly secondFactor: boolean
  /** To keep for `stillAllowed`; `null`: not needed, and already given back. */
  readonly token: string | null
  /** The user whom the table names for this account; `null`: none. */
  readonly as: UserId | null
  /** Groups of a user that is created for it. */
  readonly groups: readonly string[]
}

/** What `stillAllowed` found. */
export interface Standing {
  /** `no` is certain: left, gone, suspended, removed from the table. */
  readonly verdict: 'yes' | 'no' | 'unknown'
  /** For log and audit: `listed`, `member`, `not-listed`, `timeout` …; lower case with dashes. */
  readonly reason: string
  /** With `no`: it had entered as a member of something over there, and is no member any more. */
  readonly left: boolean
  /** The login name of today; `null`: not heard. */
  readonly login: string | null
}

/**
 * Why nobody came out of it:
 * - `denied`: the person said no at the provider
 * - `unavailable`: it does not answer, or not in a way that can be understood
 * - `misconfigured`: it does not know us, or our secret, or our address: the owner must act
 * - `invalid`: the callback, or its code, is not what the attempt began; used or too old
 * - `not-a-person`: a bot or an organisation
 * - `not-allowed`: none of the lists has it
 * - `organisation-closed`: an organisation does not let us see its members
 * - `permission-missing`: the person did not let us see the organisations
 */
export type ProviderFailure =
  | 'denied'
  | 'unavailable'
  | 'misconfigured'
  | 'invalid'
  | 'not-a-person'
  | 'not-allowed'
  | 'organisation-closed'
  | 'permission-missing'

/** Those that the table offers just now. */
export function offered(context: { readonly providers: readonly Provider[] }): readonly Provider[] {
  return context.providers.filter((provider) => provider.offer() !== null)
}

export class ProviderError extends Error {
  readonly code: ProviderFailure
  /** For the log: which step, and what came. Words of ours alone, never a token, code, state or text from outside. */
  readonly detail: string

  constructor(code: ProviderFailure, detail: string) {
    super(`${code}: ${detail}`)
    this.name = 'ProviderError'
    this.code = code
    this.detail = detail
  }
}
