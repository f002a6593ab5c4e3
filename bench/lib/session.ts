// A contestant that runs and answers, and how long that took.

import {
  contentLength,
  discard,
  openTls,
  readHead,
  requestHead,
  status,
} from '../clients/tls-connection.ts'
import type { Contestant, Running } from '../contestants.ts'
import type { OpenPlace } from './place.ts'
import { type Memory, sleep } from './process.ts'

export interface Session {
  readonly contestant: Contestant
  readonly port: number
  /** From the start of the process to the end of the first answer, milliseconds. */
  readonly firstAnswerMs: number
  /** CPU spent until then, milliseconds. */
  readonly firstAnswerCpuMs: number
  /** CPU so far, nanoseconds. */
  cpuNs(): number
  memory(): Memory
  close(): Promise<void>
}

const patienceMs = 20_000

/** Starts it and waits for the first answer. Rejects, with what it wrote to stderr, when none comes. */
export async function openSession(contestant: Contestant, place: OpenPlace): Promise<Session> {
  const begun = performance.now()
  const running = await contestant.start(place)
  const sum = (what: (index: number) => number) =>
    running.children.reduce((total, _child, index) => total + what(index), 0)
  const cpuNs = () => sum((index) => running.children[index]?.cpuNs() ?? 0)
  for (;;) {
    if (await answersOnce(running.port)) break
    const child = running.children.find((each) => each.exited)
    if (child !== undefined || performance.now() - begun > patienceMs) {
      const said = running.children.map((each) => each.errors()).join('\n')
      await stop(running)
      throw new Error(`${contestant.name} does not answer: ${said}`)
    }
    await sleep(1)
  }
  const firstAnswerMs = performance.now() - begun
  return {
    contestant,
    port: running.port,
    firstAnswerMs,
    firstAnswerCpuMs: cpuNs() / 1e6,
    cpuNs,
    memory: () => {
      const all = running.children.map((each) => each.memory())
      return {
        rss: all.reduce((total, each) => total + each.rss, 0),
        pss: all.reduce((total, each) => total + each.pss, 0),
      }
    },
    close: () => stop(running),
  }
}

async function stop(running: Running): Promise<void> {
  await Promise.all(running.children.map((each) => each.stop()))
}

async function answersOnce(port: number): Promise<boolean> {
  try {
    const socket = await openTls(port)
    socket.on('error', () => {})
    socket.write(requestHead('GET', '/small'))
    const head = await readHead(socket)
    await discard(socket, contentLength(head))
    socket.destroy()
    return status(head) === 200
  } catch {
    return false
  }
}
