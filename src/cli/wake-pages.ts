// What people see of machines that sleep, and what the gateway's own paths about them do.

import type { AppRequest, StreamAnswer } from '../app.ts'
import type { Arrival, Waking } from '../gate.ts'
import type { EventLog } from '../log.ts'
import type { TableDefinition, VmId } from '../model.ts'
import { renderWaiting, startedAnswer } from '../pages/waiting.ts'
import { waitingScript } from '../pages/waiting-script.ts'
import type { Answer, Pages } from '../pages.ts'
import { originOf, signInUrl } from '../sign-in-url.ts'
import type { Busy } from '../wake/busy.ts'
import { machineStream } from '../wake/events.ts'
import type { Gates } from '../wake/hold.ts'
import type { Use } from '../wake/idle.ts'
import type { Machine } from '../wake/machine.ts'
import { waitingViewOf } from '../wake/view.ts'
import { mayPress } from '../wake/who-may-wake.ts'

export interface WakePagesDeps {
  readonly machine: (id: VmId) => Machine | null
  readonly gates: Pick<Gates, 'want' | 'refusal'>
  readonly busy: Pick<Busy, 'signal'>
  readonly use: Pick<Use, 'ended'>
  readonly definition: () => TableDefinition
  readonly publicPort: () => number
  readonly pages: Pages
  readonly after: (ms: number, run: () => void) => () => void
  readonly log: EventLog
}

/** A browser comes back by itself, to the machine that the table has by then, and with a session that still holds. */
const streamMs = 600_000

export function createWakePages(deps: WakePagesDeps): Waking {
  /** Where a stranger signs in to come back to the page. */
  function signInFor(arrival: Arrival, path: string): string | null {
    const { domain, loginHost } = deps.definition()
    const { host } = arrival
    if (host !== domain && !host.endsWith(`.${domain}`)) return null
    return signInUrl({
      loginHost,
      publicPort: deps.publicPort(),
      reason: 'no-session',
      origin: originOf(host, deps.publicPort()),
      method: 'GET',
      target: path,
      routePath: '/',
    })
  }

  const waking: Waking = {
    page(arrival, reception, { request, path }) {
      const view = waitingViewOf(arrival, reception, {
        machine: deps.machine(arrival.vm),
        refusal: deps.gates.refusal(arrival.vm),
        signIn: signInFor(arrival, path),
        path,
        publicPort: deps.publicPort(),
      })
      return renderWaiting(view, request)
    },
    application: (action, arrival) => ({
      async handle(request) {
        switch (action) {
          case 'script': {
            const script = waitingScript()
            return request.target.startsWith(script.url)
              ? script.answer
              : failure('not-found', request)
          }
          case 'busy':
            return answerBusy(request)
          case 'events':
            return follow(arrival, request)
          case 'start':
            return press(arrival, request)
          default:
            return action satisfies never
        }
      },
    }),
    ended: deps.use.ended,
  }

  function follow(arrival: Arrival | null, request: AppRequest): Answer | StreamAnswer {
    const machine = arrival === null ? null : deps.machine(arrival.vm)
    // What becomes of a machine is nothing for strangers; those whose network may wake it have woken it.
    if (arrival === null || machine === null || (arrival.user === null && !arrival.knownClient)) {
      return failure('not-found', request)
    }
    const { port, service, vm } = arrival
    const stream = machineStream(
      { machine, port, service, refusal: () => deps.gates.refusal(vm) },
      { after: deps.after },
    )
    return {
      headers: stream.headers,
      open(sink) {
        const stop = stream.open(sink)
        const cancel = deps.after(streamMs, () => sink.end())
        return () => {
          cancel()
          stop()
        }
      },
    }
  }

  function press(arrival: Arrival | null, request: AppRequest): Answer {
    if (arrival === null || deps.machine(arrival.vm) === null) return startedAnswer(request.target)
    if (!mayPress(arrival)) return failure('forbidden', request)
    deps.gates.want(arrival.vm, { kind: 'person', user: arrival.user })
    return startedAnswer(request.target)
  }

  function answerBusy(request: AppRequest): Answer {
    const answer = deps.busy.signal(request.headers.authorization ?? null, request.body.toString())
    switch (answer.kind) {
      case 'taken':
        deps.log.debug('vm-busy', { vm: answer.vm })
        return { status: 204, headers: ['cache-control', 'no-store'], body: Buffer.alloc(0) }
      case 'stranger':
        return failure('token-invalid', request)
      case 'malformed': {
        const body = Buffer.from(`${answer.what}\n`)
        const type = ['content-type', 'text/plain; charset=utf-8', 'cache-control', 'no-store']
        return { status: 400, headers: [...type, 'content-length', String(body.length)], body }
      }
      default:
        return answer satisfies never
    }
  }

  function failure(code: 'not-found' | 'forbidden' | 'token-invalid', request: AppRequest): Answer {
    return deps.pages.failure(code, {
      accept: request.headers.accept ?? null,
      contentType: null,
      method: request.method,
      id: request.id,
      host: request.host,
      loginHost: deps.definition().loginHost,
    })
  }

  return waking
}
