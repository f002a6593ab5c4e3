// The desk of routes.yaml in a running gateway: the file, its history, git, and what it asks of the table in force.

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { createRouteGit, type RunGit } from '../admin/desks/route-git.ts'
import { createRouteHistory } from '../admin/desks/route-history.ts'
import { createRoutesDesk } from '../admin/desks/routes.ts'
import type { Probe, RouteExplanation, RoutesDesk } from '../admin/desks/types.ts'
import type { User } from '../auth/people.ts'
import type { Config } from '../config.ts'
import { explainForPerson } from '../explain/for-person.ts'
import type { EventLog } from '../log.ts'
import type { Identity, SessionRef, UserId, VmDefinition } from '../model.ts'
import type { RouteTable } from '../routes.ts'
import { acceptText } from '../routes-file/accepted.ts'
import { createWorkbench } from '../routes-file/edit/workbench.ts'
import type { Fault } from '../routes-file/problem.ts'
import type { Reloader } from '../routes-file/reload.ts'
import { readUpstream } from '../routes-file/upstream.ts'
import type { Probe as AskPort } from '../wake/readiness.ts'
import { after } from './timers.ts'
import { undoFileOf } from './undo-at-start.ts'

export interface AdminRoutesDeps {
  readonly config: Config
  readonly reloader: Pick<Reloader, 'reload' | 'counters'>
  readonly table: () => RouteTable
  readonly publicPort: () => number
  /** `null`: there is no such person. */
  readonly user: (id: UserId) => User | null
  /** A change of that person was undone, because nobody confirmed it. */
  readonly undone: (by: string) => void
  /** Obeys the rules for addresses that routes obey. */
  readonly askPort: AskPort
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly now: () => number
  readonly randomBytes: (size: number) => Buffer
  readonly log: EventLog
  readonly undoMs?: number
}

export function createAdminRoutes(deps: AdminRoutesDeps): RoutesDesk {
  const { config, table, log, now, randomBytes } = deps
  const { routesFile, dataDir, snapshotFile } = config
  return createRoutesDesk({
    file: routesFile,
    undoFile: undoFileOf(config),
    reloader: deps.reloader,
    accept: (text) => acceptText(snapshotFile, text),
    table: () => table().definition,
    workbench: createWorkbench({ after }),
    history: createRouteHistory(join(dataDir, 'routes-history'), { randomBytes }),
    git: createRouteGit({ run: gitRunner(deps.environment), log }),
    groupsOf(id) {
      const user = deps.user(id)
      return user === null || user.disabled ? null : user.groups
    },
    explain: async (asked) => explain(asked, deps),
    probe: (target) => probe(target, deps),
    undone: deps.undone,
    now,
    after,
    randomBytes,
    log,
    ...(deps.undoMs === undefined ? {} : { undoMs: deps.undoMs }),
  })
}

function explain(
  { url, method, user: id, client }: Parameters<RoutesDesk['explain']>[0],
  { table, publicPort, user }: AdminRoutesDeps,
): RouteExplanation | null {
  const person = id === null ? null : user(id)
  const identity = person === null || person.disabled ? null : identityOf(person)
  return explainForPerson(table(), { url, method, identity, client: client ?? null }, publicPort())
}

/** As strongly signed in as can be: the question is whom the table lets in. */
function identityOf({ id, displayName, email, groups }: User): Identity {
  return {
    user: id,
    name: displayName,
    email,
    groups,
    session: 'explain' as SessionRef,
    via: 'session',
    passkey: true,
    secondFactor: true,
    authenticatedAt: 0,
    mayWake: true,
  }
}

const answers = {
  ready: 'It answers.',
  refused: 'The machine is there, and nothing listens on that port.',
  failing: 'It takes the connection and does not speak HTTP, or answers with an error of its own.',
  silent: 'Nothing came back in time: the machine is off, or a firewall is in between.',
  forbidden: 'That address is never asked.',
} as const

/** The same rules as for a route: machines by name, no metadata services, nothing in disguise. */
async function probe(target: string, { table, askPort, now }: AdminRoutesDeps): Promise<Probe> {
  const vms = new Map<string, VmDefinition>(table().definition.vms.map((vm) => [vm.id, vm]))
  const faults: Fault[] = []
  const note = (_at: unknown, fault: Fault) => void faults.push(fault)
  const place = readUpstream(target, [], { vms, reporter: { error: note, warning: note } })
  const [fault] = faults
  if (place === null || fault !== undefined) {
    const words =
      fault === undefined ? 'That is no target.' : `${target}: ${fault.what}; ${fault.remedy}.`
    return { ok: false, words, ms: 0 }
  }
  const startedAt = now()
  const { hostname: address, port, scheme } = place
  const result = await askPort({ address, port, scheme, readyPath: '/' })
  return { ok: result === 'ready', words: answers[result], ms: Math.max(0, now() - startedAt) }
}

const gitMs = 10_000
const maxGitOutput = 65_536

/** Without a shell, a terminal to ask on, or Gatehouse's own environment. */
function gitRunner(environment: AdminRoutesDeps['environment']): RunGit {
  const { PATH, HOME } = environment
  const env = {
    ...(PATH !== undefined && { PATH }),
    ...(HOME !== undefined && { HOME }),
    GIT_TERMINAL_PROMPT: '0',
    LC_ALL: 'C',
  }
  return (args, folder) =>
    new Promise((resolve) => {
      const options = { cwd: folder, env, timeout: gitMs, maxBuffer: maxGitOutput } as const
      execFile('git', [...args], options, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 127
        resolve({ code, output: `${stdout}${stderr}` })
      })
    })
}
