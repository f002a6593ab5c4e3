// `gatehouse alert test`: does a message arrive at everybody who should hear of trouble?

import { readAlertResults } from './machine-answers.ts'
import { asked, type MachineContext, understood } from './machine-gateway.ts'
import { done, type Outcome } from './outcome.ts'
import { counted, harmless, jsonText } from './terminal-text.ts'

/** Each target is tried several times, with pauses: longer than that is not waited for, milliseconds. */
const answerMs = 120_000

export async function testAlerts(context: MachineContext): Promise<Outcome> {
  const answer = await asked(context, { do: 'alert-test' }, answerMs)
  const results = understood(readAlertResults(answer))
  const failed = results.filter(({ error }) => error !== null)
  const code = failed.length > 0 || results.length === 0 ? 1 : 0
  if (context.flags.has('json')) return done(jsonText(results), { code })
  if (results.length === 0) {
    const error =
      'gatehouse: error: the table has no alerts, so nobody hears of trouble; add for example alerts: [{ ntfy: https://ntfy.sh/topic }]\n'
    return done('', { error, code })
  }
  const arrived = results.filter(({ error }) => error === null)
  return done(arrived.map(({ target }) => `arrived: ${harmless(target, 100)}\n`).join(''), {
    error: failed
      .map(({ target, error }) => `failed:  ${harmless(target, 100)}: ${harmless(error ?? '')}\n`)
      .concat(
        failed.length > 0
          ? [
              `gatehouse: error: ${counted(failed.length, 'target')} of ${results.length} did not take it\n`,
            ]
          : [],
      )
      .join(''),
    code,
  })
}
