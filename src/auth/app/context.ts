// What the pages of the login host are built from, and what each of their requests carries. Types alone.

import type { AppRequest } from '../../app.ts'
import type { EventLog } from '../../log.ts'
import type { Host, LoginSettings } from '../../model.ts'
import type { Audit } from '../audit.ts'
import type { PasswordHashing } from '../password-hash.ts'
import type { UserStore } from '../people.ts'
import type { Session, Sessions } from '../sessions.ts'
import type { SettingStore } from '../setting-store.ts'
import type { Tokens } from '../tokens.ts'
import type { AdminDoor } from './admin-entrance.ts'
import type { Flows } from './flows.ts'
import type { Provider } from './provider.ts'
import type { ServiceList } from './services.ts'
import type { Throttle } from './throttle.ts'

/** Built once by `serve`; whatever an edit of the table may change is a function. */
export interface AppContext {
  readonly users: UserStore
  readonly sessions: Sessions
  readonly tokens: Tokens
  readonly audit: Audit
  readonly settings: SettingStore
  /** Networks that signed in lately. */
  readonly knownClients: { add(network: string, now: number): void }
  /** Public keys of the identity assertion (RFC 7517 §5), for `/.well-known/jwks.json`. */
  readonly assertion: { jwks(): unknown }
  readonly login: () => LoginSettings
  readonly domain: () => Host
  readonly loginHost: () => Host
  /** The port a browser uses; 443 stands in no address. */
  readonly publicPort: () => number
  /** What the table has at this place; `null`: no route of ours. `landing`: path to go on to after signing in. */
  readonly routeOf: (
    host: Host,
    path: string,
  ) => { readonly landing: string | null; readonly isPublic: boolean } | null
  /** Origins of all routed hosts (`https://app.example.com`, wildcards as `https://*.example.com`), for form-action. */
  readonly hosts: () => readonly string[]
  /** @returns `null`: there is no secret of that name. */
  readonly secret: (name: string) => string | null
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly log: EventLog
  readonly throttle: Throttle
  readonly passwords: PasswordHashing
  readonly flows: Flows
  /** All there are, in the order they are shown; those that the table does not offer too. */
  readonly providers: readonly Provider[]
  readonly randomBytes: (size: number) => Buffer
  /** Absent: nobody administers through this gateway. */
  readonly adminDoor?: AdminDoor
  /** Absent: nobody is shown what he may open. */
  readonly services?: ServiceList
}

/** What every handler finds in `request.visit`. */
export interface Visit {
  /** As the gateway handed it over; `client`, `network` and `origin` are verified. */
  readonly from: AppRequest
  /** Value of the browser cookie: flows and CSRF tokens are bound to it. Never shown, never logged. */
  readonly browser: string
  /** False: the browser sent none, so it has just been given one. */
  readonly browserKnown: boolean
  /** CSRF token of this browser, for forms and `x-csrf-token`. */
  readonly csrf: string
  /** Tokens of other tabs that were this browser's first ones, as `csrf`. */
  readonly csrfOfTabs: readonly string[]
  /** Signed in by both cookies, of one session: good for an account page. */
  readonly session: Session | null
  /** The program asked with JSON and wants JSON. */
  readonly json: boolean
}

declare module 'fastify' {
  interface FastifyRequest {
    visit: Visit
  }
  interface FastifyInstance {
    readonly login: AppContext
  }
}
