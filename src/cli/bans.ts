// `gatehouse bans list | lift`: networks that guessed too often. Only the gateway that runs knows them.

import { type ControlRequest, controlPath } from '../control.ts'
import { GatehouseError } from '../errors.ts'
import { askGateway, type ControlOutcome } from './control-client.ts'
import { done, type Outcome } from './outcome.ts'
import type { PeopleContext } from './people-store.ts'
import { dateText, harmless, jsonText, table, timeOrNull } from './terminal-text.ts'

export async function listBans(context: PeopleContext): Promise<Outcome> {
  const { bans } = await asked(context, { do: 'bans' })
  const all = bans.toSorted((a, b) => a.until - b.until)
  if (context.flags.has('json')) {
    return done(jsonText(all.map(({ network, until }) => ({ network, until: timeOrNull(until) }))))
  }
  if (all.length === 0) return done('No network is banned.\n')
  return done(
    table(
      ['NETWORK', 'UNTIL'],
      all.map(({ network, until }) => [harmless(network), dateText(until)]),
    ),
  )
}

export async function liftBan(context: PeopleContext): Promise<Outcome> {
  const network = context.operands[0] ?? ''
  const { lifted } = await asked(context, { do: 'lift-ban', network })
  const shown = harmless(network)
  if (lifted) return done(`${shown} may try again.\n`)
  return done('', {
    error: `gatehouse: error: ${shown} is not banned; see "gatehouse bans list"\n`,
    code: 1,
  })
}

/** @throws GatehouseError `not-running`. */
async function asked(
  { config }: PeopleContext,
  request: ControlRequest,
): Promise<ControlOutcome & { kind: 'done' }> {
  const outcome = await askGateway(controlPath(config.dataDir), request)
  if (outcome.kind === 'done') return outcome
  if (outcome.kind === 'failed') {
    throw new GatehouseError('control-failed', `the gateway did not answer (${outcome.reason})`, {
      remedy: 'see its log',
    })
  }
  throw new GatehouseError(
    'not-running',
    'no gateway runs with this data directory, so nothing is banned',
    {
      remedy: 'start it, or name its data directory by --data',
    },
  )
}
