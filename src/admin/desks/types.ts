// What operations and pages of the admin work with: one desk per subject, and what comes back from it. Types alone.

import type { Audit } from '../../auth/audit.ts'
import type { TokenScope } from '../../auth/token-scopes.ts'
import type { Ban } from '../../control.ts'
import type { MachineControl } from '../../control-machines.ts'
import type { SessionRef, UserId } from '../../model.ts'
import type { AccessChange } from '../../routes-file/access-change.ts'
import type { RouteWish } from '../../routes-file/edit/wish.ts'
import type { Problem } from '../../routes-file/problem.ts'
import type { PeopleDesk, SessionsDesk, TokensDesk } from './people-types.ts'

/** Who is at the desk: a person in a browser, or his program with a token. */
export interface Actor {
  readonly user: UserId
  readonly name: string
  readonly via: 'session' | 'token'
  /** Session or token, as the log calls it. */
  readonly ref: SessionRef
  /** Verified client address. */
  readonly client: string
  /** Scopes of the token; `null`: a person, who may everything. */
  readonly scopes: readonly string[] | null
  /** Until when it may change something without signing in again, wall clock in milliseconds; `null`: a token, for as long as it lives. */
  readonly recentUntil: number | null
  /** Whether it may do what this scope is for. */
  may(scope: TokenScope): boolean
}

// --- Routes ---

/** A change of routes.yaml that is not written yet. `raw`: the YAML value of a route's own options, as JSON. */
export type RouteChange = Exclude<RouteWish, { readonly kind: 'rename-host' | 'file' }>

/** Lines of a difference, as `diff -u` groups them. */
export interface DiffHunk {
  /** 1-based first line in the old and in the new text. */
  readonly from: number
  readonly to: number
  readonly lines: readonly { readonly kind: 'same' | 'gone' | 'new'; readonly text: string }[]
}

/** What a change would cost whoever makes it. To do it all the same, `typed` is written into `confirm`. */
export interface Danger {
  readonly kind: 'login-page' | 'admin-page' | 'own-access'
  /** A sentence. */
  readonly words: string
  /** The name to type. */
  readonly typed: string
}

export interface RoutePreview {
  readonly text: string
  readonly diff: readonly DiffHunk[]
  /** What it means for who may enter, in words. */
  readonly access: readonly AccessChange[]
  readonly warnings: readonly Problem[]
  /** Errors, each with its line; with one of them the text cannot be saved. */
  readonly problems: readonly Problem[]
  readonly dangers: readonly Danger[]
}

/** A saved change that undoes itself unless it is confirmed by a fresh request. */
export interface Pending {
  /** Wall clock, milliseconds. */
  readonly until: number
  readonly token: string
}

export interface RouteFile {
  readonly text: string
  /** Of the bytes of the file; without quotes. */
  readonly etag: string
  /** The file is the table in use. */
  readonly inForce: boolean
  readonly problems: readonly Problem[]
  /** What a text that is held back would weaken. */
  readonly held: readonly AccessChange[]
  readonly pending: Pending | null
}

/** One route of the file. */
export interface RouteRow {
  /** `host` + `path`, unique; of a disabled route as well. */
  readonly id: string
  readonly host: string
  readonly name: string
  readonly path: string
  /** In words, `84.235.234.87:3000 on oci-p-flex_1`, and as the file has it. */
  readonly target: { readonly words: string; readonly raw: unknown }
  /** Who may enter, in words. */
  readonly access: string
  readonly disabled: boolean
  /** 1-based, both included. */
  readonly lines: { readonly from: number; readonly to: number }
  /** The remark directly above it, line by line. */
  readonly comment?: readonly string[]
  /** Its own options as the file has them. */
  readonly raw: unknown
  /** With defaults filled in; `null`: disabled, or the file has errors. */
  readonly effective: unknown
}

export type RouteSaved =
  | { readonly kind: 'saved'; readonly etag: string; readonly pending: Pending | null }
  /** Somebody else changed the file meanwhile. */
  | {
      readonly kind: 'conflict'
      readonly etag: string
      readonly text: string
      /** From what was seen to what is there. */
      readonly diff: readonly DiffHunk[]
    }
  | { readonly kind: 'invalid'; readonly preview: RoutePreview }
  | { readonly kind: 'confirm'; readonly dangers: readonly Danger[] }

export interface RouteVersion {
  readonly id: string
  readonly at: number
  /** `null`: not through the admin. */
  readonly by: string | null
  readonly note: string | null
  readonly summary: string
  /** Lines of its text. */
  readonly lines: number
}

/** What would happen to a request, and why. */
export interface RouteExplanation {
  /** Sentences in the order in which things are decided. */
  readonly steps: readonly string[]
  readonly outcome: 'allow' | 'sign-in' | 'deny' | 'not-found' | 'other'
  /** `null`: no route takes it. */
  readonly route: string | null
}

export interface Probe {
  readonly ok: boolean
  readonly words: string
  readonly ms: number
}

export interface SaveOptions {
  /** Of the text the change was made from. */
  readonly etag: string
  readonly by: Actor
  /** What was typed against a danger; `null`: nothing. */
  readonly confirm: string | null
  readonly note?: string
}

