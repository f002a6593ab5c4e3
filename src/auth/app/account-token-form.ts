// What somebody writes into the form for a new token, read: either a token that can be made, or every fault of it.

import { parseHost } from '../../host.ts'
import type { Host } from '../../model.ts'
import { patternFault } from '../path-pattern.ts'
import { isTokenScope, type TokenScope } from '../token-scopes.ts'
import type { TokenWake } from '../token-store.ts'
import { type Form, fieldOf, isTicked } from './forms.ts'
import { readLabel } from './label.ts'

/** What the form holds, as typed: to be shown again. */
export interface TokenFields {
  readonly label: string
  readonly hosts: string
  readonly methods: string
  readonly paths: string
  /** Days; `never`. */
  readonly expires: string
  readonly wake: boolean
  /** `HH:MM`, UTC; both empty: at any time. */
  readonly from: string
  readonly to: string
  readonly perDay: string
  /** Names of `auth/token-scopes.ts`. */
  readonly scopes: string
}

export interface TokenWishes {
  readonly label: string
  readonly hosts: readonly string[] | null
  readonly methods: readonly string[] | null
  readonly paths: readonly string[] | null
  readonly wake: TokenWake | null
  readonly scopes: readonly TokenScope[]
  /** How long it is good, milliseconds; `null`: for ever. */
  readonly lifeMs: number | null
}

/** Sentences by field. */
export type TokenFaults = Readonly<Partial<Record<keyof TokenFields, string>>>

export const emptyTokenFields: TokenFields = {
  label: '',
  hosts: '',
  methods: '',
  paths: '',
  expires: '90',
  wake: false,
  from: '',
  to: '',
  perDay: '3',
  scopes: '',
}

export const expiryChoices: readonly (readonly [value: string, label: string])[] = [
  ['7', '7 days'],
  ['30', '30 days'],
  ['90', '90 days'],
  ['365', 'a year'],
  ['never', 'never'],
]

export function tokenFieldsOf(form: Form): TokenFields {
  return {
    label: fieldOf(form, 'label'),
    hosts: fieldOf(form, 'hosts', 4096),
    methods: fieldOf(form, 'methods', 512),
    paths: fieldOf(form, 'paths', 4096),
    expires: fieldOf(form, 'expires', 8),
    wake: isTicked(form, 'wake'),
    from: fieldOf(form, 'from', 8),
    to: fieldOf(form, 'to', 8),
    perDay: fieldOf(form, 'perDay', 8),
    scopes: fieldOf(form, 'scopes', 512),
  }
}

/** @param may `isRouted`: a token could ever be good for this host; `administer`: scopes of the admin are of use. */
export function readTokenFields(
  fields: TokenFields,
  may: { readonly isRouted: (host: Host) => boolean; readonly administer: boolean },
): { readonly wishes: TokenWishes } | { readonly faults: TokenFaults } {
  const faults: { -readonly [K in keyof TokenFaults]: TokenFaults[K] } = {}
  const label = readLabel(fields.label)
  if (label === null) faults.label = 'Give it a name, so that you know later what to revoke.'

  const hosts = words(fields.hosts.toLowerCase())
  const badHost = hosts.find((text) => {
    const host = parseHost(text)
    return host === null || !may.isRouted(host)
  })
  if (badHost !== undefined) faults.hosts = `“${badHost}” is not a host of this gateway.`
  else if (hosts.length > maxParts) faults.hosts = `At most ${maxParts} hosts.`

  const methods = words(fields.methods.toUpperCase())
  const badMethod = methods.find((method) => !/^[A-Z][A-Z-]{0,19}$/.test(method))
  if (badMethod !== undefined) faults.methods = `“${badMethod}” is not a method.`
  else if (methods.length > maxParts) faults.methods = `At most ${maxParts} methods.`

  const paths = words(fields.paths)
  const pathFault = firstFault(paths)
  if (pathFault !== null) faults.paths = pathFault
  else if (paths.length > maxParts) faults.paths = `At most ${maxParts} paths.`

  const scopes = words(fields.scopes)
  const badScope = scopes.find((scope) => !isTokenScope(scope))
  if (badScope !== undefined) faults.scopes = `“${badScope}” is not a right of the admin.`
  else if (scopes.length > 0 && !may.administer) {
    faults.scopes = 'You do not administer this gateway.'
  }

  const lifeMs = lifeOf(fields.expires)
  if (lifeMs === undefined) faults.expires = 'Choose how long it is good.'

  const hours = hoursOf(fields)
  const perDay = Number(fields.perDay)
  if (fields.wake && hours === undefined) {
    faults.from = 'Write both times as 07:30, or leave both empty.'
  }
  if (fields.wake && !(Number.isSafeInteger(perDay) && perDay >= 1 && perDay <= maxWakesPerDay)) {
    faults.perDay = `A number from 1 to ${maxWakesPerDay}.`
  }

  if (label === null || lifeMs === undefined || hours === undefined || hasAny(faults)) {
    return { faults }
  }
  const wake = fields.wake ? { hours, perDay } : null
  return {
    wishes: {
      label,
      hosts: orAll(hosts),
      methods: orAll(methods),
      paths: orAll(paths),
      wake,
      scopes: scopes.filter(isTokenScope),
      lifeMs,
    },
  }
}

const maxParts = 20
const maxWakesPerDay = 100
const dayMs = 86_400_000

function words(text: string): readonly string[] {
  return [...new Set(text.split(/[\s,]+/).filter((word) => word !== ''))]
}

function orAll(parts: readonly string[]): readonly string[] | null {
  return parts.length === 0 ? null : parts
}

function hasAny(faults: TokenFaults): boolean {
  return Object.keys(faults).length > 0
}

function firstFault(paths: readonly string[]): string | null {
  for (const path of paths) {
    const fault = patternFault(path)
    if (fault !== null) return `“${path}” ${fault.what}: ${fault.remedy}.`
  }
  return null
}

/** `undefined`: not one of the choices. */
function lifeOf(expires: string): number | null | undefined {
  if (!expiryChoices.some(([value]) => value === expires)) return undefined
  return expires === 'never' ? null : Number(expires) * dayMs
}

/** `undefined`: not readable. Without the right to wake nobody looks at it. */
function hoursOf({ wake, from, to }: TokenFields): TokenWake['hours'] | undefined {
  if (!wake || (from === '' && to === '')) return null
  const [begin, end] = [minutesOf(from), minutesOf(to)]
  return begin === null || end === null || begin === end ? undefined : { from: begin, to: end }
}

function minutesOf(text: string): number | null {
  const [, hours, minutes] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text.trim()) ?? []
  return hours === undefined || minutes === undefined ? null : Number(hours) * 60 + Number(minutes)
}
