// One machine that sleeps: its state, who wants it, its calls to the cloud, its ports, its history.

import { stackOf } from '../caught.ts'
import { createCloudLink } from './cloud-link.ts'
import { etaOf } from './eta.ts'
import { intentOf, reborn } from './intent.ts'
import { createLedger } from './ledger.ts'
import type { Machine, MachineDeps, WantResult } from './machine-types.ts'
import { createPorts } from './ports.ts'
import { createTroubles } from './troubles.ts'
import { next, startsAnew } from './vm.ts'
import type { VmEffect, VmEvent, VmState, WakeReason } from './vm-state.ts'
import { readingMs, tickAt } from './vm-timing.ts'
import { wakerFields } from './waker.ts'

export type {
  Eta,
  Machine,
  MachineAlert,
  MachineDeps,
  PoweredVm,
  WantResult,
} from './machine-types.ts'

/** Readings do not follow each other faster, whatever happens. */
const readingGapMs = 1_000
/** While it runs, the time counted so far is written that often. */
const keepMs = 5 * 60_000
/** How often what is under way is counted while draining. */
const drainLookMs = 500
/** Without a port to wait for, running is enough; but ports may be told a moment later. */
const portlessMs = 1_000
/** A call that is late anyway is looked at again after so long. */
const overdueLookMs = 30_000
/** A start waits so long for the disk: a crash right after it must know that it was wanted. */
const writeLimitMs = 2_000
/** Without one successful reading for so long, somebody has to know. */
const blindToTellMs = 30 * 60_000
const hourMs = 3_600_000

