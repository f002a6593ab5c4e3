// Asks the gateway that runs: the commands' end of control.ts.

import { connect } from 'node:net'
import type { Ban, ControlRequest } from '../control.ts'

/** What became of a question. */
export type ControlOutcome =
  /** No gateway runs with this data directory, or it has no socket. */
  | { readonly kind: 'absent' }
  | {
      readonly kind: 'done'
      /** `https://auth.example.com`, with the port when it is not 443. */
      readonly loginOrigin: string
      readonly bans: readonly Ban[]
      readonly lifted: boolean
      /** All of it, for what machine-answers.ts reads. */
      readonly answer: object
    }
  /** One is there, and did not do it. `late`: it may do it yet. */
  | { readonly kind: 'failed'; readonly reason: string; readonly late: boolean }

/** How long an answer may take when nothing else is said, milliseconds. */
const usualMs = 2_000
const maxAnswerLength = 1_048_576

/**
 * Never rejects.
 *
 * @param answerMs how long the answer may take; Infinity: until the gateway or this process ends.
 */
export function askGateway(
  path: string,
  request: ControlRequest,
  answerMs = usualMs,
): Promise<ControlOutcome> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(path)
    const late = () => {
      finish({ kind: 'failed', reason: `no answer within ${answerMs / 1000} s`, late: true })
    }
    const timer = Number.isFinite(answerMs) ? setTimeout(late, answerMs) : undefined
    socket.setEncoding('utf8')
    socket.on('connect', () => socket.write(`${JSON.stringify(request)}\n`))
    socket.on('data', (chunk: string) => {
      text += chunk
      const end = text.indexOf('\n')
      if (end !== -1) finish(readAnswer(text.slice(0, end)))
      else if (text.length > maxAnswerLength) finish(failed('the answer is too long'))
    })
    socket.on('error', (error) => {
      const code = 'code' in error ? String(error.code) : ''
      finish(nobody.includes(code) ? { kind: 'absent' } : failed(code))
    })
    socket.on('close', () => finish(failed('the connection ended without an answer')))

    function finish(outcome: ControlOutcome): void {
      clearTimeout(timer)
      socket.destroy()
      resolve(outcome)
    }
  })
}

/** No socket, one that nobody listens on, or a path too long to have been one. */
const nobody = ['ENOENT', 'ECONNREFUSED', 'ENOTDIR', 'ENAMETOOLONG', 'EINVAL']

function failed(reason: string): ControlOutcome {
  return { kind: 'failed', reason, late: false }
}

function readAnswer(line: string): ControlOutcome {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return failed('the answer is not JSON')
  }
  if (typeof value !== 'object' || value === null) return failed('the answer is not an object')
  if (!('ok' in value) || value.ok !== true) {
    return failed('error' in value ? String(value.error) : 'refused')
  }
  return {
    kind: 'done',
    loginOrigin: 'loginOrigin' in value ? String(value.loginOrigin) : '',
    bans: 'bans' in value && Array.isArray(value.bans) ? value.bans.flatMap(readBan) : [],
    lifted: 'lifted' in value && value.lifted === true,
    answer: value,
  }
}

function readBan(value: unknown): Ban[] {
  if (typeof value !== 'object' || value === null) return []
  if (!('network' in value) || !('until' in value)) return []
  return [{ network: String(value.network), until: Number(value.until) }]
}
