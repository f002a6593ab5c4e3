// Do the backends accept connections, and does our clock agree with theirs?

import { lookup } from 'node:dns'
import { request } from 'node:http'
import { connect } from 'node:net'
import type { TableDefinition, UpstreamTarget } from '../../model.ts'
import { guardedLookup } from '../../proxy/lookup.ts'
import { forbiddenAddress } from '../../routes-file/addresses.ts'
import { errorCode, type Finding, fail, inParallel, listed, ok, warn } from './finding.ts'

interface Probe {
  readonly target: UpstreamTarget
  readonly services: string[]
}

type Reached = { readonly ms: number } | { readonly code: string }

/** Enough to be quick, few enough not to look like a port scan. */
const width = 16
/** Clocks to ask: more than one, because a backend's may be the wrong one. */
const clocks = 3
/** One-time passwords have steps of 30 s, and a certificate that begins "now" must be valid now. */
const warnSkewMs = 5_000
const failSkewMs = 30_000

export interface TargetsDeps {
  /** Milliseconds, for each connection. */
  readonly timeoutMs: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Connects to every backend once. A machine that sleeps is no fault: nothing here is worse than a warning. */
export async function targetFindings(
  definition: TableDefinition,
  deps: TargetsDeps,
): Promise<Finding[]> {
  const probes = probesOf(definition)
  if (probes.length === 0) return [ok('targets', 'no route leads to a backend')]
  const reached = await inParallel(probes, width, ({ target }) => reach(target, deps.timeoutMs))
  const findings: Finding[] = []
  const silent = new Map<string, { total: number; failed: { text: string; code: string }[] }>()
  const answering: UpstreamTarget[] = []
  for (const [index, { target, services }] of probes.entries()) {
    const machine = target.vm ?? target.hostname
    const group = silent.get(machine) ?? { total: 0, failed: [] }
    silent.set(machine, group)
    group.total += 1
    const result = reached[index] ?? { code: 'not tried' }
    if ('ms' in result) answering.push(target)
    else group.failed.push({ text: `${place(target)} (${listed(services)})`, code: result.code })
  }
  for (const [machine, { total, failed }] of silent) {
    if (failed.length === 0) {
      findings.push(ok('targets', `${machine}: all ${total} accept connections`))
    } else if (failed.length === total && total > 1) {
      const codes = [...new Set(failed.map(({ code }) => code))].join(', ')
      const what = `${machine}: none of ${total} accepts connections (${codes})`
      findings.push(warn('targets', what, 'is the machine stopped, or its firewall closed to us?'))
    } else {
      for (const { text, code } of failed) {
        const remedy = 'is the service running, and the port right?'
        findings.push(warn('targets', `${machine}: ${text}: ${code}`, remedy))
      }
    }
  }
  findings.push(await clockFinding(answering, deps))
  return findings
}

/** Compares our clock with the `Date` of a few backends (RFC 9110 §6.6.1). */
export async function clockFinding(
  targets: readonly UpstreamTarget[],
  deps: TargetsDeps,
): Promise<Finding> {
  const skews = await clockSkews(targets, deps)
  const skew = middleOf(skews)
  if (skew === null) {
    return warn('clock', 'nobody to compare it with', 'timedatectl says whether it is synchronised')
  }
  const seconds = Math.round(skew / 1000)
  const size = Math.abs(skew)
  const side = seconds > 0 ? 'ahead of' : 'behind'
  if (size < warnSkewMs) return ok('clock', `agrees with ${skews.length} of the backends`)
  const what = `${Math.abs(seconds)} s ${side} ${skews.length === 1 ? 'a backend' : 'the backends'}`
  const remedy = 'switch on time synchronisation (timedatectl set-ntp true), there or here'
  return size < failSkewMs ? warn('clock', what, remedy) : fail('clock', what, remedy)
}

/** How far our clock is ahead of those of a few backends, milliseconds; empty: none said. */
export async function clockSkews(
  targets: readonly UpstreamTarget[],
  { now, timeoutMs }: TargetsDeps,
): Promise<readonly number[]> {
  const plain = targets.filter(({ scheme }) => scheme === 'http').slice(0, clocks)
  const skews: number[] = []
  await inParallel(plain, clocks, async (target) => {
    const date = await dateOf(target, timeoutMs)
    // The header has whole seconds: half a second is the middle of what it can mean.
    if (date !== null) skews.push(now() - (date + 500))
  })
  return skews
}

/** One clock that is wrong has no say. */
export function middleOf(skews: readonly number[]): number | null {
  return skews.toSorted((a, b) => a - b)[Math.floor(skews.length / 2)] ?? null
}

function probesOf(definition: TableDefinition): readonly Probe[] {
  const probes = new Map<string, Probe>()
  const add = (target: UpstreamTarget, service: string) => {
    const probe = probes.get(place(target)) ?? { target, services: [] }
    probe.services.push(service)
    probes.set(place(target), probe)
  }
  for (const { target, service } of definition.routes) {
    if (target.kind === 'upstream') add(target, service)
  }
  if (definition.fallback !== null) add(definition.fallback, 'fallback')
  return [...probes.values()]
}

function place({ hostname, port }: UpstreamTarget): string {
  return hostname.includes(':') ? `[${hostname}]:${port}` : `${hostname}:${port}`
}

const safeLookup = guardedLookup(lookup, forbiddenAddress)

function reach({ hostname, port }: UpstreamTarget, timeoutMs: number): Promise<Reached> {
  const startedAt = performance.now()
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port, lookup: safeLookup })
    const done = (result: Reached) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(result)
    }
    const timer = setTimeout(() => done({ code: `no answer in ${timeoutMs / 1000} s` }), timeoutMs)
    socket.once('connect', () => done({ ms: performance.now() - startedAt }))
    socket.once('error', (error) => done({ code: errorCode(error) }))
  })
}

/** @returns milliseconds since the epoch; `null`: no answer, or one without a date. */
function dateOf({ hostname, port }: UpstreamTarget, timeoutMs: number): Promise<number | null> {
  return new Promise((resolve) => {
    const asked = request({ host: hostname, port, method: 'HEAD', path: '/', lookup: safeLookup })
    const done = (date: number | null) => {
      clearTimeout(timer)
      asked.destroy()
      resolve(date)
    }
    const timer = setTimeout(() => done(null), timeoutMs)
    asked.once('error', () => done(null))
    asked.once('response', ({ headers }) => {
      const date = Date.parse(headers.date ?? '')
      done(Number.isNaN(date) ? null : date)
    })
    asked.end()
  })
}
