// What the admin is built from: all that the composition makes and passes in. Types alone.

import type { AdminEntrances } from '../auth/admin-entrances.ts'
import type { Audit } from '../auth/audit.ts'
import type { User, UserStore } from '../auth/people.ts'
import type { Sessions } from '../auth/sessions.ts'
import type { SettingStore } from '../auth/setting-store.ts'
import type { Tokens } from '../auth/tokens.ts'
import type { EventLog } from '../log.ts'
import type { Host, LoginSettings } from '../model.ts'
import type {
  BanView,
  CertificateTrouble,
  CertificateView,
  HealthView,
  HouseReport,
  Lockdown,
  MachinesDesk,
  RouteActivity,
  RoutesDesk,
  TargetState,
} from './desks/types.ts'

/** Built once by `serve`; whatever an edit of the table may change is a function. */
export interface AdminContext {
  // People
  readonly users: UserStore
  readonly sessions: Sessions
  readonly tokens: Tokens
  readonly audit: Audit
  /** Holds the key of CSRF tokens and of the admin cookie (`csrf-key`, the login application's). */
  readonly settings: SettingStore
  /**
   * Reads people, sessions and tokens from the store again, as when a command changed them. Called after a person was
   * removed. Rejects with `store-unavailable`.
   */
  readonly peopleChanged: () => Promise<void>
  /** Enabled, and among those whom the policy of the admin's route names. Proof and recency are the gateway's matter. */
  readonly mayAdminister: (user: User) => boolean
  /** One-time codes; the same object that the login application has as `adminDoor.entrances`. */
  readonly entrances: AdminEntrances

  // The table
  readonly login: () => LoginSettings
  readonly loginHost: () => Host
  /** The port a browser uses; 443 stands in no address. */
  readonly publicPort: () => number
  /** Whether a route of the table takes this host, the login host aside: a token can be good for it. */
  readonly isRouted: (host: Host) => boolean
  readonly routes: RoutesDesk
  /** Requests in the last hour and last error of a route. */
  readonly activityOf: (routeId: string) => RouteActivity
  readonly targetState: (routeId: string) => TargetState

  // Machines
  /** `null`: no machine of the table has power. */
  readonly machines: () => MachinesDesk | null

  // The house
  readonly certificates: {
    status(): readonly Omit<CertificateView, 'daysLeft'>[]
    problems(): readonly CertificateTrouble[]
    lastReloadAt(): number | null
    reload(): Promise<unknown>
  }
  readonly bans: { list(): readonly BanView[]; lift(network: string): boolean }
  readonly lockdown: {
    get(): Lockdown
    /** In force, and kept over a restart, when it resolves. */
    set(on: boolean, by: string): Promise<void>
  }
  readonly health: () => HealthView
  /** Prometheus' text format, as on the local port. */
  readonly metrics: () => Promise<string>
  /** Without `now`, which is the context's own. */
  readonly report: () => Promise<Omit<HouseReport, 'now'>>

  // The world
  /** Wall clock, milliseconds. */
  readonly now: () => number
  /** Runs something again and again until the returned function is called. The timer keeps no process alive. */
  readonly every: (ms: number, run: () => void) => () => void
  readonly randomBytes: (size: number) => Buffer
  readonly log: EventLog
  /** Of package.json. */
  readonly version: string
}
