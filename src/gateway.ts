// The whole life of a request: admit it, then forward, page or refusal, then one record. Hot path.

import { type Admission, type AdmissionDeps, admit } from './admission.ts'
import { createBodyRoom } from './body-room.ts'
import { offeredMethods } from './errors.ts'
import { Exchanged, type ExchangedDeps } from './exchanged.ts'
import type { Flights } from './flights.ts'
import type { Exchange } from './proxy/exchange.ts'

export interface GatewayDeps extends AdmissionDeps, Omit<ExchangedDeps, 'bodies'> {
  readonly flights: Flights
}

export interface Gateway {
  /** Takes an exchange to its end. Never throws: a bug ends this request with 500 and is logged. */
  handle(exchange: Exchange): void
}

export function createGateway(parts: GatewayDeps): Gateway {
  const deps = { ...parts, bodies: createBodyRoom() }

  function handle(exchange: Exchange): void {
    const now = deps.now()
    const flight = new Exchanged(exchange, deps, now)
    deps.flights.add(flight)
    try {
      carryOut(admit(flight, deps, now), flight, now)
    } catch (error) {
      flight.crashed(error)
    }
  }

  function carryOut(admission: Admission, flight: Exchanged, now: number): void {
    flight.admittedAt = deps.now()
    switch (admission.kind) {
      case 'refuse':
        flight.refuse(admission.code)
        break
      case 'sign-in':
        flight.signIn(admission.reason)
        break
      case 'options':
        flight.answer({ status: 204, headers: ['allow', offeredMethods], body: nothing }, 'ok')
        break
      case 'page':
        if (admission.target.kind === 'app') flight.ask(deps.applications[admission.target.app])
        else flight.page(admission.target)
        break
      case 'wake':
        flight.aboutMachine(admission.action)
        break
      case 'forward':
        flight.forward(admission.webSocketKey, now)
        break
      default:
        throw new TypeError('unknown admission', { cause: admission satisfies never })
    }
  }

  return { handle }
}

const nothing = Buffer.alloc(0)
