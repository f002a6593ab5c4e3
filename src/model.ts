// The words of the domain, as types. Imports nothing but more of them, runs nothing.

import type { AlertTarget, VmPower } from './model-machines.ts'

declare const brand: unique symbol
type Brand<Base, Name extends string> = Base & { readonly [brand]: Name }

/** A lower-case DNS name without port and without trailing dot. Only `host.ts` makes one. */
export type Host = Brand<string, 'Host'>
/** The path a request is matched by: decoded once, slashes merged, no dot segments. Only `proxy/target.ts` makes one. */
export type CanonicalPath = Brand<string, 'CanonicalPath'>
/** Name of a person, as in `Remote-User`. */
export type UserId = Brand<string, 'UserId'>
/** A reference to a session that is safe to log; never the cookie's value. */
export type SessionRef = Brand<string, 'SessionRef'>
/** Key of the `vms:` map in routes.yaml. */
export type VmId = Brand<string, 'VmId'>
/** Names one exchange in logs, error pages and `X-Request-Id`. */
export type RequestId = Brand<string, 'RequestId'>

/** How strongly and how lately somebody must have shown who he is. */
export interface Requirement {
  /** `passkey`: nothing else will do; `second-factor`: two factors, or a passkey, which is both at once. */
  readonly proof: 'any' | 'second-factor' | 'passkey'
  /** Longest time since credentials were shown, milliseconds; `null`: as long as the session lives. */
  readonly withinMs: number | null
}

/** Who may pass, whatever method and path. `public` is the only member that lets a stranger in. */
export type SimplePolicy =
  | { readonly kind: 'public' }
  | { readonly kind: 'nobody' }
  | { readonly kind: 'signed-in'; readonly requires: Requirement }
  | {
      readonly kind: 'members'
      readonly users: readonly string[]
      readonly groups: readonly string[]
      readonly requires: Requirement
    }

/** One line of a policy that depends on method or path. */
export interface AccessRule {
  /** Upper case; `null`: every method. */
  readonly methods: readonly string[] | null
  /** Patterns over the whole canonical path (`/api/**`, `/share/*`); `null`: every path. See `auth/path-pattern.ts`. */
  readonly paths: readonly string[] | null
  readonly policy: SimplePolicy
}

/** Who may pass. Of `rules` the first whose method and path fit decides; when none fits, nobody may. */
export type Policy =
  | SimplePolicy
  | { readonly kind: 'rules'; readonly rules: readonly AccessRule[] }

/** Who is asking. `null` wherever an `Identity | null` is expected means: nobody we know. */
export interface Identity {
  readonly user: UserId
  readonly name: string
  readonly email: string | null
  readonly groups: readonly string[]
  /** What to count, log and revoke by: a session, `token:…` or `network:…`. Never a secret. */
  readonly session: SessionRef
  /** How it is known: a person who signed in, a program's token, an address that counts as a person. */
  readonly via: 'session' | 'token' | 'network'
  readonly passkey: boolean
  /** Two factors were shown; true with a passkey. */
  readonly secondFactor: boolean
  /** When credentials were last shown, wall clock in milliseconds; `null` for tokens and networks. */
  readonly authenticatedAt: number | null
  /** May start a machine that costs money. */
  readonly mayWake: boolean
}

/** What the policy said of a request. There is no fourth outcome and no default. */
export type Decision =
  /** `everyone`: a stranger would have been let in too; then the backend is not told who it is. */
  | { readonly kind: 'allow'; readonly to: 'everyone' | 'person' }
  | {
      readonly kind: 'sign-in'
      /** The last three: signed in, but not strongly or lately enough. */
      readonly reason: 'no-session' | 'second-factor' | 'passkey' | 'not-recent'
    }
  | { readonly kind: 'deny'; readonly reason: 'not-a-member' | 'cross-origin' | 'nobody' }

/** An address that counts as a person, such as a VPN's. */
export interface KnownNetwork {
  readonly cidr: string
  readonly user: UserId
  readonly mayWake: boolean
}

/** Under which names a backend is told who asks; lower case. `null`: that is not said. */
export interface IdentityHeaderNames {
  readonly user: string | null
  readonly name: string | null
  readonly email: string | null
  /** Groups, comma-separated. */
  readonly groups: string | null
  /** A JWT signed by us, audience = the host. */
  readonly assertion: string | null
}

/** Which admitted requests may start a sleeping machine. */
export type WakeRule = 'navigation' | 'any' | 'known-client' | 'manual' | 'never'

