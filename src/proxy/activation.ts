// systemd socket activation: which sockets were opened for us before we started (sd_listen_fds(3)).

import { GatehouseError } from '../errors.ts'

export interface InheritedSockets {
  /** File descriptors. */
  readonly https: readonly number[]
  readonly http: readonly number[]
}

/** The first inherited descriptor: 0 to 2 are input, output and errors. */
const firstFd = 3
const none: InheritedSockets = { https: [], http: [] }

/**
 * Reads `LISTEN_PID`, `LISTEN_FDS` and `LISTEN_FDNAMES`. A name is what `FileDescriptorName=` says, `https` or `http`;
 * without names the first socket is for https and the second for http. Take the three variables out of the
 * environment afterwards, or a child process takes the sockets for its own.
 *
 * @returns no sockets when none were passed, or when they were meant for another process.
 * @throws GatehouseError `activation-invalid` for numbers that are none and names nobody knows: listening on
 *   something else instead would look like a start that went well.
 */
export function inheritedSockets(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
): InheritedSockets {
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES } = env
  if (LISTEN_FDS === undefined) return none
  if (LISTEN_PID !== undefined && LISTEN_PID !== String(pid)) return none
  if (!/^[1-9][0-9]?$/.test(LISTEN_FDS)) {
    if (LISTEN_FDS === '0') return none
    throw invalid(`LISTEN_FDS is not a small number: ${JSON.stringify(LISTEN_FDS)}`)
  }
  const count = Number(LISTEN_FDS)
  const names =
    LISTEN_FDNAMES === undefined || LISTEN_FDNAMES === ''
      ? ['https', 'http'].slice(0, count)
      : LISTEN_FDNAMES.split(':')
  if (names.length !== count)
    throw invalid(`LISTEN_FDS says ${count} sockets, LISTEN_FDNAMES names ${names.length}`)
  const https: number[] = []
  const http: number[] = []
  for (const [i, name] of names.entries()) {
    if (name === 'https') https.push(firstFd + i)
    else if (name === 'http') http.push(firstFd + i)
    else throw invalid(`a socket is named ${JSON.stringify(name)}`)
  }
  return { https, http }
}

function invalid(what: string): GatehouseError {
  return new GatehouseError('activation-invalid', `socket activation: ${what}`, {
    remedy:
      'one socket unit per port, with FileDescriptorName=https or FileDescriptorName=http in its [Socket] section (packaging/ has both)',
  })
}