export function createMachine(deps: MachineDeps): Machine {
  const { journal, now, steady, after, random, log } = deps
  const vm = deps.definition.id
  let definition = deps.definition
  let state: VmState = unheard(steady())
  let phase: 'new' | 'loading' | 'looking' | 'on' | 'ended' = 'new'
  const early: VmEvent[] = []
  const listeners = new Set<(machine: Machine) => void>()
  /** Accepted by the cloud within the last hour, steady clock. */
  let starts: number[] = []
  let waitingSince: number | null = null
  let readSoon = false
  let readRandom = random()
  let tickedAt = Number.NEGATIVE_INFINITY
  let tokens = 0
  let portsChanged = 0
  let told = { state, ports: 0, step: '' }
  let cancelTick = () => {}
  let cancelRead = () => {}
  let cancelKeep: (() => void) | null = null
  let looked = () => {}

  const ledger = createLedger({ power: () => definition.power, now, steady })
  const troubles = createTroubles({ vm, steady, alert: deps.alert })
  const ports = createPorts({
    probe: deps.probe,
    target: () => ({ address: definition.address, readyPath: definition.power.readyPath }),
    steady,
    after,
    changed(port) {
      portsChanged += 1
      if (port === null) tell()
      else dispatch({ kind: 'port-ready', port })
    },
  })

  const cloud = createCloudLink({
    vm,
    provider: deps.provider,
    settings: () => definition.power.provider,
    state: () => state,
    steady,
    after,
    log,
    written,
    started: () => void starts.push(steady()),
    happened(event) {
      readRandom = random()
      if (event.kind === 'cloud' || event.kind === 'cloud-failed') {
        // The first reading goes before whatever the journal has left to do.
        if (phase === 'looking') phase = 'on'
      }
      if (event.kind === 'cloud') troubles.readable()
      else if (event.kind === 'cloud-failed' && steady() - cloud.seenAt >= blindToTellMs)
        troubles.raise('unavailable', 'reading', cloud.detail)
      dispatch(event)
    },
    looked: () => looked(),
  })

  // Events

  function dispatch(event: VmEvent): void {
    if (phase === 'ended') return
    if (phase === 'new' || phase === 'loading') {
      // However many want it while the disk is slow: one wish is as good as many.
      if (early.at(-1)?.kind !== event.kind) early.push(event)
      return
    }
    const before = state
    const step = next(state, event, {
      now: steady(),
      limits: definition.power,
      get token() {
        return newToken()
      },
      random: random(),
    })
    state = step.state
    if (state !== before) guarded(() => entered(before))
    guarded(() => ports.probing(shouldProbe()))
    for (const effect of step.effects) guarded(() => perform(effect, event))
    plan()
    tell()
  }

  /** A bug in one part must not be the end of asking and trying: the machine would run for ever. */
  function guarded(run: () => void): void {
    try {
      run()
    } catch (error) {
      log.error('vm-broken', { vm, state: state.kind, error: stackOf(error) })
    }
  }

  function entered(before: VmState): void {
    ledger.moved(before, state)
    if (state.kind !== before.kind) {
      log.info('vm-state', { vm, state: state.kind, before: before.kind, ...wakerFields(state) })
    }
    if (state.kind === 'awake' || state.kind === 'asleep') troubles.over(state.kind)
    if (state.kind === 'asleep' || state.kind === 'gone') waitingSince = null
    void persist()
  }

  function perform(effect: VmEffect, event: VmEvent): void {
    switch (effect.kind) {
      case 'read':
        readSoon = true
        break
      case 'start':
        cloud.start(effect.token)
        break
      case 'soft-stop':
      case 'stop':
        cloud.halt(effect.kind)
        break
      case 'alert': {
        const of = event.kind === 'cloud-failed' ? 'reading' : 'machine'
        const failed = 'fault' in event || (state.kind === 'stopping' && state.failures > 0)
        troubles.raise(effect.trouble, of, failed ? cloud.detail : '')
        break
      }
      default:
        effect satisfies never
    }
  }

  /** Where the cloud can be asked its word is waited for: a port may still answer while the system goes down. */
  function shouldProbe(): boolean {
    switch (state.kind) {
      case 'booting':
      case 'awake':
      case 'draining':
        return true
      case 'starting':
        return state.acceptedAt !== null
      case 'unknown':
      case 'resting':
        return cloud.blind !== null
      case 'asleep':
      case 'stopping':
      case 'gone':
        return false
      default:
        return state satisfies never
    }
  }

  // Time

  function plan(): void {
    cancelTick()
    cancelRead()
    if (phase !== 'on') return
    const at = steady()
    const tick = nextTick(at)
    if (tick !== null) cancelTick = after(Math.max(0, tick - at), ticked)
    if (!cloud.reading) {
      const pause = { now: at, failures: cloud.failures, random: readRandom }
      const due = cloud.heardAt + (readSoon ? readingGapMs : readingMs(state, pause))
      if (due <= at) look()
      else cancelRead = after(due - at, look)
    }
    if (ledger.counting) cancelKeep ??= after(keepMs, keep)
  }

  function look(): void {
    readSoon = false
    cloud.read()
  }

  function nextTick(at: number): number | null {
    const due = tickAt(state, definition.power)
    if (state.kind === 'draining') return at + drainLookMs
    if (state.kind === 'booting' && ports.size === 0) return state.since + portlessMs
    return due !== null && due <= tickedAt ? tickedAt + overdueLookMs : due
  }

  function ticked(): void {
    tickedAt = steady()
    if (state.kind === 'draining' && deps.inFlight() === 0) dispatch({ kind: 'drained' })
    else if (state.kind === 'booting' && ports.size === 0) dispatch({ kind: 'no-ports' })
    else dispatch({ kind: 'tick' })
  }

  function keep(): void {
    cancelKeep = null
    void persist()
    if (ledger.counting) cancelKeep = after(keepMs, keep)
  }

  // Journal

  function persist(): Promise<boolean> {
    const toWall = (at: number) => Math.round(now() - (steady() - at))
    return journal.write(ledger.data(intentOf(state, toWall)))
  }

  function written(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = after(writeLimitMs, resolve)
      void persist().then(() => {
        cancel()
        resolve()
      })
    })
  }

  function newToken(): string {
    tokens += 1
    const chance = Math.floor(random() * 2 ** 48)
    return `gatehouse-${Math.floor(now()).toString(36)}-${tokens.toString(36)}-${chance.toString(36)}`
  }

  // Wishes

  function refusal(by: WakeReason): WantResult | null {
    const at = steady()
    starts = starts.filter((each) => at - each < hourMs)
    if (starts.length >= definition.power.startsPerHour) return 'too-many-starts'
    return deps.mayStart(by) ? null : 'budget'
  }

  function wish(event: Extract<VmEvent, { kind: 'want' | 'restart' }>): WantResult {
    if (state.kind === 'gone') return 'gone'
    if (startsAnew(state, event.kind)) {
      const refused = refusal(event.by)
      if (refused !== null) {
        log.info('vm-start-refused', { vm, reason: refused })
        return refused
      }
      waitingSince = steady()
    }
    dispatch(event)
    return 'ok'
  }

  function tell(): void {
    const { step } = machine.eta()
    if (told.state === state && told.ports === portsChanged && told.step === step) return
    told = { state, ports: portsChanged, step }
    for (const listener of [...listeners]) {
      try {
        listener(machine)
      } catch (error) {
        log.error('vm-listener-broken', {
          vm,
          error: stackOf(error),
        })
      }
    }
  }

  const machine: Machine = {
    get definition() {
      return definition
    },
    get state() {
      return state
    },
    get blind() {
      return cloud.blind
    },
    want: (by, how) => wish({ kind: 'want', by, ...how }),
    letSleep(reason) {
      dispatch({ kind: 'let-sleep', reason })
      if (state.kind === 'draining' && deps.inFlight() === 0) dispatch({ kind: 'drained' })
    },
    restart: (by) => wish({ kind: 'restart', by }),
    isReady: (port) => state.kind === 'awake' && ports.isReady(port),
    watchPort: ports.watch,
    get readyPorts() {
      return state.kind === 'awake' ? ports.ready : []
    },
    portRefused(port) {
      if (!ports.refused(port)) return
      waitingSince = steady()
      // Somebody may have stopped it in the console.
      readSoon = true
      dispatch({ kind: 'port-lost', port })
    },
    eta(port) {
      return etaOf(state, {
        now: now(),
        steady: steady(),
        waitingSince,
        systemUp: ports.systemUp,
        portReady: port === undefined ? null : ports.isReady(port),
        usualStartMs: ledger.usualStartMs(),
        usualStopMs: ledger.usualStopMs(),
      })
    },
    subscribe(listener) {
      // The same function twice is two subscriptions.
      const own = (changed: Machine) => listener(changed)
      listeners.add(own)
      return () => void listeners.delete(own)
    },
    async start() {
      if (phase !== 'new') return
      phase = 'loading'
      const data = await journal.load()
      // It may have been stopped while the disk was slow.
      if (hasEnded()) return
      ledger.load(data)
      const at = { now: now(), steady: steady() }
      for (const { acceptedMs, wantedAt } of data.history) {
        const age = at.now - wantedAt
        if (acceptedMs !== null && age >= 0 && age < hourMs) starts.push(at.steady - age)
      }
      state = reborn(data.intent, at)
      phase = 'looking'
      const first = new Promise<void>((resolve) => {
        looked = resolve
      })
      look()
      for (const event of early.splice(0)) dispatch(event)
      await first
    },
    async stop() {
      if (phase === 'ended') return
      const heard = phase === 'on' || phase === 'looking'
      phase = 'ended'
      cloud.stop()
      ports.stop()
      cancelTick()
      cancelRead()
      cancelKeep?.()
      looked()
      // What was never read must not be written over.
      if (heard) await persist()
    },
    redefine(changed) {
      const moved =
        changed.address !== definition.address ||
        changed.power.readyPath !== definition.power.readyPath
      definition = changed
      if (moved) {
        ports.probing(false)
        portsChanged += 1
      }
      if (phase === 'looking' || phase === 'on') ports.probing(shouldProbe())
      plan()
      tell()
    },
    history: ledger.history,
    awakeMinutes: ledger.awakeMinutes,
  }

  function hasEnded(): boolean {
    return phase === 'ended'
  }

  return machine
}

function unheard(since: number): VmState {
  return { kind: 'unknown', since, wanted: null, token: null, startedBy: null }
}