/** Does a request that goes on keep the machine awake? `auto`: as its kind says. */
export type CountsAsUse = 'auto' | 'always' | 'never'

export interface VmDefinition {
  readonly id: VmId
  readonly address: string
  /** `null`: always on. */
  readonly power: VmPower | null
}

/** How long a session lives, milliseconds. */
export interface SessionLimits {
  /** Without a request. */
  readonly idleMs: number
  /** Since it began, whatever happens. */
  readonly absoluteMs: number
  /** The same two for a session that is to be remembered when the browser closes. */
  readonly rememberIdleMs: number
  readonly rememberAbsoluteMs: number
}

/** Signing in with GitHub, or a GitHub Enterprise Server. Who matches none of the lists may not enter. */
export interface GithubSettings {
  readonly clientId: string
  /** Names of secrets. */
  readonly clientSecret: string
  /** To ask for memberships with, instead of each person's own token; `null`: none. */
  readonly organisationToken: string | null
  /** `https://github.com`, without a slash at the end. */
  readonly url: string
  /** `https://api.github.com`. */
  readonly apiUrl: string
  /** Path on the login host that GitHub sends people back to. */
  readonly callbackPath: string
  readonly users: readonly {
    /** Login name as it is today, or the account's number in digits, which never changes. */
    readonly account: string
    /** The local user it is; `null`: one of the account's own name. */
    readonly as: UserId | null
  }[]
  /** Lower case. */
  readonly organisations: readonly string[]
  /** `organisation/team-slug`. */
  readonly teams: readonly string[]
  /** Groups of users that a first sign-in creates. */
  readonly groups: readonly string[]
  /** How often membership is looked at again, milliseconds. */
  readonly recheckMs: number
}

/** The `login:` part of the table. */
export interface LoginSettings {
  readonly sessions: SessionLimits
  /** How lately credentials must have been shown to change an account, milliseconds. */
  readonly recentMs: number
  /** WebAuthn relying party id: the login host or a parent of it. */
  readonly relyingParty: Host
  /** Start although passkeys exist that were made for another relying party and cannot be used any more. */
  readonly dangerouslyAbandonPasskeys: boolean
  /** `null`: not offered. */
  readonly github: GithubSettings | null
}

/** A header value written in the file, or the name of a secret that holds it. */
export type HeaderValue = string | { readonly secret: string }

/** Header edits of one direction. Names are lower-case. Removal happens before setting. */
export interface HeaderEdits {
  readonly set: readonly (readonly [name: string, value: HeaderValue])[]
  readonly remove: readonly string[]
}

/** How to speak TLS to a backend. */
export interface UpstreamTls {
  /** SNI and the name the certificate must carry; `null`: the target's host name. */
  readonly serverName: string | null
  /** PEM file with the CA to trust instead of the system's; `null`: the system's. */
  readonly caFile: string | null
  /** PEM files of our client certificate; `null`: none. */
  readonly clientCertificate: { readonly certFile: string; readonly keyFile: string } | null
  /** Accept any certificate. Named so that nobody writes it by accident. */
  readonly insecureSkipUpstreamTlsVerify: boolean
}

/** Where a forwarded request goes. */
export interface UpstreamTarget {
  readonly kind: 'upstream'
  readonly scheme: 'http' | 'https'
  /** Host name or IP literal, IPv6 without brackets. */
  readonly hostname: string
  readonly port: number
  readonly vm: VmId | null
  /** `null` for plain HTTP. */
  readonly tls: UpstreamTls | null
}

export type Target =
  | UpstreamTarget
  | {
      readonly kind: 'redirect'
      readonly status: 301 | 302 | 303 | 307 | 308
      /** Absolute URL, or a path on the same host. */
      readonly location: string
      /** Append the request's path below the route and its query. */
      readonly keepPath: boolean
    }
  | { readonly kind: 'status'; readonly status: number; readonly message: string }
  /** Gatehouse's own page for a service: name, sign in, go on to `continueTo`. */
  | { readonly kind: 'landing'; readonly service: string; readonly continueTo: string | null }
  /** Gatehouse's own applications. */
  | { readonly kind: 'app'; readonly app: 'login' | 'admin' }

/** What becomes of the matched prefix on the way to the backend. */
export type PrefixRewrite =
  | { readonly kind: 'keep' }
  | { readonly kind: 'strip' }
  | { readonly kind: 'replace'; readonly with: string }

