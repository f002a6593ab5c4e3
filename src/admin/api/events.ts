// Server-sent events (WHATWG HTML §9.2): what is new about machines, routes, health, bans and lockdown, as it happens.

import type { FastifyInstance } from 'fastify'
import type { StreamAnswer, StreamSink } from '../../app.ts'
import type { TokenScope } from '../../auth/token-scopes.ts'
import { tokenIdOf } from '../../auth/tokens.ts'
import type { Actor, Desks, RouteRow } from '../desks/types.ts'
import type { AdminParts } from '../parts.ts'
import { refused } from '../problem.ts'
import { readQuery } from '../query.ts'
import { refuseReply } from '../reply.ts'
import { timeOrNull, timeText } from './schemas.ts'
import { machineReply } from './vms.ts'

export const eventsPath = '/api/v1/events'

/** How often is looked while somebody listens, milliseconds. With nobody there nothing runs. */
const lookMs = 2_000
/** A comment, so that nobody on the way takes the silence for the end; in looks. */
const beatEvery = 8
const maxListeners = 20

/** Each event holds the whole of its subject, as JSON; it is sent at the beginning and whenever it has changed. */
export const eventTopics = {
  vms: { scope: 'vms:read', what: '`items` as `listVms` has them, without `idleMs`' },
  routes: { scope: 'routes:read', what: '`etag`, `inForce`, `held`, `pendingUntil` of the file' },
  targets: { scope: 'routes:read', what: 'state of each route’s target by route id' },
  health: { scope: 'admin:read', what: '`status` and `checks`' },
  sessions: { scope: 'people:read', what: '`count` of sessions' },
  bans: { scope: 'people:read', what: '`count` of networks' },
  lockdown: { scope: 'admin:read', what: '`on`' },
} as const satisfies Record<string, { readonly scope: TokenScope; readonly what: string }>

type Topic = keyof typeof eventTopics

interface Listener {
  readonly sink: StreamSink
  readonly actor: Actor
  readonly topics: readonly Topic[]
  readonly sent: Map<Topic, string>
}

/** `GET /api/v1/events`. */
export function registerEvents(app: FastifyInstance, parts: AdminParts): void {
  const { context, desks } = parts
  const listeners = new Set<Listener>()
  const look = createLook(desks)
  let stop: (() => void) | null = null
  let looking = false
  let looks = 0
  let failing = false

  /** Groups can change while a stream is open, which no session's end tells; and the end itself is looked for once more. */
  function isStillIn({ user: id, via, ref }: Actor): boolean {
    const user = context.sessions.user(id)
    if (user === null || user.disabled || !context.mayAdminister(user)) return false
    if (via === 'session') return context.sessions.byRef(ref)?.record.user === id
    const token = context.tokens.byId(tokenIdOf(ref) ?? '')
    return token !== null && context.tokens.isUsable(token, context.now())
  }

  async function tell(): Promise<void> {
    if (looking) return
    looking = true
    looks += 1
    try {
      for (const { sink, actor } of listeners) if (!isStillIn(actor)) sink.end()
      const seen = await look(new Set([...listeners].flatMap(({ topics }) => topics)))
      for (const listener of listeners) send(listener, seen, looks % beatEvery === 0)
      failing = false
    } catch (error) {
      if (!failing) context.log.warn('admin-events-failed', { error: String(error) })
      failing = true
    } finally {
      looking = false
    }
  }

  function open(actor: Actor): StreamAnswer {
    const topics = topicNames.filter((topic) => actor.may(eventTopics[topic].scope))
    return {
      headers: [
        'content-type',
        'text/event-stream; charset=utf-8',
        ...['cache-control', 'no-store', 'x-content-type-options', 'nosniff'],
        ...['cross-origin-resource-policy', 'same-origin'],
      ],
      open(sink) {
        const listener: Listener = { sink, actor, topics, sent: new Map() }
        listeners.add(listener)
        sink.send('retry: 3000\n\n')
        void tell()
        stop ??= context.every(lookMs, () => void tell())
        return () => {
          listeners.delete(listener)
          if (listeners.size > 0) return
          stop?.()
          stop = null
        }
      },
    }
  }

  app.get(eventsPath, { exposeHeadRoute: false }, (request, reply) => {
    const { actor, from } = request.caller
    if (Object.keys(readQuery(from.target, new Map())).length > 0) {
      const errors = [{ path: 'query', message: 'Nothing is expected here.' }]
      return refuseReply(reply, refused('invalid', { errors }), from)
    }
    if (listeners.size >= maxListeners)
      return refuseReply(reply, refused('too-many-requests'), from)
    request.stream = open(actor)
    return reply.send()
  })
}

const topicNames = Object.keys(eventTopics) as readonly Topic[]

function send({ sink, topics, sent }: Listener, seen: Seen, beat: boolean): void {
  let said = false
  for (const topic of topics) {
    const data = seen.get(topic)
    if (data === undefined || sent.get(topic) === data) continue
    sent.set(topic, data)
    sink.send(`event: ${topic}\ndata: ${data}\n\n`)
    said = true
  }
  if (beat && !said) sink.send(':\n\n')
}

type Seen = ReadonlyMap<Topic, string>

/** Looks at what somebody listens for. The rows of the file are read again when the file has changed. */
function createLook(desks: Desks): (topics: ReadonlySet<Topic>) => Promise<Seen> {
  let rows: readonly RouteRow[] = []
  let rowsEtag: string | null = null

  async function routes() {
    const { etag, inForce, held, pending } = await desks.routes.read()
    if (etag !== rowsEtag) {
      rows = await desks.routes.rows()
      rowsEtag = etag
    }
    return { etag, inForce, held: held.length, pendingUntil: timeOrNull(pending?.until ?? null) }
  }

  function targets() {
    return Object.fromEntries(
      rows.map(({ id }) => {
        const state = desks.targetState(id)
        const since = state.kind === 'failing' ? timeText(state.since) : null
        return [id, { state: state.kind, since }]
      }),
    )
  }

  return async (topics) => {
    const seen = new Map<Topic, string>()
    const put = (topic: Topic, value: unknown) => seen.set(topic, JSON.stringify(value))
    if (topics.has('routes')) put('routes', await routes())
    if (topics.has('targets')) put('targets', targets())
    if (topics.has('vms')) {
      const items = (desks.machines?.list() ?? []).map((each) => {
        const { idleMs: _, ...rest } = machineReply(each)
        return rest
      })
      put('vms', { items })
    }
    if (topics.has('health')) {
      const { status, checks } = desks.house.health()
      put('health', { status, checks })
    }
    if (topics.has('sessions')) put('sessions', { count: desks.sessions.list(null).length })
    if (topics.has('bans')) put('bans', { count: desks.bans.list().length })
    if (topics.has('lockdown')) put('lockdown', { on: desks.house.lockdown().on })
    return seen
  }
}