/** routes.yaml: read, tried out, written. @throws GatehouseError `routes-unreadable`, `routes-unwritable`. */
export interface RoutesDesk {
  read(): Promise<RouteFile>
  rows(): Promise<readonly RouteRow[]>
  /** Nothing is written. `by` decides whether it would lose his own access; `null`: not looked at. */
  preview(change: RouteWish, by: Actor | null): Promise<RoutePreview>
  save(change: RouteWish, options: SaveOptions): Promise<RouteSaved>
  /** The change stays, whatever becomes of the gateway then. @returns false: there is none that waits for this token. */
  confirm(token: string): Promise<boolean>
  /** Newest first. */
  history(
    cursor: string | null,
  ): Promise<{ readonly items: readonly RouteVersion[]; readonly next: string | null }>
  /** Its text; `null`: there is none of this id any more. */
  version(id: string): Promise<string | null>
  /** A save of the old text. `null`: there is none of this id any more. */
  restore(id: string, options: SaveOptions): Promise<RouteSaved | null>
  /** @returns `null`: the URL is none that could come here. */
  explain(asked: {
    readonly url: string
    readonly method: string
    /** `null`: a stranger. */
    readonly user: UserId | null
    /** Client address; absent: some address of the internet. */
    readonly client?: string
  }): Promise<RouteExplanation | null>
  /** Does it answer? Obeys the rules for addresses that routes obey. @param target as in a route. */
  probe(target: string): Promise<Probe>
}

/** Whether a route's backend answers. */
export type TargetState =
  | { readonly kind: 'answering' }
  | { readonly kind: 'failing'; readonly since: number }
  | { readonly kind: 'asleep' }
  | { readonly kind: 'waking' }
  /** Nobody asked yet, or the route has no backend. */
  | { readonly kind: 'unknown' }

/** What a route's requests left behind. */
export interface RouteActivity {
  /** Requests in the last hour. */
  readonly lastHour: number
  /** `code`: as in docs/errors.md; `null`: none since the start. */
  readonly lastError: { readonly at: number; readonly code: string } | null
}

// --- Machines ---

/** A machine was in this state from then to then. */
export interface MachineSpan {
  readonly from: number
  /** `null`: it still is. */
  readonly to: number | null
  /** As in `MachineReport`. */
  readonly state: string
}

export interface MachinesDesk extends MachineControl {
  /** The last days of a machine, oldest first, without gaps; empty: there is none of this name. */
  timeline(vm: string, days: number): readonly MachineSpan[]
}

// --- Certificates, bans, the house ---

export interface CertificateView {
  readonly file: string
  readonly names: readonly string[]
  readonly issuer: string
  readonly keyType: 'ecdsa' | 'rsa' | 'other'
  readonly notBefore: number
  readonly notAfter: number
  /** Whole days until it ends, rounded down; negative: it has ended. */
  readonly daysLeft: number
  /** SHA-256 of the leaf, `AB:CD:…`; `null`: not known. */
  readonly fingerprint: string | null
  /** What is wrong with its file; `null`: nothing. */
  readonly problem: string | null
}

export interface CertificatesDesk {
  /** Those that end first, first. */
  list(): readonly CertificateView[]
  problems(): readonly CertificateTrouble[]
  /** When the folder was last read and something had changed; `null`: not known. */
  lastReloadAt(): number | null
  /** Reads the folder again. Never rejects. */
  reload(): Promise<void>
}

export interface CertificateTrouble {
  readonly severity: 'error' | 'warning'
  readonly code: string
  readonly file: string
  readonly what: string
  readonly remedy: string
}

export interface BanView extends Ban {
  /** What the network did, in words; `null`: not known. */
  readonly why: string | null
}

export interface BansDesk {
  /** Those that end first, first. */
  list(): readonly BanView[]
  /** @returns false: it was not banned. */
  lift(network: string): boolean
}

/** Only people who are signed in, and networks that somebody signed in from, are let in. */
export interface Lockdown {
  readonly on: boolean
  /** Since when, and by whom; `null`: it is off, or not known. */
  readonly since: number | null
  readonly by: string | null
}

export interface HouseReport {
  readonly version: string
  /** Of Node.js. */
  readonly node: string
  readonly startedAt: number
  readonly now: number
  readonly memory: { readonly residentBytes: number; readonly heapUsedBytes: number }
  /** Of the data directory; `null`: cannot be told. */
  readonly disk: { readonly freeBytes: number; readonly totalBytes: number } | null
  /** How far the clock is off, milliseconds, ahead is positive; `null`: nobody has looked. */
  readonly clockOffMs: number | null
  /** Sentences about settings that a person should look at. */
  readonly problems: readonly string[]
  readonly limits: readonly { readonly name: string; readonly words: string }[]
  /** Sent lately, newest first. */
  readonly alerts: readonly {
    readonly at: number
    readonly words: string
    readonly target: string
    /** `null`: it arrived. */
    readonly error: string | null
  }[]
}

export interface HealthView {
  readonly status: 'ok' | 'degraded' | 'draining'
  readonly version: string
  readonly uptimeSeconds: number
  readonly checks: readonly {
    readonly name: string
    readonly ok: boolean
    readonly detail: string
  }[]
}

export interface HouseDesk {
  health(): HealthView
  /** Prometheus' text format. */
  metrics(): Promise<string>
  report(): Promise<HouseReport>
  lockdown(): Lockdown
  setLockdown(on: boolean, by: UserId): Promise<Lockdown>
}

/** All desks; what pages and operations are given. */
export interface Desks {
  readonly routes: RoutesDesk
  activityOf(routeId: string): RouteActivity
  targetState(routeId: string): TargetState
  /** `null`: no machine of the table has power. */
  readonly machines: MachinesDesk | null
  readonly people: PeopleDesk
  readonly sessions: SessionsDesk
  readonly tokens: TokensDesk
  readonly certificates: CertificatesDesk
  readonly bans: BansDesk
  readonly house: HouseDesk
  readonly audit: Pick<Audit, 'list'>
  /** Wall clock, milliseconds. */
  now(): number
  /** Origin of the login host. */
  loginOrigin(): string
  /** What a browser calls the origin of one of our hosts. */
  originOf(host: string): string
}