/** Which `Host` the backend sees: the visitor's, the target's own, or a fixed one. */
export type UpstreamHost =
  | { readonly kind: 'keep' }
  | { readonly kind: 'target' }
  | { readonly kind: 'fixed'; readonly host: string }

export interface Timeouts {
  /** TCP and TLS connect, milliseconds. */
  readonly connectMs: number
  /** From the last byte of the request to the response's header, milliseconds. */
  readonly headersMs: number
  /** Without a byte in either direction, milliseconds; 0: for ever. Counts for bodies and tunnels. */
  readonly idleMs: number
}

/** A token bucket. */
export interface RateLimit {
  readonly perSecond: number
  readonly burst: number
}

/** One row of the table. Plain data: a table can be written to disk and read back. */
export interface Route {
  /** Unique and stable while host and path stay: `host` + `path`. Used in logs and metrics. */
  readonly id: string
  /** Display name. */
  readonly service: string
  readonly host: HostPattern
  /** Begins with `/`; without trailing slash, except `/` itself. */
  readonly path: string
  /** `exact`: this path alone. `prefix`: this path and all below it, on segment borders. */
  readonly matching: 'exact' | 'prefix'
  readonly policy: Policy
  readonly target: Target
  readonly prefixRewrite: PrefixRewrite
  readonly upstreamHost: UpstreamHost
  readonly requestHeaders: HeaderEdits
  readonly responseHeaders: HeaderEdits
  readonly timeouts: Timeouts
  /** Bytes; `null`: no limit of ours. */
  readonly maxBodyBytes: number | null
  /** CIDR lists over the client address. Deny is looked at first; a non-empty allow list denies the rest. */
  readonly clients: { readonly allow: readonly string[]; readonly deny: readonly string[] }
  readonly rateLimit: RateLimit
  readonly webSocket: boolean
  /** Pass `%2F` on; otherwise such a path is refused. */
  readonly encodedSlashes: boolean
  /** Refuse whoever did not come through Cloudflare. */
  readonly cloudflareOnly: boolean
  /** Further origins (`https://app.example.com`) that may send unsafe requests and open WebSockets here. */
  readonly allowedOrigins: readonly string[]
  /** Client addresses that count as a person when nobody is signed in; first match. */
  readonly networks: readonly KnownNetwork[]
  readonly identityHeaders: IdentityHeaderNames
  /** The backend may set cookies for the parent domain, and clear them. Ours it can never touch. */
  readonly parentCookies: boolean
  readonly wake: WakeRule
  readonly countsAsUse: CountsAsUse
  /** Shown instead of the service, with 503; `null`: the service runs. */
  readonly maintenance: string | null
  /** Where in routes.yaml it stands, for messages. */
  readonly line: number
}

export type HostPattern =
  | { readonly kind: 'exact'; readonly host: Host }
  /** Any one or more labels before `suffix`. */
  | { readonly kind: 'wildcard'; readonly suffix: Host }

export type TrustedProxies =
  | { readonly kind: 'none' }
  | { readonly kind: 'cloudflare' }
  | { readonly kind: 'list'; readonly cidrs: readonly string[] }

/** A checked routes.yaml. Plain data, no secrets in it. */
export interface TableDefinition {
  readonly version: 1
  readonly domain: Host
  readonly loginHost: Host
  readonly login: LoginSettings
  readonly trustedProxies: TrustedProxies
  /** CA file of Cloudflare's client certificate (Authenticated Origin Pulls); `null`: not asked for. */
  readonly originPullCaFile: string | null
  readonly vms: readonly VmDefinition[]
  /** Who hears what a person should know. */
  readonly alerts: readonly AlertTarget[]
  readonly routes: readonly Route[]
  /** Switched off: their places answer "not found", and lead neither to a shorter path, nor a wildcard, nor the fallback. */
  readonly disabled: readonly Route[]
  /** Everything unknown goes here during a move; `null`: unknown is 404. */
  readonly fallback: UpstreamTarget | null
  /** Who answers Let's Encrypt's HTTP-01 questions on the plain port meanwhile; `null`: nobody. */
  readonly acmeFallback: UpstreamTarget | null
  /** Per client, before routing. */
  readonly floodLimit: RateLimit
  /** How many times `rateLimit` a signed-in session gets. */
  readonly signedInFactor: number
  /** What to do with an edit that weakens access while the gateway runs. */
  readonly onWeakerAccess: 'apply' | 'alert' | 'hold'
  /** Headers every answer carries unless the backend set them. Names are lower-case. */
  readonly securityHeaders: readonly (readonly [name: string, value: string])[]
}
